"""The values that drawn.hpp draws, bit by bit: Philox4x32-10 (Salmon et al. 2011) under the hash of a name."""
import numpy as np

UNIT_RANGE = (-1.7320508075688772, 1.7320508075688772)
LOW_HALF = np.uint64(0xFFFFFFFF)
BLOCKS_AT_ONCE = 1 << 15  # four draws each; temporaries stay in the cache


def name_hash(name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return value


def philox(first_block, count, key):
    """Blocks [count, 4] of 32 bits in uint64; the upper counter words are 0."""
    block = np.arange(first_block, first_block + count, dtype=np.uint64)
    zero = np.zeros(count, np.uint64)
    c = [block & LOW_HALF, block >> np.uint64(32), zero, zero]
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        p0, p1 = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), p1 & LOW_HALF,
             (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), p0 & LOW_HALF]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack(c, axis=1)


def drawn(name, shape, low, high):
    """float32, uniform in [low, high)."""
    count = int(np.prod(shape))
    blocks = (count + 3) // 4
    values = np.empty((blocks, 4), np.float32)
    for first in range(0, blocks, BLOCKS_AT_ONCE):
        part = min(BLOCKS_AT_ONCE, blocks - first)
        uniform = (philox(first, part, name_hash(name)) >> np.uint64(8)).astype(np.float64) * 2.0**-24
        values[first:first + part] = low + (high - low) * uniform
    return values.reshape(-1)[:count].reshape(shape)


def weight_range(name, shape):
    """As in drawn.hpp; `shape` as aixcell stores it, filters [K,R,S,C]."""
    if name.endswith("running_mean"):
        return -0.3, 0.3
    if name.endswith("running_var"):
        return 1.0, 3.0
    if len(shape) in (2, 4):
        bound = float(np.sqrt(6.0 / np.prod(shape[1:])))
        return -bound, bound
    if name.endswith("bias"):
        return -0.2, 0.2
    return 0.5, 1.5
