"""Many runs of one function: over cores, machines and cards, on engines that exist."""

from .conductor import SweepInterrupted, load_sweep, sweep
from .results import Failure, Results, RunResults
from .store import ChangedFunction, NoStore

__all__ = [
    "ChangedFunction",
    "Failure",
    "NoStore",
    "Results",
    "RunResults",
    "SweepInterrupted",
    "load_sweep",
    "sweep",
]
