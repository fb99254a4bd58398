"""Put very many synapses in order."""

from __future__ import annotations

import numpy as np

#: So many values are turned at once where a temporary of all would take too much memory.
_CHUNK = 1 << 22


def sort_by(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort numbers from 0 to the number of keys by their keys.

    Parameters
    ----------
    keys : int array, shape (n,)
        Not negative; it is overwritten if it is of int64.

    Returns
    -------
    order : int32 array, shape (n,)
        Those with the same key in ascending order.
    keys : int64 array, shape (n,)
        Sorted.

    Notes
    -----
    Key and number are put into one integer: NumPy sorts these some times faster (with vector
    instructions) than it finds out the order of keys, and they need no stable sort.
    """
    n = keys.size
    keys = keys.astype(np.int64, copy=False)
    n_bits = max(n - 1, 0).bit_length()
    if int(keys.max(initial=0)).bit_length() + n_bits > 63:
        order = np.argsort(keys, kind="stable")
        return order.astype(np.int32), keys[order]
    keys <<= n_bits
    parts = [slice(first, first + _CHUNK) for first in range(0, n, _CHUNK)]
    for part in parts:
        keys[part] |= np.arange(part.start, min(part.stop, n))
    keys.sort()
    order = np.empty(n, dtype=np.int32)
    mask = (1 << n_bits) - 1
    for part in parts:
        order[part] = keys[part] & mask
    keys >>= n_bits
    return order, keys
