#!/usr/bin/env python3
"""Runs all benchmarks and what they are compared with, and writes the tables of docs/benchmarks.md.

    python3 benchmarks/write_document.py --build build/release [--only objects,networks] [--quick]

The document is its own template: what stands between `<!-- measured: NAME -->` and `<!-- end -->` is replaced by what was
measured now, with machine, flags and date; everything else stays. A peer that is not installed is named, and its tables stay
as they are. Beside the document, the JSON of every Google Benchmark program is left in the build folder.
"""
import argparse
import datetime
import glob
import json
import os
import re
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


class Skip(Exception):
    """Why a section stays as it is."""


def first_match(path, pattern, otherwise=""):
    try:
        with open(path, encoding="utf-8") as file:
            found = re.search(pattern, file.read(), re.MULTILINE)
        return found.group(1).strip() if found else otherwise
    except OSError:
        return otherwise


class Run:
    def __init__(self, arguments):
        self.build, self.quick = arguments.build, arguments.quick
        self.programs = os.path.join(arguments.build, "benchmarks")

    def program(self, name):
        folder = os.path.join(self.programs, "peers") if name.startswith("peers_") else self.programs
        path = os.path.join(folder, "benchmark_" + name)
        if not os.path.exists(path):
            raise Skip(f"{path} is not built")
        return path

    def google_benchmark(self, name, *options):
        """What a program measured: the entries of its JSON."""
        path, out = self.program(name), os.path.join(self.programs, name + ".json")
        print(f"  {path}", flush=True)
        command = [path, f"--benchmark_out={out}", "--benchmark_out_format=json", *options]
        if self.quick and not any("min_time" in o for o in options):
            command.append("--benchmark_min_time=0.01")
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(out, encoding="utf-8") as file:
            return json.load(file)["benchmarks"]

    def peer(self, script, *options):
        """The lines that a script of benchmarks/peers prints."""
        rounds = ["--rounds", "1" if self.quick else "5"]
        command = [sys.executable, os.path.join(HERE, "peers", script), *options, *rounds]
        print("  " + " ".join(command), flush=True)
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise Skip((done.stderr.strip().splitlines() or ["it failed"])[-1])
        return done.stdout.strip().splitlines()

    def where_and_when(self):
        cache = os.path.join(self.build, "CMakeCache.txt")
        kind = first_match(cache, r"^CMAKE_BUILD_TYPE:\w+=(.*)$", "Release")
        flags = first_match(cache, rf"^CMAKE_CXX_FLAGS_{kind.upper()}:\w+=(.*)$")
        compiler = first_match(cache, r"^CMAKE_CXX_COMPILER:\w+=(.*)$", "c++")
        version = subprocess.run([compiler, "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
        model = first_match("/proc/cpuinfo", r"^model name\s*:(.*)$", "unknown processor")
        forced = os.environ.get("AIXCELL_CPU")
        return (f"*{datetime.date.today()}, {model}, {os.cpu_count()} cores, {os.path.basename(compiler)} {version} {flags}"
                f"{', AIXCELL_CPU=' + forced if forced else ''}.*")


def number(value):
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def table_of(lines):
    """The Markdown tables among printed lines, and what the script left out."""
    left_out = [line for line in lines if line.endswith("left out")]
    return "\n".join([line for line in lines if line.startswith("|")] + ([""] + left_out if left_out else []))


def ceilings(run):
    rows = ["| threads | float32 multiply-adds, GFLOP/s | copying, GB/s read and written |", "|---|---|---|"]
    best = {}  # of many short repetitions: others use the machine, too
    for entry in run.google_benchmark("kernels_ceilings", f"--benchmark_repetitions={1 if run.quick else 100}",
                                      "--benchmark_min_time=0.005"):
        if entry.get("run_type") != "iteration":
            continue
        name, threads = re.match(r"(\w+)/threads:(\d+)", entry["name"]).groups()
        rate = entry["FLOP/s" if name == "fused_multiply_add" else "bytes_per_second"] / 1e9
        by_name = best.setdefault(int(threads), {})
        by_name[name] = max(rate, by_name.get(name, 0))
    for threads, by_name in sorted(best.items()):
        rows.append(f"| {threads} | {number(by_name['fused_multiply_add'])} | {number(by_name['copy'])} |")
    return "\n".join(rows)


def networks(run):
    return table_of(run.peer("networks.py", "--ours", run.program("networks_step")))


def dlib(run):
    return table_of(run.peer("unet_beside_dlib.py"))


def objects(run):
    return table_of(run.peer("objects.py", "--ours", run.program("kernels_objects")))


def convolution(run):
    entries = run.google_benchmark("peers_onednn_convolution",
                                   f"--benchmark_repetitions={1 if run.quick else 3}",
                                   "--benchmark_enable_random_interleaving=true")
    rates = {}  # (filter, type, direction) -> who -> rates
    for entry in entries:
        if entry.get("run_type") != "iteration":
            continue
        # forward/3x3 64->64 at 256/float32/aixcell/min_time:0.200/real_time; a stride stands in the filter, as 3x3/2
        direction, shape, real, who = re.match(r"(\w+)/(.+ at \d+)/(\w+)/(\w+)", entry["name"]).groups()
        rates.setdefault((shape, real, direction), {}).setdefault(who, []).append(entry["FLOP/s"] / 1e9)
    rows = ["| convolution | precision | direction | aixcell | oneDNN, channels last | oneDNN, blocked | aixcell / best oneDNN |",
            "|---|---|---|---|---|---|---|"]
    directions = ["forward", "data_gradient", "filter_gradient"]
    in_order = sorted(rates.items(), key=lambda row: (row[0][1] != "float32", row[0][0].split()[0][::-1], len(row[0][0]), row[0][0],
                                                      directions.index(row[0][2])))  # the program measures in shuffled order
    for (shape, real, direction), by_who in in_order:
        ours, last, blocked = (statistics.median(by_who[who]) for who in ("aixcell", "onednn", "onednn_blocked"))
        rows.append(f"| {shape.replace('->', '→')} | {real} | {direction.replace('_', ' ')} | {ours:.0f} | {last:.0f} | "
                    f"{blocked:.0f} | {ours / max(last, blocked):.2f} |")
    return "\n".join(rows)


def others(run):
    """Every program that no other section runs. What convolution reaches is shown beside oneDNN; alone it is in its JSON."""
    run_before, only_run = {"kernels_ceilings", "networks_step", "kernels_objects"}, {"kernels_conv2d"}
    rows = ["| program | benchmark | time | rate |", "|---|---|---|---|"]
    for path in sorted(glob.glob(os.path.join(run.programs, "benchmark_*"))):
        name = os.path.basename(path)[len("benchmark_"):]
        if name in run_before or not os.access(path, os.X_OK) or os.path.isdir(path):
            continue
        for entry in run.google_benchmark(name):
            if name in only_run:
                break
            rate = ""
            if "FLOP/s" in entry:
                rate = number(entry["FLOP/s"] / 1e9) + " GFLOP/s"
            elif "bytes_per_second" in entry:
                rate = number(entry["bytes_per_second"] / 1e9) + " GB/s"
            title = entry["name"].replace("/real_time", "")
            # As Google Benchmark counts: work on one thread by the processor's time, on several by the clock.
            time = entry["real_time" if entry["name"].endswith("/real_time") else "cpu_time"]
            rows.append(f"| {name} | {title} | {number(time)} {entry['time_unit']} | {rate} |")
    return "\n".join(rows)


SECTIONS = {"ceilings": ceilings, "networks": networks, "dlib": dlib, "convolution": convolution, "objects": objects, "others": others}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="the build folder, e.g. build/release")
    parser.add_argument("--document", default=os.path.join(HERE, "..", "docs", "benchmarks.md"))
    parser.add_argument("--only", default="", help="sections by name, with commas between: " + ", ".join(SECTIONS))
    parser.add_argument("--quick", action="store_true", help="one short round: to see that everything runs")
    a = parser.parse_args()
    wanted = [name for name in a.only.split(",") if name] or list(SECTIONS)
    unknown = [name for name in wanted if name not in SECTIONS]
    if unknown:
        sys.exit(f"no section is named {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    run = Run(a)
    for name in wanted:
        print(name, flush=True)
        try:
            text = run.where_and_when() + "\n\n" + SECTIONS[name](run)
        except Skip as why:
            print(f"  skipped, its table stays: {why}", flush=True)
            continue
        # Read and written for each section: an interrupted run keeps what it has.
        with open(a.document, encoding="utf-8") as file:
            document = file.read()
        place = re.compile(rf"(<!-- measured: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not place.search(document):
            sys.exit(f"{a.document} has no place for {name}: <!-- measured: {name} --> ... <!-- end -->")
        document = place.sub(lambda found: found.group(1) + "\n" + text + "\n\n" + found.group(2), document)
        with open(a.document + ".new", "w", encoding="utf-8") as file:
            file.write(document)
        os.replace(a.document + ".new", a.document)
        print("  written", flush=True)


if __name__ == "__main__":
    main()
