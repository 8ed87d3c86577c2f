#!/usr/bin/env python3
"""What makes objects out of maps beside NumPy, SciPy, scikit-image and OpenCV, on one thread and the same pixels.

    python3 benchmarks/peers/objects.py --ours build/release/benchmarks/benchmark_kernels_objects [--rounds 5]

Every round measures aixcell, then each peer, in turn; the time is the processor's, which others on the machine disturb
least. A row without a peer is of aixcell alone. What is not installed (Debian: python3-scipy, python3-skimage,
python3-opencv) is left out and named.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
try:
    import numpy as np
except ImportError:
    sys.exit("NumPy is not installed (Debian: python3-numpy): nothing to compare with")


def found(name):
    try:
        return __import__(name, fromlist=["x"])
    except ImportError:
        print(f"{name} is not installed: left out")
        return None


def percentile(image):
    low, high = np.percentile(image, (1, 99.8))
    return (image - low) / (high - low)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", required=True, help="the program of benchmarks/kernels/objects.cpp")
    parser.add_argument("--rounds", type=int, default=5)
    a = parser.parse_args()
    ndimage, segmentation, measure = found("scipy.ndimage"), found("skimage.segmentation"), found("skimage.measure")
    exposure, cv2 = found("skimage.exposure"), found("cv2")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([a.ours, "--write", folder], check=True)
        image, mask, markers = (np.load(os.path.join(folder, f + ".npy")) for f in ("image", "mask", "markers"))
    image = np.ascontiguousarray(image[..., 0])
    mask = mask.astype(bool)
    bytes_of_mask, numbers = mask.astype(np.uint8), markers.astype(np.int32)
    if cv2:
        cv2.setNumThreads(1)
    labels = ndimage.label(mask)[0] if ndimage else None
    distance = ndimage.distance_transform_edt(mask) if ndimage else None
    unit = image / image.max()
    square = cv2.getStructuringElement(cv2.MORPH_RECT, (31, 31)) if cv2 else None
    peers = {
        "connected_components/4": [("SciPy", ndimage, lambda: ndimage.label(mask)),
                                   ("scikit-image", measure, lambda: measure.label(mask, connectivity=1)),
                                   ("OpenCV", cv2, lambda: cv2.connectedComponents(bytes_of_mask, connectivity=4))],
        "connected_components/8": [("SciPy", ndimage, lambda: ndimage.label(mask, np.ones((3, 3)))),
                                   ("scikit-image", measure, lambda: measure.label(mask, connectivity=2)),
                                   ("OpenCV", cv2, lambda: cv2.connectedComponents(bytes_of_mask, connectivity=8))],
        "distance_transform": [("SciPy", ndimage, lambda: ndimage.distance_transform_edt(mask)),
                               ("OpenCV, exact", cv2, lambda: cv2.distanceTransform(bytes_of_mask, cv2.DIST_L2,
                                                                                   cv2.DIST_MASK_PRECISE))],
        "watershed": [("scikit-image", segmentation and ndimage,
                       lambda: segmentation.watershed(-distance, numbers, mask=mask))],
        "fill_holes": [("SciPy", ndimage, lambda: ndimage.binary_fill_holes(mask))],
        "gaussian_blur": [("SciPy", ndimage, lambda: ndimage.gaussian_filter(image, 2)),
                          ("OpenCV", cv2, lambda: cv2.GaussianBlur(image, (13, 13), 2))],
        "measure_regions": [("scikit-image", measure and ndimage,
                             lambda: measure.regionprops_table(labels, properties=("area", "bbox", "centroid")))],
        "percentile": [("NumPy", np, lambda: percentile(image))],
        "clahe": [("scikit-image", exposure, lambda: exposure.equalize_adapthist(unit)),
                  ("OpenCV, 16 bits", cv2, lambda: cv2.createCLAHE(4).apply(image.astype(np.uint16)))],
        "star_convex_decode/threads:1/real_time": [],
        "grey_opening/15": [("OpenCV, square", cv2, lambda: cv2.morphologyEx(image, cv2.MORPH_OPEN, square))],
    }
    if labels is not None:
        print(f"{labels.max()} components; as SciPy finds them")
    print("\n| operation | aixcell, ms | peer | peer, ms | peer / aixcell, by round |\n|---|---|---|---|---|")
    for name, all_of_them in peers.items():
        there = [p for p in all_of_them if p[1]]
        ours, theirs = [], [[] for _ in there]
        for _ in range(a.rounds):
            out = subprocess.run([a.ours, f"--benchmark_filter=^{name}$", "--benchmark_min_time=0.2",
                                  "--benchmark_format=json"], capture_output=True, text=True, check=True)
            ours.append(json.loads(out.stdout)["benchmarks"][0]["cpu_time"])
            for times, (_, _, work) in zip(theirs, there):
                work()
                start = time.process_time()
                work()
                times.append(1000 * (time.process_time() - start))
        name = name.split("/threads")[0]
        if not there:
            print(f"| {name} | {statistics.median(ours):.3g} | - | - | - |", flush=True)
        for times, (who, _, _) in zip(theirs, there):
            ratios = [t / o for t, o in zip(times, ours)]
            print(f"| {name} | {statistics.median(ours):.3g} | {who} | {statistics.median(times):.3g} | "
                  f"{statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}] |", flush=True)


if __name__ == "__main__":
    main()
