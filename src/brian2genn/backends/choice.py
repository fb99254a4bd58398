"""Which backend runs a script: the GPU if there is one that can be used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .cpu.backend import CpuBackend
from .cuda.backend import CudaBackend
from .cuda.choice import find_driver
from .cuda.driver import CudaUnavailable
from .interface import Backend, RawValue
from .pygenn.backend import PygennBackend

#: What ``set_device("genn", backend=...)`` takes.
NAMES = ("auto", "cpu", "cuda", "pygenn")

#: What a script gets that does not ask for a backend. It will be ``"auto"`` once the CUDA backend
#: has been seen to be right on real GPUs.
default = "cpu"


def choose(
    name: str | None,
    raw: RawValue,
    *,
    deterministic: bool = False,
    genn_backend: str | None = None,
    genn_preferences: Mapping[str, Any] | None = None,
    threads: Callable[[], int | None] = lambda: None,
) -> tuple[Backend, str]:
    """The backend of this name, and a sentence about it.

    Parameters
    ----------
    name : {'auto', 'cpu', 'cuda', 'pygenn'} or None
        None for the default.
    raw : callable
        From a Brian variable to its array, without looking at a device.
    deterministic : bool, optional
        Whether sums on a GPU have the same order in every run.
    genn_backend : str, optional
        What GeNN runs on, for ``'pygenn'``.
    genn_preferences : mapping, optional
        GeNN's preferences for that.
    threads : callable, optional
        Says before each run how many threads of this machine's processor it may use; None for as
        many as there are cores.

    Raises
    ------
    ValueError
        For another name.
    CudaUnavailable
        If ``'cuda'`` cannot be had, with what is missing.
    GennUnavailable
        If ``'pygenn'`` cannot be had, with what is missing.
    """
    name = default if name is None else name
    if name not in NAMES:
        raise ValueError(
            f"There is no backend {name!r}. Choose one of {', '.join(map(repr, NAMES))}."
        )
    if name == "pygenn":
        genn = PygennBackend(raw, genn_backend, genn_preferences)
        chosen: Backend = genn
        return chosen, f"Networks are handed to GeNN (its backend '{genn.genn_backend}')."
    if name == "cpu":
        return CpuBackend(threads), "Networks run on this machine's processor."
    try:
        driver = find_driver()
    except CudaUnavailable as missing:
        if name == "cuda":
            raise
        return CpuBackend(threads), f"Networks run on this machine's processor. No GPU: {missing}"
    backend = CudaBackend(driver, raw, deterministic=deterministic)
    return backend, f"Networks run on the GPU: {driver.name}."
