#!/usr/bin/env python3
"""The classic U-Net beside dlib, the closest peer in C++: milliseconds of a training step in float32, greatest resident
size of the process, and how long a unit with that network alone compiles. As dlib has a library of its own, aixcell's kernels are a
unit of theirs (aixcell::kernels), compiled once.

    python3 benchmarks/peers/unet_beside_dlib.py [--rounds 5]

Compiles unet_aixcell.cpp and unet_dlib.cpp, the latter for this very processor, and asks both for a step in turn (A B A B).
Needs Debian's libdlib-dev and libopenblas-dev; without them it says so and measures nothing.
"""
import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
COMPILER = os.environ.get("CXX", "c++")


def output_of(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(" ".join(command) + ": " + (done.stderr.strip().splitlines() or ["it failed"])[0])
    return done.stdout


def compiled(name, folder, flags, libraries, rounds):
    """The program, or without libraries the unit alone, and the median time of the unit."""
    program = os.path.join(folder, os.path.basename(name))
    unit = program + ".o"
    times = []
    for _ in range(rounds):
        start = time.monotonic()
        output_of(COMPILER, "-O2", "-DNDEBUG", *flags, "-c", os.path.join(HERE, name + ".cpp"), "-o", unit)
        times.append(time.monotonic() - start)
    if libraries is None:
        return unit, statistics.median(times)
    output_of(COMPILER, "-fopenmp", unit, *libraries, "-o", program)
    return program, statistics.median(times)


class Worker:
    def __init__(self, threads, *program):
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), OMP_WAIT_POLICY="passive")
        self.process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.parameters = int(self.process.stdout.readline())

    def step(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def greatest_mebibytes(self):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1)) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    if not os.path.exists("/usr/include/dlib/dnn.h"):
        sys.exit("the comparison with dlib needs Debian's libdlib-dev and libopenblas-dev")
    folder = tempfile.mkdtemp()
    try:
        eigen = output_of("pkg-config", "--cflags", "eigen3").split()
        flags = ["-std=c++20", "-fopenmp", "-DAIXCELL_KERNELS_APART", "-I" + os.path.join(HERE, "../../include"), *eigen]
        kernels, kernels_time = compiled("../../cmake/kernels", folder, flags, None, min(rounds, 3))
        ours, our_time = compiled("unet_aixcell", folder, flags, [kernels], min(rounds, 3))
        theirs, their_time = compiled("unet_dlib", folder, ["-std=c++17", "-march=native"],
                                      ["-ldlib", "-lblas", "-llapack", "-lpthread"], min(rounds, 3))
        ways = {"": "none", ", computing again selectively": "selective", ", computing all again": "full"}
        workers = [*(Worker(2, ours, way) for way in ways.values()), Worker(2, theirs)]
        if workers[0].parameters != workers[-1].parameters:
            sys.exit(f"the networks differ: {workers[0].parameters} and {workers[-1].parameters} parameters")
        steps = [[worker.step() for worker in workers] for _ in range(rounds)]
        rows = []
        for i, what in enumerate(ways):
            ratios = [step[-1] / step[i] for step in steps]
            rows.append(("training step, ms" + what, *(statistics.median(step[side] for step in steps) for side in (i, -1)),
                         f"{statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]"))
        sizes = [worker.greatest_mebibytes() for worker in workers]
        for what, x, y in (*(("greatest resident size, MiB" + what, size, sizes[-1]) for what, size in zip(ways, sizes)),
                           ("compiling the unit, s", our_time, their_time)):
            rows.append((what, x, y, f"{y / x:.2f}"))
        rows.append(("compiling the kernels, once, s", kernels_time, float("nan"), "-"))
        for worker in workers:
            worker.process.stdin.close()
            worker.process.wait()
    finally:
        shutil.rmtree(folder)
    print("| U-Net, float32, 2 threads | aixcell | dlib | dlib / aixcell |")
    print("|---|---|---|---|")
    for what, x, y, ratio in rows:
        print(f"| {what} | {x:.4g} | {y:.4g} | {ratio} |".replace("nan", "-"))


if __name__ == "__main__":
    main()
