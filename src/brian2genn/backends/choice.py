"""Which backend runs a script: the GPU if there is one that computes right.

Backends are imported when they are chosen: most scripts use one, and wait for the imports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .cpu.backend import CpuBackend
from .cuda.device import presence
from .cuda.device.choice import ForkedProcess, find_driver, is_trusted
from .cuda.device.driver import CudaUnavailable, Driver, TuningRules
from .interface import Backend, RawValue, Together

if TYPE_CHECKING:
    from .cuda.backend import CudaBackend

#: What ``set_device("genn", backend=...)`` takes.
NAMES = ("auto", "cpu", "cuda", "pygenn")

_PROCESSOR = "Networks run on this machine's processor."


@dataclass(frozen=True)
class Defaults:
    """What a device does where the script does not say.

    Attributes
    ----------
    backend : str
        One of `NAMES`.
    processor : callable
        Makes the backend for this machine's processor, given how many threads it may use.
    setup_from : int, optional
        Elements from which a GPU executes set-up code; None for as many as are worth it.
    """

    backend: str = "auto"
    processor: Callable[[Callable[[], int | None]], Backend] = CpuBackend
    setup_from: int | None = None


@dataclass(frozen=True)
class Choice:
    """A backend, and what there is to say about it.

    Attributes
    ----------
    backend : Backend
    where : str
        Where networks run, in a sentence.
    why : str
        Why there, for those who ask.
    hint : str
        What those who did not ask should know.
    warning : str
        What nobody should overlook.
    """

    backend: Backend
    where: str
    why: str = ""
    hint: str = ""
    warning: str = ""


def check_name(name: object) -> None:
    """Refuse what names no backend; None names the default.

    Raises
    ------
    ValueError
    """
    if name is not None and name not in NAMES:
        raise ValueError(
            f"There is no backend {name!r}. Choose one of {', '.join(map(repr, NAMES))}."
        )


def choose(
    name: str | None,
    raw: RawValue,
    *,
    deterministic: bool = False,
    genn_backend: str | None = None,
    genn_preferences: Mapping[str, Any] | None = None,
    threads: Callable[[], int | None] = lambda: None,
    defaults: Defaults | None = None,
) -> Choice:
    """The backend of this name.

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
    defaults : Defaults, optional

    Raises
    ------
    ValueError
        For another name.
    CudaUnavailable
        If ``'cuda'`` cannot be had, with what is missing, or what it computes wrongly.
    GennUnavailable
        If ``'pygenn'`` cannot be had, with what is missing.
    """
    check_name(name)
    defaults = defaults or Defaults()
    name = defaults.backend if name is None else name
    if name == "pygenn":
        from .pygenn.backend import PygennBackend

        genn = PygennBackend(raw, genn_backend, genn_preferences)
        return Choice(genn, f"Networks are handed to GeNN (its backend '{genn.genn_backend}').")
    processor = defaults.processor(threads)
    if name == "cpu":
        return Choice(processor, _PROCESSOR, "The script asks for it.")
    try:
        driver = find_driver()
    except ForkedProcess as forked:
        return Choice(processor, _PROCESSOR, str(forked), warning=f"{_PROCESSOR} {forked}")
    except CudaUnavailable as missing:
        if name == "cuda":
            raise
        hint = presence.hint(str(missing))
        return Choice(processor, _PROCESSOR, presence.why_none(str(missing)), hint=hint)
    from .cuda.backend import CudaBackend

    gpu = CudaBackend(driver, raw, deterministic=deterministic, setup_from=defaults.setup_from)
    return _if_right(driver, gpu, processor, insists=name == "cuda")


def for_several(together: Together, threads: Callable[[], int | None]) -> Choice:
    """The backend of each of several processes that run networks together.

    Parameters
    ----------
    together : Together
        How they meet.
    threads : callable
        See `choose`.
    """
    processor = CpuBackend(threads)
    processor.together = together
    return Choice(processor, _PROCESSOR, "Several processes run each network together.")


def _if_right(driver: Driver, gpu: CudaBackend, processor: Backend, *, insists: bool) -> Choice:
    """The GPU, if a small network gives the same results on it as on the processor.

    If it does not, simpler ways to launch time steps are tried.
    """
    from .trial.verdict import NothingToCompare

    where = f"Networks run on the GPU: {driver.name}."
    if is_trusted():
        return Choice(gpu, where)
    all_ways = driver.rules
    problem = ""
    try:
        for simpler in range(len(all_ways.meetings)):
            meetings = all_ways.meetings[: len(all_ways.meetings) - simpler]
            gpu.rules = replace(all_ways, meetings=meetings)
            said, is_final = _problem(driver, gpu.rules)
            if not said and not problem:
                why = "A small network has given the same results there as on the processor."
                return Choice(gpu, where, why)
            if not said:
                left_out = " and ".join(f"'{way.value}'" for way in all_ways.meetings[-simpler:])
                problem += f" It computes right, and is used, without {left_out}."
                return Choice(gpu, where, problem, warning=problem)
            problem = problem or said
            if is_final:
                break
    except NothingToCompare as error:
        problem = (
            f"Whether the GPU ({driver.name}) computes right could not be found out, because the"
            f" processor could not compute the same: {error}"
        )
        if insists:
            return Choice(gpu, where, problem, warning=f"{problem} {where}")
    if insists:
        raise CudaUnavailable(
            f"{problem} Until it is mended, set_device('genn', backend='cpu') is right."
        )
    return Choice(processor, _PROCESSOR, problem, warning=f"{problem} {_PROCESSOR}")


def _problem(driver: Driver, rules: TuningRules) -> tuple[str, bool]:
    """What is wrong with a GPU, if anything is, and whether trying again is in vain."""
    from .trial.verdict import TrialError, verdict

    try:
        found = verdict(driver, rules)
    except TrialError as error:
        problem = (
            f"The GPU ({driver.name}) could not run a small network, whose results are compared"
            f" with the processor's: {error}. Please report this to the developers."
        )
        return problem, error.is_final
    if found.is_right:
        return "", False
    problem = (
        f"The GPU ({driver.name}) computes something else than this machine's processor: in a"
        f" small network that is run on both to find out, {found.told()}. Please report this to"
        f" the developers, with the file {found.path}; without that file, it is tried again."
    )
    return problem, False
