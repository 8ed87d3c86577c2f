"""aixcell's whole networks against the PyTorch ones of this folder (float64), same weights, same image.

    compare_networks.py <write_networks> [<encoder>|<encoder>-<decoder>...]
    exit code 77: torch or torchvision is not installed

The program writes weights, image, output and gradients of every network of networks.txt; PyTorch takes the weights from
the file. Compared are
  output    in float32, the largest difference at unit scale: relative to the largest magnitude where that is above 1
  all       the gradients in float32, all as one vector: the norm of the difference relative to PyTorch's. Some values pass
            a ReLU in one precision and not in the other, which batches of few values magnify: PyTorch's own float32
            (next column) is as far off;
  output64  in float64
  worst64   the gradients in float64, the worst of all parameters: the norm of its difference relative to its norm, or to
            1e-6 of the norm of all gradients where that is larger (a bias before a normalisation has gradient 0)
"""
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    import numpy as np
    import torch
    import torchvision
except ImportError as e:
    print("skipped:", e)
    sys.exit(77)

import tensor_file
from drawn import drawn, weight_range
from networks import Network, listed, norm, relative_difference, run, set_weights

OUTPUT_TOLERANCE = 1e-4
FLOAT64_TOLERANCES = 1e-9, 1e-7
FLOAT32_GRADIENT_LIMIT = 0.2  # no proof of equality, see above; what is wrong is off by about 1


def part(tensors, prefix):
    return {name[len(prefix):]: t for name, t in tensors.items() if name.startswith(prefix)}


def worst_gradient(found, expected):
    least = 1e-6 * norm(expected)
    return max(np.linalg.norm(found[name].reshape(g.shape) - g) / max(np.linalg.norm(g), least)
               for name, g in expected.items())


def compare(tensors, encoder, decoder):
    """The differences, in the order of the columns."""
    image, weights = tensors["input"], part(tensors, "weights.")
    for name, values in weights.items():
        assert np.array_equal(values, drawn(name, values.shape, *weight_range(name, values.shape))), \
            f"{name}: drawn.hpp and drawn.py differ"
    results = []
    for precision in (torch.float64, torch.float32):
        network = Network(encoder, decoder, image.shape[3])
        left = dict(weights)
        set_weights(network, lambda name, shape: left.pop(name))
        assert not left, f"left over: {sorted(left)[:5]}"
        results.append(run(network.to(precision), image))
    (output, gradients), (_, gradients32) = results
    found, found64 = part(tensors, "gradient."), part(tensors, "gradient64.")
    assert found.keys() == found64.keys() == gradients.keys()
    assert tensors["output"].shape == output.shape
    scale = max(1.0, np.max(np.abs(output)))
    return (np.max(np.abs(tensors["output"] - output)) / scale, relative_difference(found, gradients),
            relative_difference(gradients32, gradients), np.max(np.abs(tensors["output64"] - output)) / scale,
            worst_gradient(found64, gradients))


def within_tolerances(output, all32, _, output64, worst64):
    return (output <= OUTPUT_TOLERANCE and all32 <= FLOAT32_GRADIENT_LIMIT and
            output64 <= FLOAT64_TOLERANCES[0] and worst64 <= FLOAT64_TOLERANCES[1])


def main():
    program, wanted = sys.argv[1], sys.argv[2:]
    compiled = subprocess.run([program], check=True, capture_output=True, text=True).stdout.split("\n")
    networks = list(listed())
    assert {f"{e} {d}" for e, d, _ in networks} == set(filter(None, compiled)), "networks.txt and networks.cpp differ"
    failed = False
    print(f"{'':30}{'output':>9}{'all':>9}{'PyTorch':>9}{'output64':>9}{'worst64':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for encoder, decoder, shape in networks:
            name = f"{encoder}-{decoder}"
            if wanted and encoder not in wanted and name not in wanted:
                continue
            began = time.monotonic()
            file = Path(folder) / "network.safetensors"
            subprocess.run([program, file, encoder, decoder, *map(str, shape)], check=True)
            computed = time.monotonic()
            differences = compare(tensor_file.read(file), encoder, decoder)
            good = within_tolerances(*differences)
            failed |= not good
            print(f"{name:30}" + "".join(f"{d:9.1e}" for d in differences), f" in {computed - began:.0f} s,",
                  f"PyTorch {time.monotonic() - computed:.0f} s", "" if good else " ABOVE THE TOLERANCE", flush=True)
    sys.exit(failed)


main()
