"""Decoders in PyTorch, as the docstrings of aixcell/decoder define them, tensors named as aixcell names them.

A decoder is made of the levels' (channels, stride), finest first; forward takes the levels and the size of the image
and gives the dense map. `channels` is its number of channels.
"""
import torch
from torch import nn
from torch.nn import functional as F

from encoders import ConvNormRelu


def ceil_divide(size, by):
    return [-(-edge // by) for edge in size]


def nearest(x, size):
    return F.interpolate(x, size=tuple(size), mode="nearest")


def bilinear(x, size):
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)


def two_units(inputs, outputs):
    return nn.Sequential(ConvNormRelu(inputs, outputs), ConvNormRelu(outputs, outputs))


def unet_width(levels, level):
    """Mirrors encoders that start at stride 1, else follows the stride."""
    channels, stride = level
    return channels if levels[0][1] == 1 else 16 * stride


class UNet(nn.Module):
    """Ronneberger et al. 2015, with enlargement by nearest neighbour."""

    def __init__(self, levels):
        super().__init__()
        self.step = nn.ModuleList()
        channels, stride = levels[-1]
        skips = list(levels[:-1])
        while stride > 1:
            stride //= 2
            skip = skips.pop() if skips else (0, stride)
            width = unet_width(levels, skip)
            self.step.append(two_units(channels + skip[0], width))
            channels = width
        self.channels = channels

    def forward(self, levels, size):
        levels = list(levels)
        y = levels.pop()
        for i, step in enumerate(self.step):
            y = nearest(y, levels[-1].shape[2:] if levels else ceil_divide(size, 1 << (len(self.step) - 1 - i)))
            y = step(torch.cat([y, levels.pop()], 1) if levels else y)
        return y


class UNetPlusPlus(nn.Module):
    """Zhou et al. 2018, fig. 1a: node (i, j) sees node (i + 1, j - 1), enlarged, and nodes (i, j - 1) to (i, 0)."""

    def __init__(self, levels):
        super().__init__()
        self.depth = len(levels) - 1
        width = {(i, 0): level[0] for i, level in enumerate(levels)}
        for j in range(1, self.depth + 1):
            for i in range(self.depth + 1 - j):
                width[i, j] = unet_width(levels, levels[i]) if i + j == self.depth else levels[i][0]
        self.node = nn.ModuleList(
            nn.ModuleList(two_units(width[i + 1, j - 1] + sum(width[i, k] for k in range(j)), width[i, j])
                          for j in range(1, self.depth + 1 - i)) for i in range(self.depth))
        self.tail = nn.ModuleList()
        self.channels, stride = width[0, self.depth], levels[0][1]
        while stride > 1:
            stride //= 2
            self.tail.append(two_units(self.channels, 16 * stride))
            self.channels = 16 * stride

    def forward(self, levels, size):
        made = {(i, 0): level for i, level in enumerate(levels)}
        for j in range(1, self.depth + 1):
            for i in range(self.depth + 1 - j):
                parts = [nearest(made[i + 1, j - 1], made[i, 0].shape[2:])] + [made[i, k] for k in reversed(range(j))]
                made[i, j] = self.node[i][j - 1](torch.cat(parts, 1))
        y = made[0, self.depth]
        for i, step in enumerate(self.tail):
            y = step(nearest(y, ceil_divide(size, 1 << (len(self.tail) - 1 - i))))
        return y


class LinkNetStep(nn.Module):
    """Chaurasia and Culurciello 2017, fig. 3."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.narrow = ConvNormRelu(inputs, inputs // 4, 1)
        self.enlarge = nn.Module()
        self.enlarge.conv = nn.ConvTranspose2d(inputs // 4, inputs // 4, 4, 2, 1)
        self.enlarge.norm = nn.BatchNorm2d(inputs // 4)
        self.widen = ConvNormRelu(inputs // 4, outputs, 1)

    def forward(self, x, size):
        y = F.relu(self.enlarge.norm(self.enlarge.conv(self.narrow(x))))
        return self.widen(y[:, :, :size[0], :size[1]])


class LinkNet(nn.Module):
    """Chaurasia and Culurciello 2017; what is larger than the next level is cut at the lower and right border."""

    def __init__(self, levels):
        super().__init__()
        self.step = nn.ModuleList()
        inputs, stride = levels[-1]
        skips = [channels for channels, _ in levels[:-1]]
        self.channels = levels[0][0] if levels[0][1] == 1 else 32
        while stride > 1:
            outputs = skips.pop() if skips else self.channels if stride == 2 else inputs
            self.step.append(LinkNetStep(inputs, outputs))
            inputs, stride = outputs, stride // 2

    def forward(self, levels, size):
        levels = list(levels)
        y = levels.pop()
        for i, step in enumerate(self.step):
            y = step(y, ceil_divide(size, 1 << (len(self.step) - 1 - i)))
            if levels:
                y = y + levels.pop()
        return y


def index_of_stride(levels, stride):
    """Of the level with this stride; 0 if there is none."""
    return next((i for i, level in enumerate(levels) if level[1] == stride), 0)


class FPN(nn.Module):
    """Lin et al. 2017, with the segmentation branch of Kirillov et al. 2019, fig. 3."""

    channels = 32

    def __init__(self, levels):
        super().__init__()
        self.first = index_of_stride(levels, 4)
        used = levels[self.first:]
        self.lateral = nn.ModuleList(nn.Conv2d(channels, 128, 1) for channels, _ in used)

        def group_norm(channels):
            return nn.GroupNorm(16, channels)

        self.branch = nn.ModuleList(
            nn.ModuleList(ConvNormRelu(128 if k == 0 else 64, 64, norm=group_norm) for k in range(max(1, i)))
            for i in range(len(used)))
        self.last = nn.Conv2d(64, self.channels, 1)

    def forward(self, levels, size):
        levels = levels[self.first:]
        pyramid = [lateral(level) for lateral, level in zip(self.lateral, levels)]
        for i in reversed(range(len(pyramid) - 1)):
            pyramid[i] = pyramid[i] + nearest(pyramid[i + 1], levels[i].shape[2:])
        total = 0
        for i, branch in enumerate(self.branch):
            y = pyramid[i]
            for k, unit in enumerate(branch):
                y = unit(y)
                if i > 0:
                    y = bilinear(y, levels[i - 1 - k].shape[2:])
            total = total + y
        return bilinear(self.last(total), size)


class PSPNet(nn.Module):
    """Zhao et al. 2017, fig. 3, at stride 8. The mean over the whole image is not normalised."""

    channels = 32

    def __init__(self, levels):
        super().__init__()
        self.used = next((i for i, level in enumerate(levels) if level[1] >= 8), len(levels) - 1)
        channels = levels[self.used][0]
        quarter = max(1, channels // 4)
        self.whole = nn.Conv2d(channels, quarter, 1)
        self.part = nn.ModuleList(ConvNormRelu(channels, quarter, 1) for _ in range(3))
        self.merge = ConvNormRelu(channels + 4 * quarter, 512, 1)
        self.last = nn.Conv2d(512, self.channels, 1)

    def forward(self, levels, size):
        x = levels[self.used]
        parts = [x, bilinear(F.relu(self.whole(F.adaptive_avg_pool2d(x, 1))), x.shape[2:])]
        for part, cells in zip(self.part, (2, 3, 6)):
            parts.append(bilinear(part(F.adaptive_avg_pool2d(x, cells)), x.shape[2:]))
        return bilinear(self.last(self.merge(torch.cat(parts, 1))), size)


class SeparableUnit(nn.Module):
    """Depthwise 3x3, then 1x1, normalisation and ReLU (Chollet 2017)."""

    def __init__(self, inputs, outputs, dilation=1):
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, padding=dilation, dilation=dilation, groups=inputs, bias=False)
        self.pointwise = ConvNormRelu(inputs, outputs, 1)

    def forward(self, x):
        return self.pointwise(self.depthwise(x))


class DeepLabV3Plus(nn.Module):
    """Chen et al. 2018, fig. 2, with the rates of output stride 16; a coarsest level of stride 32 is enlarged to 16. The
    mean over the image is not normalised."""

    channels = 32

    def __init__(self, levels):
        super().__init__()
        self.fine = index_of_stride(levels[:-1], 4)
        coarse, stride = levels[-1]
        self.enlarges = stride == 32
        self.aspp = nn.Module()
        self.aspp.near = ConvNormRelu(coarse, 256, 1)
        self.aspp.far = nn.ModuleList(SeparableUnit(coarse, 256, rate) for rate in (12, 24, 36))
        self.aspp.mean = nn.Conv2d(coarse, 256, 1)
        self.aspp.merge = ConvNormRelu(5 * 256, 256, 1)
        self.smooth = SeparableUnit(256, 256)
        self.narrow = ConvNormRelu(levels[self.fine][0], 48, 1)
        self.refine = SeparableUnit(256 + 48, 256)
        self.last = nn.Conv2d(256, self.channels, 1)

    def forward(self, levels, size):
        x, fine = levels[-1], levels[self.fine]
        if self.enlarges:
            x = bilinear(x, ceil_divide(size, 16))
        mean = F.relu(self.aspp.mean(x.mean((2, 3), keepdim=True)))
        parts = [self.aspp.near(x)] + [far(x) for far in self.aspp.far] + [mean.expand(-1, -1, *x.shape[2:])]
        y = bilinear(self.smooth(self.aspp.merge(torch.cat(parts, 1))), fine.shape[2:])
        return bilinear(self.last(self.refine(torch.cat([y, self.narrow(fine)], 1))), size)


DECODERS = {"unet": UNet, "unet_plus_plus": UNetPlusPlus, "linknet": LinkNet, "fpn": FPN, "pspnet": PSPNet,
            "deeplab_v3_plus": DeepLabV3Plus}
