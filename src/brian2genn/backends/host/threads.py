"""How many threads a program may use, and what it has used them for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from ctypes import Array
from functools import cache
from pathlib import Path

from ..notes import Item, Note
from .structures import Effort, Pace

_CPUS = Path("/sys/devices/system/cpu")
_CGROUPS = Path("/sys/fs/cgroup")

#: Programs with OpenMP heed it, and so do job managers when they set it.
_OPENMP = "OMP_NUM_THREADS"


#: The most threads that this process may use, whatever is asked for; None for any number.
_share: int | None = None


def share(threads: int | None) -> None:
    """Limit the threads of this process: others want the other cores.

    Parameters
    ----------
    threads : int or None
        None takes the limit away.
    """
    global _share
    _share = threads


def within_share(threads: int) -> int:
    """As many threads as asked for, if this process may use so many."""
    return threads if _share is None else min(threads, _share)


def usable_cores() -> int:
    """The physical cores that this process may use: by its affinity, and by its quota of time."""
    try:
        allowed = os.sched_getaffinity(0)
    except AttributeError:  # not on this system
        return max(os.cpu_count() or 1, 1)
    return _cores_of(frozenset(allowed))


def default_threads() -> int:
    """How many threads a script has that asks for no number: its cores, or what OpenMP is told."""
    openmp = _of_openmp()
    return usable_cores() if openmp is None else min(usable_cores(), openmp)


def threads_for(asked: int | None) -> int:
    """How many threads a script has that asks for so many, or for no number."""
    return within_share(default_threads() if asked is None else asked)


def why_so_many(asked: int | None) -> str:
    """Where the number of threads comes from, in brackets of a sentence.

    Parameters
    ----------
    asked : int or None
        What the script allows.
    """
    if _share is not None and _share < (default_threads() if asked is None else asked):
        return f"{_share} for each of the processes that run side by side"
    if asked is not None:
        return f"the script allows {asked}"
    cores, openmp = usable_cores(), _of_openmp()
    told = f"{cores} core{'' if cores == 1 else 's'} for this process"
    if openmp is not None and openmp < cores:
        return f"{told}, but {_OPENMP}={os.environ[_OPENMP]}"
    return told


def _of_openmp() -> int | None:
    """What ``OMP_NUM_THREADS`` says of the outermost level; None if it says no number."""
    first = os.environ.get(_OPENMP, "").partition(",")[0].strip()
    return int(first) if first.isascii() and first.isdigit() and int(first) > 0 else None


@cache
def _cores_of(allowed: frozenset[int]) -> int:
    """How many cores these processors make, as far as quotas allow; looked up once."""
    cores = {_siblings(cpu) for cpu in allowed}
    return max(min(len(cores), _quota()), 1)


def _siblings(cpu: int) -> str:
    """What is the same for all threads of a core."""
    try:
        return (_CPUS / f"cpu{cpu}" / "topology" / "thread_siblings_list").read_text("utf-8")
    except OSError:
        return str(cpu)


def _quota() -> int:
    """Whole cores' worth of time that control groups leave to this process; many without them."""
    quotas = [_quota_of(folder) for folder in _own_cgroups()]
    return min(quotas, default=1 << 16)


def _own_cgroups() -> list[Path]:
    """The folders of the control groups that this process is in, and of those around them."""
    folders = [_CGROUPS, _CGROUPS / "cpu"]
    try:
        lines = Path("/proc/self/cgroup").read_text("utf-8").splitlines()
    except OSError:
        return folders
    for line in lines:
        _, controllers, path = line.split(":", 2)
        root = _CGROUPS if not controllers else _CGROUPS / "cpu"
        if not controllers or "cpu" in controllers.split(","):
            inner = root / path.lstrip("/")
            folders += [inner, *(p for p in inner.parents if p.is_relative_to(root))]
    return folders


def _quota_of(folder: Path) -> int:
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text("utf-8").split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text("utf-8")
            period = (folder / "cpu.cfs_period_us").read_text("utf-8")
        return max(int(quota) // int(period), 1) if int(quota) > 0 else 1 << 16
    except (OSError, ValueError, ZeroDivisionError):  # none, or "max"
        return 1 << 16


def describe_threads(
    stretches: Sequence[Sequence[int]],
    names: Sequence[str],
    threads: int,
    efforts: Sequence[Effort] | Array[Effort],
    pace: Pace,
    why: str = "",
) -> list[str]:
    """What threads were used for in a run, in sentences for people.

    Parameters
    ----------
    stretches : sequence of sequence of int
        The steps that are shared out, in stretches.
    names : sequence of str
        What every step is, for people.
    threads : int
        How many there might have been.
    efforts : sequence of Effort
        One for each step.
    pace : Pace
        How often one thread did everything.
    why : str, optional
        Where their number comes from.
    """
    why = f" ({why})" if why else ""
    if threads < 2 or not efforts:
        return [Note(f"One thread{why}.")]
    lines: list[str] = []
    for stretch in stretches:
        # while profiling each step is shared out by itself
        alone = any(efforts[step].times for step in stretch[1:])
        for steps in [[step] for step in stretch] if alone else [stretch]:
            effort = efforts[steps[0]]
            if effort.shared:
                told = ", ".join(names[step] for step in steps)
                lines.append(Item(f"{told}: {_how_often(effort.shared / effort.times)}"))
    if not lines:
        return [
            Note(
                f"Up to {threads} threads{why}; as far as was tried, one alone was the fastest for"
                " every step."
            )
        ]
    lines.insert(0, Note(f"Up to {threads} threads{why}, where they were faster than one:"))
    if pace.times_alone:
        percent = round(100 * pace.times_alone / pace.times)
        lines.append(
            Item(
                f"the network as a whole: one thread alone in {percent} % of the run's time steps,"
                " as long as it was faster, and to compare"
            )
        )
    return lines


def _how_often(share: float) -> str:
    if share > 0.95:
        return "always several threads"
    if share < 0.05:
        return "several threads were tried; one alone was faster"
    return f"several threads in {round(100 * share)} % of the run's time steps, one in the others"
