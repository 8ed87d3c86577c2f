#!/usr/bin/env python3
"""Whole networks beside PyTorch: a training step (forward, cross entropy, backward, AdamW) on 4 images of 256x256, and
inference of one image; the networks of benchmarks/networks/step.cpp, written in plain PyTorch below.

    python3 benchmarks/peers/networks.py --ours build/release/benchmarks/benchmark_networks_step [--rounds 5] [--only TEXT]

Every round measures aixcell, then PyTorch in both layouts, in turn (A B A B), so that whatever else the machine does meets
both. Prints a Markdown table of medians and of the ratio of each round, with its range. PyTorch runs as it comes; MALLOC=FILE
preloads an allocator for it. Without PyTorch the script says so and measures nothing.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time


def build(name):
    import torch
    from torch import nn
    from torch.nn import functional as F

    def unit(inputs, outputs, kernel=3, stride=1):
        return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
                             nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))

    def pair(inputs, outputs):
        return nn.Sequential(unit(inputs, outputs), unit(outputs, outputs))

    class ClassicUnet(nn.Module):
        """Widths 32 to 512, 2x2 maxima down, 2x2 transposed convolutions up."""

        def __init__(self, channels):
            super().__init__()
            widths = [32, 64, 128, 256, 512]
            self.down = nn.ModuleList(pair(a, b) for a, b in zip([channels] + widths, widths))
            self.enlarge = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, 2) for w in widths[-2::-1])
            self.up = nn.ModuleList(pair(2 * w, w) for w in widths[-2::-1])
            self.head = nn.Conv2d(32, 2, 1)

        def forward(self, x):
            levels = []
            for i, block in enumerate(self.down):
                x = block(F.max_pool2d(x, 2) if i else x)
                levels.append(x)
            for enlarge, block, skip in zip(self.enlarge, self.up, levels[-2::-1]):
                x = block(torch.cat([skip, enlarge(x)], 1))
            return self.head(x)

    class Basic(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.first = unit(inputs, outputs, 3, stride)
            self.second = nn.Sequential(nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
            self.short = None if stride == 1 and inputs == outputs else nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

        def forward(self, x):
            return F.relu(self.second(self.first(x)) + (self.short(x) if self.short else x))

    class Resnet18Unet(nn.Module):
        """ResNet-18 under the decoder of segmentation_models.pytorch: nearest enlargement, widths 256 to 16."""

        def __init__(self, channels):
            super().__init__()
            self.stem = unit(channels, 64, 7, 2)
            widths = [64, 64, 128, 256, 512]
            self.stages = nn.ModuleList(nn.Sequential(Basic(a, b, 1 if a == b else 2), Basic(b, b, 1))
                                        for a, b in zip(widths, widths[1:]))
            skips, steps = [256, 128, 64, 64, 0], [256, 128, 64, 32, 16]
            self.steps = nn.ModuleList(pair(a + s, b) for a, s, b in zip([512] + steps, skips, steps))
            self.head = nn.Conv2d(16, 2, 1)

        def forward(self, x):
            levels = [self.stem(x)]
            y = F.max_pool2d(levels[0], 3, 2, 1)
            for stage in self.stages:
                y = stage(y)
                levels.append(y)
            for i, step in enumerate(self.steps):
                y = F.interpolate(y, scale_factor=2)
                y = step(torch.cat([y, levels[3 - i]], 1) if i < 4 else y)
            return self.head(y)

    return (ClassicUnet(1), 1) if name == "unet" else (Resnet18Unet(3), 3)


def worker(arguments):
    """Measures once for every line that comes in; prints milliseconds."""
    import torch
    from torch.nn import functional as F

    name, work, precision, layout, threads = arguments
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    memory_format = torch.channels_last if layout == "nhwc" else torch.contiguous_format
    net, channels = build(name)
    net = net.to(memory_format=memory_format)
    images = 4 if work == "training_step" else 1
    x = torch.rand(images, channels, 256, 256).to(memory_format=memory_format)
    target = torch.randint(0, 2, (images, 256, 256))
    optimiser = torch.optim.AdamW(net.parameters(), 1e-3)

    def train():
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            y = net(x)
        F.cross_entropy(y.float(), target).backward()
        optimiser.step()

    if work == "training_step":
        step = train
    else:
        # Its best way to predict: normalisations folded into frozen weights, where it can do that.
        net.eval()
        half = torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16", cache_enabled=False)

        def as_frozen():
            return torch.jit.freeze(torch.jit.trace(net, x)), x

        def as_it_is():
            return net, x

        def converted():
            return net.bfloat16(), x.bfloat16()

        # Not every version can do each.
        for gradients, way in ((False, as_frozen), (False, as_it_is), (True, as_it_is), (False, converted)):
            try:
                with torch.set_grad_enabled(gradients), half:
                    predictor, image = way()
                    predictor(image)
                break
            except RuntimeError:
                predictor = None
        if predictor is None:
            sys.exit("this PyTorch cannot run the network so")

        def step():
            with torch.set_grad_enabled(gradients), half:
                predictor(image)

    for _ in range(3):
        step()
    print("ready", flush=True)
    for _ in sys.stdin:
        times, start = [], time.perf_counter()
        while len(times) < 3 or time.perf_counter() - start < 0.5:
            begin = time.perf_counter()
            step()
            times.append(1000 * (time.perf_counter() - begin))
        print(statistics.median(times), flush=True)


def ours(program, name):
    out = subprocess.run([program, f"--benchmark_filter=^{name}/", "--benchmark_min_time=0.5", "--benchmark_format=json"],
                         capture_output=True, text=True, check=True)
    found = json.loads(out.stdout)["benchmarks"]
    if len(found) != 1:
        sys.exit(f"{program}: expected one benchmark named {name}, found {len(found)}; build this version's")
    return found[0]["real_time"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", required=True, help="the program of benchmarks/networks")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="", help="rows whose name holds this")
    a = parser.parse_args()
    try:
        import torch
    except ImportError:
        sys.exit("PyTorch is not installed (Debian: python3-torch): nothing to compare with")
    print(f"PyTorch {torch.__version__}, {a.threads} threads, {a.rounds} rounds, milliseconds (medians)\n")
    print("| work | precision | aixcell | PyTorch NCHW | PyTorch NHWC | best PyTorch / aixcell, by round |")
    print("|---|---|---|---|---|---|")
    environment = dict(os.environ)
    if "MALLOC" in os.environ:
        environment["LD_PRELOAD"] = os.environ["MALLOC"]
    for work in ("training_step", "inference"):
        for name in ("unet", "resnet18_unet"):
            for precision in ("float32", "bfloat16"):
                if a.only not in f"{work}/{precision}/{name}":
                    continue
                peers = [subprocess.Popen([sys.executable, __file__, "--worker", name, work, precision, layout,
                                           str(a.threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                          stderr=subprocess.DEVNULL, env=environment) for layout in ("nchw", "nhwc")]
                works = [peer.stdout.readline() == "ready\n" for peer in peers]
                rows = []
                for _ in range(a.rounds):
                    row = [ours(a.ours, f"{work}/cpu/{precision}/{name}")]
                    for peer, alive in zip(peers, works):
                        if alive:
                            peer.stdin.write("go\n")
                            peer.stdin.flush()
                        row.append(float(peer.stdout.readline()) if alive else float("inf"))
                    rows.append(row)
                for peer in peers:
                    peer.communicate()
                medians = [statistics.median(r[i] for r in rows) for i in range(3)]
                ratios = [min(r[1:]) / r[0] for r in rows]
                shown = " | ".join(f"{m:.4g}" if m < float("inf") else "fails" for m in medians)
                ratio = f"{statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]" if any(works) else "-"
                print(f"| {work.replace('_', ' ')} {name} | {precision} | {shown} | {ratio} |", flush=True)


if __name__ == "__main__":
    worker(sys.argv[2:]) if sys.argv[1:2] == ["--worker"] else main()
