"""How many workers a machine has room for, and how many threads each of them may use."""

from __future__ import annotations

import numbers

from ..backends.host.threads import usable_cores


def share_out(workers: int | None, threads: int | None, runs: int) -> tuple[int, int]:
    """Workers and threads of each; together never more than the cores of this machine.

    Parameters
    ----------
    workers, threads : int or None
        What was asked for; None for what is best.
    runs : int
        How many there are to do: more workers would have nothing to do.

    Returns
    -------
    workers, threads : int

    Raises
    ------
    ValueError
        If more is asked for than there is.
    """
    for name, number in (("workers", workers), ("threads", threads)):
        if number is not None and (
            isinstance(number, bool) or not isinstance(number, numbers.Integral) or number < 1
        ):
            raise ValueError(f"{name}={number!r} is no number of {name}. Give 1 or more, or None.")
    cores = usable_cores()
    asked = (workers or 1) * (threads or 1)
    if asked > cores:
        told = " times ".join(
            f"{number} {name}"
            for name, number in (("workers", workers), ("threads", threads))
            if number is not None
        )
        raise ValueError(
            f"{told} is more than the {cores} cores that this process may use. Leave workers or"
            " threads out, and they are chosen."
        )
    if workers is None:
        workers = max(min(cores // (threads or 1), runs), 1)
    if threads is None:
        threads = max(cores // workers, 1)
    return int(workers), int(threads)
