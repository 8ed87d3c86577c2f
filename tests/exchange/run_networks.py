"""Runs exported ONNX graphs in other programs and compares with what aixcell's own kernels give.

    run_networks.py <export_networks>...        exit code 77: neither onnxruntime nor cv2 is installed
"""
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
except ImportError as e:
    print("skipped:", e)
    sys.exit(77)

TOLERANCE = 1e-3  # of the largest value of the output


def run_onnxruntime(path, image):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, {"image": image})))


def run_opencv(path, image):
    net = cv2.dnn.readNetFromONNX(str(path))
    net.setInput(image)
    return {"output": net.forward("output")}


RUNNERS = {}
try:
    import onnxruntime
    RUNNERS["onnxruntime"] = run_onnxruntime
except ImportError as e:
    print(e)
try:
    import cv2
    RUNNERS["opencv"] = run_opencv
except ImportError as e:
    print(e)


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def difference(found, expected):
    if found.shape != expected.shape:
        raise ValueError(f"shape {found.shape}, expected {expected.shape}")
    return float(np.abs(found.astype(np.float64) - expected).max() / np.abs(expected).max())


def compare(runner, graph, case):
    expected = np.load(f"{case}.output.npy")
    outputs = RUNNERS[runner](graph, np.load(f"{case}.input.npy"))
    worst = difference(outputs["output"], expected)
    for name in ("pixel_probabilities", "image_class_probabilities"):
        if name in outputs:
            # Of the runner's own output: the logits of networks with random weights are large, and so is what a small
            # difference of them makes of a probability.
            worst = max(worst, difference(outputs[name], softmax(outputs["output"])))
    return worst


def main():
    if not RUNNERS:
        print("skipped: neither onnxruntime nor cv2 is installed")
        sys.exit(77)
    failed = 0
    compared = 0
    for program in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([program, folder], check=True, stdout=subprocess.DEVNULL)
            for graph in sorted(Path(folder).glob("*.onnx")):
                stem = str(graph)[:-len(".onnx")]
                free = [stem + ".free"] if Path(stem + ".free.input.npy").exists() else []
                row = f"{graph.stem:58}"
                for runner in RUNNERS:
                    for case in [stem] + free:
                        try:
                            worst = compare(runner, graph, case)
                        except Exception as e:
                            if runner == "opencv":  # has not every operator; what it runs must be right
                                row += f"  {runner} cannot: {str(e).strip().splitlines()[-1][:60]}"
                                continue
                            raise
                        compared += 1
                        failed += not worst <= TOLERANCE
                        row += f"  {runner}{'*' if case != stem else ''} {worst:.1e}"
                        row += "" if worst <= TOLERANCE else f" ABOVE {TOLERANCE:.0e}"
                print(row, flush=True)
    print(f"{compared} comparisons, {failed} failed; * another number and size of images than recorded")
    if compared == 0:
        print("no graph was run")
    sys.exit(failed > 0 or compared == 0)


main()
