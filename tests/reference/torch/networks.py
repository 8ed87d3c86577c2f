"""Whole reference networks: encoder, decoder and a 1x1 convolution, in float64."""
from pathlib import Path

import numpy as np
import torch
from torch import nn

from decoders import DECODERS
from drawn import UNIT_RANGE, drawn, weight_range
from encoders import encoder

OUTPUTS = 3
MOMENTUM = 0.25  # see networks.hpp
LIST = Path(__file__).parent.parent / "networks.txt"


def listed():
    """(encoder, decoder, shape of the image [N,H,W,C]) of every network."""
    for line in LIST.read_text().splitlines():
        if not line.startswith("#"):
            encoder_name, decoder_name, *shape = line.split()
            yield encoder_name, decoder_name, tuple(map(int, shape))


class Network(nn.Module):
    def __init__(self, encoder_name, decoder_name, channels):
        super().__init__()
        self.encoder, levels = encoder(encoder_name, channels)
        self.decoder = DECODERS[decoder_name](levels)
        self.head = nn.Conv2d(self.decoder.channels, OUTPUTS, 1)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = MOMENTUM
        self.double()

    def forward(self, x):
        return self.head(self.decoder(self.encoder(x), x.shape[2:]))


def stored(tensor):
    """A tensor of the reference as aixcell stores it: images [N,H,W,C], filters [K,R,S,C], factors [C,1,1] as [C]."""
    if tensor.dim() == 4:
        return tensor.permute(0, 2, 3, 1)
    return tensor.flatten() if tensor.dim() == 3 else tensor


def set_weights(network, given):
    """`given(name, shape)` is a tensor as aixcell stores it (filters of patches have their taps in the channels)."""
    state = network.state_dict()
    for name, value in state.items():
        if not name.endswith("num_batches_tracked"):
            target = stored(value)
            values = np.array(given(name, tuple(target.shape)), np.float64).reshape(target.shape)
            target.copy_(torch.from_numpy(values))
    network.load_state_dict(state)


def draw_weights(network):
    set_weights(network, lambda name, shape: drawn(name, shape, *weight_range(name, shape)))


def run(network, image):
    """One pass of training and one of inference, in the network's precision: the output and the gradients.

    The gradients (by name, as aixcell stores filters) of the sum of drawn factors times the output in training, which
    moves the running statistics; then the output [N,H,W,K] of inference with them.
    """
    x = torch.from_numpy(np.array(image)).to(network.head.weight.dtype).permute(0, 3, 1, 2)
    network.train()
    output = stored(network(x))
    (output * torch.from_numpy(drawn("functional", tuple(output.shape), *UNIT_RANGE))).sum().backward()
    network.eval()
    with torch.no_grad():
        output = stored(network(x)).numpy()
    gradients = {name: torch.zeros_like(p) if p.grad is None else p.grad  # None: no decoder uses that level
                 for name, p in network.named_parameters()}
    return output, {name: stored(g).numpy() for name, g in gradients.items()}


def norm(gradients):
    """Of all as one vector."""
    return np.sqrt(sum(np.sum(g.astype(np.float64)**2) for g in gradients.values()))


def relative_difference(found, expected):
    """Of all gradients as one vector."""
    return norm({name: found[name].reshape(g.shape) - g for name, g in expected.items()}) / norm(expected)
