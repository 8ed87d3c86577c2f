"""Encoders in PyTorch, tensors named as aixcell names them; forward gives the feature levels, finest first.

The networks that torchvision has are torchvision's, with one extension: they take images of any size, in that a window
which reaches over the right or lower border counts for the part inside (`ceil_mode`) or sees zeros (patches), so that
each edge is that of the level above, halved and rounded up. For edges that divide by the strides nothing changes.
"""
import torch
import torchvision
from torch import nn
from torch.nn import functional as F


def first_convolution_takes(model, channels):
    """torchvision's networks take three channels: gives the first convolution as many as the image has."""
    for parent in model.modules():
        for name, child in parent.named_children():
            if isinstance(child, nn.Conv2d):
                setattr(parent, name, nn.Conv2d(channels, child.out_channels, child.kernel_size, child.stride,
                                                child.padding, bias=child.bias is not None))
                return


class TorchvisionEncoder(nn.Module):
    """What a torchvision network computes up to `features` of its members; the rest is thrown away."""

    def __init__(self, name, channels):
        super().__init__()
        model = getattr(torchvision.models, name)(weights=None)
        first_convolution_takes(model, channels)
        for module in model.modules():
            if isinstance(module, (nn.MaxPool2d, nn.AvgPool2d)):
                module.ceil_mode = module.padding == 0
            if isinstance(module, torchvision.ops.StochasticDepth):
                module.p = 0.0
        for child, layer in model.named_children():
            if child not in ("fc", "classifier", "avgpool"):
                self.add_module(child, layer)


class ResNet(TorchvisionEncoder):
    """He et al. 2016."""

    def forward(self, x):
        levels = [self.relu(self.bn1(self.conv1(x)))]
        x = self.maxpool(levels[0])
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            levels.append(x := layer(x))
        return levels


class VGG(TorchvisionEncoder):
    """Simonyan and Zisserman 2015: what each maximum but the first sees, and what the last one gives."""

    def forward(self, x):
        levels, pools = [], 0
        for layer in self.features:
            if isinstance(layer, nn.MaxPool2d):
                pools += 1
                if pools > 1:
                    levels.append(x)
            x = layer(x)
        return levels + [x]


class DenseNet(TorchvisionEncoder):
    """Huang et al. 2017: the stem, what the transitions see after normalisation and ReLU, and the end."""

    def forward(self, x):
        f = self.features
        levels = [f.relu0(f.norm0(f.conv0(x)))]
        x = f.pool0(levels[0])
        for i in (1, 2, 3):
            transition = getattr(f, f"transition{i}")
            levels.append(transition.relu(transition.norm(getattr(f, f"denseblock{i}")(x))))
            x = transition.pool(transition.conv(levels[-1]))
        return levels + [f.norm5(f.denseblock4(x))]


class Features(TorchvisionEncoder):
    """Levels after the given members of `features`."""

    def __init__(self, name, channels, positions):
        super().__init__(name, channels)
        self.features = self.features[:positions[-1] + 1]
        self.positions = positions

    def forward(self, x):
        levels = []
        for i, layer in enumerate(self.features):
            x = layer(x)
            if i in self.positions:
                levels.append(x)
        return levels


class ConvNeXt(Features):
    """Liu et al. 2022. Patches at the right and lower border are filled up with zeros."""

    def __init__(self, name, channels):
        super().__init__(name, channels, (1, 3, 5, 7))
        for i in (0, 2, 4, 6):
            for module in self.features[i]:
                if isinstance(module, nn.Conv2d):
                    module.register_forward_pre_hook(self.fill_up)

    @staticmethod
    def fill_up(module, inputs):
        size = module.stride[0]
        return F.pad(inputs[0], (0, -inputs[0].shape[3] % size, 0, -inputs[0].shape[2] % size))


class SqueezeExcitation(nn.Module):
    """Hu et al. 2018, eq. 2 to 4."""

    def __init__(self, channels, reduction):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // reduction, 1)
        self.fc2 = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True)))))


class SEResNeXtBlock(nn.Module):
    """Xie et al. 2017, fig. 3c, with squeeze-and-excitation before the addition (Hu et al. 2018, fig. 3)."""

    def __init__(self, inputs, planes, stride):
        super().__init__()
        width = planes * 4 // 64 * 32
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, groups=32, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * planes, 1, bias=False), nn.BatchNorm2d(4 * planes)
        self.se_module = SqueezeExcitation(4 * planes, 16)
        self.downsample = None
        if stride != 1 or inputs != 4 * planes:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, 4 * planes, 1, stride, bias=False),
                                            nn.BatchNorm2d(4 * planes))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.se_module(self.bn3(self.conv3(y)))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class SEResNeXt50(nn.Module):
    """SE-ResNeXt-50 32x4d (Hu et al. 2018), tensors named as in the authors' release. The stem's maximum has no padding
    and counts windows that reach over the border, as there; an odd edge gets one more such window."""

    def __init__(self, channels):
        super().__init__()
        self.layer0 = nn.Module()
        self.layer0.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
        self.layer0.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        for i, blocks in enumerate((3, 4, 6, 3)):
            layer = []
            for b in range(blocks):
                layer.append(SEResNeXtBlock(inputs, 64 << i, 2 if b == 0 and i > 0 else 1))
                inputs = 256 << i
            self.add_module(f"layer{i + 1}", nn.Sequential(*layer))

    def forward(self, x):
        levels = [F.relu(self.layer0.bn1(self.layer0.conv1(x)))]
        height, width = levels[0].shape[2:]
        x = F.pad(levels[0], (0, width % 2, 0, height % 2), value=-torch.inf)
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            levels.append(x := layer(x))
        return levels


class ConvNormRelu(nn.Module):
    def __init__(self, inputs, outputs, kernel=3, norm=nn.BatchNorm2d):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.norm = norm(outputs)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)))


class Plain(nn.Module):
    """The contracting path of the U-Net (Ronneberger et al. 2015), with padding and batch normalisation."""

    def __init__(self, channels, levels, width):
        super().__init__()
        self.stage = nn.ModuleList()
        for i in range(levels):
            inputs = channels if i == 0 else width << (i - 1)
            self.stage.append(nn.Sequential(ConvNormRelu(inputs, width << i), ConvNormRelu(width << i, width << i)))

    def forward(self, x):
        levels = []
        for i, stage in enumerate(self.stage):
            levels.append(x := stage(x if i == 0 else F.max_pool2d(x, 2, ceil_mode=True)))
        return levels


def encoder(name, channels):
    """The encoder and its levels' (channels, stride)."""
    if name.startswith("resnet"):
        wide = 4 if name == "resnet50" else 1
        return ResNet(name, channels), [(64, 2)] + [((64 << i) * wide, 4 << i) for i in range(4)]
    if name == "se_resnext50_32x4d":
        return SEResNeXt50(channels), [(64, 2), (256, 4), (512, 8), (1024, 16), (2048, 32)]
    if name == "vgg16_bn":
        return VGG(name, channels), [(128, 2), (256, 4), (512, 8), (512, 16), (512, 32)]
    if name == "densenet121":
        return DenseNet(name, channels), [(64, 2), (256, 4), (512, 8), (1024, 16), (1024, 32)]
    if name == "convnext_tiny":
        return ConvNeXt(name, channels), [(96, 4), (192, 8), (384, 16), (768, 32)]
    if name == "mobilenet_v2":
        return Features(name, channels, (1, 3, 6, 13, 18)), [(16, 2), (24, 4), (32, 8), (96, 16), (1280, 32)]
    if name.startswith("efficientnet_b"):
        model = Features(name, channels, (1, 2, 3, 5, 7))
        widths = [model.features[i][-1].out_channels for i in model.positions]
        return model, list(zip(widths, (2, 4, 8, 16, 32)))
    if name == "plain4x16":
        return Plain(channels, 4, 16), [(16 << i, 1 << i) for i in range(4)]
    raise KeyError(name)
