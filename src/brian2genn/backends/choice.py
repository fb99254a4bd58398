"""Which backend runs a script: the GPU if there is one that can be used."""

from __future__ import annotations

from .cpu.backend import CpuBackend
from .cuda.backend import CudaBackend
from .cuda.choice import find_driver
from .cuda.driver import CudaUnavailable
from .interface import Backend, RawValue

#: What ``set_device("genn", backend=...)`` takes.
NAMES = ("auto", "cpu", "cuda")

#: What a script gets that does not ask for a backend. It will be ``"auto"`` once the CUDA backend
#: has been seen to be right on real GPUs.
default = "cpu"


def choose(name: str | None, raw: RawValue, *, deterministic: bool = False) -> tuple[Backend, str]:
    """The backend of this name, and a sentence about it.

    Parameters
    ----------
    name : {'auto', 'cpu', 'cuda'} or None
        None for the default.
    raw : callable
        From a Brian variable to its array, without looking at a device.
    deterministic : bool, optional
        Whether sums on a GPU have the same order in every run.

    Raises
    ------
    ValueError
        For another name.
    CudaUnavailable
        If ``'cuda'`` cannot be had, with what is missing.
    """
    name = default if name is None else name
    if name not in NAMES:
        raise ValueError(
            f"There is no backend {name!r}. Choose one of {', '.join(map(repr, NAMES))}."
        )
    if name == "cpu":
        return CpuBackend(), "Networks run on this machine's processor."
    try:
        driver = find_driver()
    except CudaUnavailable as missing:
        if name == "cuda":
            raise
        return CpuBackend(), f"Networks run on this machine's processor. No GPU: {missing}"
    backend = CudaBackend(driver, raw, deterministic=deterministic)
    return backend, f"Networks run on the GPU: {driver.name}."
