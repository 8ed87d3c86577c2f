"""Writes what the reference networks compute from drawn weights (drawn.py), in a few numbers a tensor.

    make_fixtures.py <folder> [<encoder>[-<decoder>]...]       needs python3-torch and python3-torchvision

For every network of networks.txt <folder>/<encoder>-<decoder>.safetensors with, in float64:
  input_shape  [4]        of the image, which is drawn
  output       [SAMPLES]  inference's output, flat [N,H,W,K], at positions spread evenly, first and last included
  output_norm  [1]        the root of the sum of all its squares
  gradients    [P,2]      of every parameter, sorted by name: the norm, and the product with a drawn direction
networks.run says of what the gradients are.
"""
import sys
from pathlib import Path

import numpy as np

import tensor_file
from drawn import UNIT_RANGE, drawn
from networks import Network, draw_weights, listed, run

SAMPLES = 128


def fixture(encoder, decoder, shape):
    network = Network(encoder, decoder, shape[3])
    draw_weights(network)
    output, gradients = run(network, drawn("input", shape, *UNIT_RANGE))
    flat = output.reshape(-1)
    rows = []
    for name, gradient in sorted(gradients.items()):
        direction = drawn("direction." + name, gradient.shape, *UNIT_RANGE)
        rows.append([np.sqrt(np.sum(gradient**2)), np.sum(gradient * direction)])
    return {"input_shape": np.array(shape, np.float64),
            "output": flat[np.arange(SAMPLES) * (flat.size - 1) // (SAMPLES - 1)],
            "output_norm": np.array([np.sqrt(np.sum(flat**2))]),
            "gradients": np.array(rows)}


def main():
    folder, wanted = Path(sys.argv[1]), sys.argv[2:]
    for encoder, decoder, shape in listed():
        name = f"{encoder}-{decoder}"
        if not wanted or encoder in wanted or name in wanted:
            tensors = fixture(encoder, decoder, shape)
            tensor_file.write(folder / f"{name}.safetensors", tensors)
            print(f"{name:32} largest output {np.abs(tensors['output']).max():6.2f}", flush=True)


main()
