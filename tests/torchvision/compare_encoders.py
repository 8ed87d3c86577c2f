"""Feature levels of aixcell's encoders (float32) against torchvision's (float64), same weights, same input: weights that
aixcell saved, then weights that torchvision made.

    compare_encoders.py <encoder_levels>        exit code 77: torch or torchvision is not installed
"""
import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
    import torch
    import torchvision
except ImportError as e:
    print("skipped:", e)
    sys.exit(77)

TOLERANCE = 1e-4  # of the largest value of a level


def read_safetensors(path):
    """Tensors of float32."""
    content = path.read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    tensors = {}
    for name, entry in json.loads(content[8:8 + size]).items():
        if name == "__metadata__":
            continue
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        tensors[name] = torch.from_numpy(np.frombuffer(content[begin:end], np.float32).copy().reshape(entry["shape"]))
    return tensors


TYPE_NAMES = {torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16",
              torch.int64: "I64"}


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, t in tensors.items():
        t = t.contiguous()
        raw = (t.view(torch.int16) if t.dtype == torch.bfloat16 else t).numpy().tobytes()  # numpy has no bfloat16
        header[name] = {"dtype": TYPE_NAMES[t.dtype], "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def set_weights(model, given, unused):
    """Every tensor of the model outside `unused` must be there, and nothing may be left over."""
    result = model.load_state_dict(given, strict=False)
    missing = [n for n in result.missing_keys if not n.startswith(unused) and not n.endswith("num_batches_tracked")]
    assert not missing and not result.unexpected_keys, (missing[:5], result.unexpected_keys[:5])


def resnet_levels(m, x):
    yield (x := m.relu(m.bn1(m.conv1(x))))
    x = m.maxpool(x)
    for layer in (m.layer1, m.layer2, m.layer3, m.layer4):
        yield (x := layer(x))


def vgg_levels(m, x):
    pools = 0
    for layer in m.features:
        if isinstance(layer, torch.nn.MaxPool2d):
            if pools > 0:
                yield x
            pools += 1
        x = layer(x)
    yield x


def densenet_levels(m, x):
    f = m.features
    yield (x := torch.relu(f.norm0(f.conv0(x))))
    x = f.pool0(x)
    for i in (1, 2, 3):
        transition = getattr(f, f"transition{i}")
        yield (x := torch.relu(transition.norm(getattr(f, f"denseblock{i}")(x))))
        x = transition.pool(transition.conv(x))
    yield f.norm5(f.denseblock4(x))


def levels_after(*positions):
    def levels(m, x):
        for i, layer in enumerate(m.features[:positions[-1] + 1]):
            x = layer(x)
            if i in positions:
                yield x
    return levels


ENCODERS = {
    "resnet18": (resnet_levels, ("fc",)),
    "resnet34": (resnet_levels, ("fc",)),
    "resnet50": (resnet_levels, ("fc",)),
    "vgg16_bn": (vgg_levels, ("classifier",)),
    "densenet121": (densenet_levels, ("classifier",)),
    "mobilenet_v2": (levels_after(1, 3, 6, 13, 18), ("classifier",)),
    "efficientnet_b0": (levels_after(1, 2, 3, 5, 7), ("classifier", "features.8.")),
    "efficientnet_b2": (levels_after(1, 2, 3, 5, 7), ("classifier", "features.8.")),
    "convnext_tiny": (levels_after(1, 3, 5, 7), ("classifier",)),
}


def first_convolution_takes(model, channels):
    """torchvision's networks take three channels: gives the first convolution as many as the example has."""
    for parent in model.modules():
        for name, child in parent.named_children():
            if isinstance(child, torch.nn.Conv2d):
                setattr(parent, name, torch.nn.Conv2d(channels, child.out_channels, child.kernel_size, child.stride,
                                                      child.padding, bias=child.bias is not None))
                return


def worst_difference(levels, model, x, found):
    """Of the levels that aixcell found, relative to the largest value of each."""
    model.eval().double()  # deep random networks magnify rounding: torchvision's own float32 is 6e-5 off at stride 32
    worst = 0.0
    with torch.no_grad():
        expected = list(levels(model, x.double()))
    assert f"level{len(expected)}" not in found
    for i, level in enumerate(expected):
        ours = found[f"level{i}"].permute(0, 3, 1, 2).double()
        assert ours.shape == level.shape, f"level {i}: {tuple(ours.shape)}, torchvision {tuple(level.shape)}"
        worst = max(worst, float((ours - level).abs().max() / level.abs().max()))
    return worst


def saved_by_aixcell(program, folder):
    subprocess.run([program, "give", folder], check=True)
    for name, (levels, unused) in ENCODERS.items():
        found = read_safetensors(Path(folder) / f"{name}.levels.safetensors")
        x = found["input"].permute(0, 3, 1, 2)
        model = getattr(torchvision.models, name)(weights=None)
        if x.shape[1] != 3:
            first_convolution_takes(model, x.shape[1])
        set_weights(model, read_safetensors(Path(folder) / f"{name}.weights.safetensors"), unused)
        yield name, worst_difference(levels, model, x, found)


# How a file may differ from torchvision's own: names, type of the numbers; and the channels of the image.
VARIANTS = [("", torch.float32, 3), ("module.", torch.float16, 1), ("encoder.", torch.bfloat16, 3),
            ("", torch.float64, 5), ("backbone.body.", torch.float32, 2)]


def made_by_torchvision(program, folder):
    """All of a network's state goes into the file: classifier, counters. Its three channels see the same image, which
    aixcell gets with another number of equal channels."""
    torch.manual_seed(1)
    pictures, models = {}, {}
    for i, name in enumerate(ENCODERS):
        prefix, dtype, channels = VARIANTS[i % len(VARIANTS)]
        model = getattr(torchvision.models, name)(weights=None)
        if name == "vgg16_bn":
            model.classifier = torch.nn.Linear(512, 10)  # the real one has a gigabyte
        with torch.no_grad():
            for key, t in model.state_dict().items():
                if key.endswith("running_var"):
                    t.uniform_(0.5, 1.5)
                elif t.dim() == 1:
                    t.add_(0.2 * torch.randn_like(t))
                if t.is_floating_point():
                    t.copy_(t.to(dtype))  # what the file holds
        write_safetensors(Path(folder) / f"{name}.weights.safetensors",
                          {prefix + key: t.to(dtype) if t.is_floating_point() else t
                           for key, t in model.state_dict().items()})
        gray = torch.randn(1, 1, 64, 96)
        write_safetensors(Path(folder) / f"{name}.input.safetensors",
                          {"input": gray.expand(-1, channels, -1, -1).permute(0, 2, 3, 1)})
        pictures[name], models[name] = gray.expand(-1, 3, -1, -1), model
    subprocess.run([program, "take", folder], check=True)
    for name, (levels, unused) in ENCODERS.items():
        found = read_safetensors(Path(folder) / f"{name}.levels.safetensors")
        yield name, worst_difference(levels, models[name], pictures[name], found)


def main():
    failed = False
    for comparison in (saved_by_aixcell, made_by_torchvision):
        print(comparison.__name__.replace("_", " "), flush=True)
        with tempfile.TemporaryDirectory() as folder:
            for name, worst in comparison(sys.argv[1], folder):
                failed |= not worst <= TOLERANCE
                print(f"  {name:16} {worst:.1e}", "" if worst <= TOLERANCE else f"above {TOLERANCE:.0e}", flush=True)
    sys.exit(failed)


main()
