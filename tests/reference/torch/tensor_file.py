"""Safetensors, read and written with numpy alone."""
import json
import struct
from pathlib import Path

import numpy as np

TYPES = {"F32": np.float32, "F64": np.float64}


def read(path):
    content = Path(path).read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    tensors = {}
    for name, entry in json.loads(content[8:8 + size]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        values = np.frombuffer(content, TYPES[entry["dtype"]], offset=8 + size + begin,
                               count=(end - begin) // np.dtype(TYPES[entry["dtype"]]).itemsize)
        tensors[name] = values.reshape(entry["shape"])
    return tensors


def write(path, tensors):
    header, parts, at = {}, [], 0
    for name, values in sorted(tensors.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])):
        dtype = next(text for text, kind in TYPES.items() if kind == values.dtype)
        parts.append(np.ascontiguousarray(values).tobytes())
        header[name] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": [at, at + len(parts[-1])]}
        at += len(parts[-1])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))
