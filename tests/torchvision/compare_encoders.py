"""Feature levels of aixcell's encoders (float32) against torchvision's (float64), same weights, same input.

    compare_encoders.py <export_encoders>        exit code 77: torch or torchvision is not installed
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
    content = path.read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    tensors = {}
    for name, entry in json.loads(content[8:8 + size]).items():
        if name == "__metadata__":
            continue
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        tensors[name] = torch.from_numpy(np.frombuffer(content[begin:end], np.float32).copy().reshape(entry["shape"]))
    return tensors


def set_weights(model, tensors, unused):
    """Every tensor of the model outside `unused` must be there, and nothing may be left over."""
    state = model.state_dict()
    given = {name[len("weights."):]: t for name, t in tensors.items() if name.startswith("weights.")}
    for name, value in state.items():
        if name.startswith(unused) or name.endswith("num_batches_tracked"):
            continue
        t = given.pop(name)
        if value.dim() == 4:  # [K,R,S,C] to [K,C,R,S]; filters of patches have their taps in the channels
            k, c, r, s = value.shape
            t = t.reshape(k, r, s, c).permute(0, 3, 1, 2)
        state[name] = t.reshape(value.shape)
    assert not given, f"left over: {sorted(given)[:5]}"
    model.load_state_dict(state)


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


def worst_difference(name, tensors):
    levels, unused = ENCODERS[name]
    x = tensors["input"].permute(0, 3, 1, 2)
    model = getattr(torchvision.models, name)(weights=None)
    if x.shape[1] != 3:
        first_convolution_takes(model, x.shape[1])
    set_weights(model, tensors, unused)
    model.eval().double()  # deep random networks magnify rounding: torchvision's own float32 is 6e-5 off at stride 32
    worst = 0.0
    with torch.no_grad():
        expected = list(levels(model, x.double()))
    assert f"level{len(expected)}" not in tensors
    for i, level in enumerate(expected):
        found = tensors[f"level{i}"].permute(0, 3, 1, 2).double()
        assert found.shape == level.shape, f"level {i}: {tuple(found.shape)}, torchvision {tuple(level.shape)}"
        worst = max(worst, float((found - level).abs().max() / level.abs().max()))
    return worst


def main():
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], folder], check=True)
        for name in ENCODERS:
            worst = worst_difference(name, read_safetensors(Path(folder) / f"{name}.safetensors"))
            failed |= not worst <= TOLERANCE
            print(f"{name:16} {worst:.1e}", "" if worst <= TOLERANCE else f"above {TOLERANCE:.0e}")
    sys.exit(failed)


main()
