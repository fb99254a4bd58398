"""Which backend runs a script: the GPU if there is one that computes right.

Backends are imported when they are chosen: most scripts use one, and wait for the imports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .cpu.backend import CpuBackend
from .cuda.device import presence
from .cuda.device.choice import ForkedProcess, find_driver
from .cuda.device.driver import CudaUnavailable, Driver, TuningRules
from .interface import Backend, RawValue, Together

if TYPE_CHECKING:
    from .cuda.backend import CudaBackend
    from .cuda.run.options import Execution
    from .trial.verdict import Trying

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
    driver : Driver, optional
        What takes the GPU's place.
    trusted : bool
        Whether what executes programs need not show first that it computes right.
    execution : Execution, optional
        What somebody wants who looks at how time steps are executed on a GPU.
    """

    backend: str = "auto"
    processor: Callable[[Callable[[], int | None]], Backend] = CpuBackend
    setup_from: int | None = None
    driver: Driver | None = None
    trusted: bool = False
    execution: Execution | None = None


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
    pending : Pending, optional
        What it depends on whether it stays at that: until then, the backend may compile, but not
        compute.
    """

    backend: Backend
    where: str
    why: str = ""
    hint: str = ""
    warning: str = ""
    pending: Pending | None = None


class Pending:
    """A choice that is not final: whether a GPU computes right is being found out.

    Parameters
    ----------
    find_out : callable
        Waits for the verdict; returns the final choice.
    """

    def __init__(self, find_out: Callable[[], Choice]) -> None:
        self._find_out = find_out
        self._final: Choice | None = None

    def final(self) -> Choice:
        """The choice at which it stays.

        Raises
        ------
        CudaUnavailable
            If the script insists on a GPU that computes wrongly.
        """
        if self._final is None:
            self._final = self._find_out()
        return self._final


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
        If ``'cuda'`` cannot be had, with what is missing, or what it computes wrongly as far as
        that is known.
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
        driver = find_driver(defaults.driver)  # it is opened while the rest goes on
        found = _on_gpu(driver, raw, processor, deterministic, defaults, insists=name == "cuda")
        driver.wait_until_open()
        return found
    except ForkedProcess as forked:
        return Choice(processor, _PROCESSOR, str(forked), warning=f"{_PROCESSOR} {forked}")
    except CudaUnavailable as missing:
        if name == "cuda":
            raise CudaUnavailable(presence.insisted(str(missing))) from missing.__cause__
        hint = presence.hint(str(missing))
        return Choice(processor, _PROCESSOR, presence.why_none(str(missing)), hint=hint)


def for_several(
    together: Together, threads: Callable[[], int | None], defaults: Defaults
) -> Choice:
    """The backend of each of several processes that run networks together.

    Parameters
    ----------
    together : Together
        How they meet.
    threads : callable
        See `choose`.
    defaults : Defaults
        See `choose`.
    """
    processor = defaults.processor(threads)
    assert isinstance(processor, CpuBackend)
    processor.together = together
    return Choice(processor, _PROCESSOR, "Several processes run each network together.")


def _on_gpu(
    driver: Driver,
    raw: RawValue,
    processor: Backend,
    deterministic: bool,
    defaults: Defaults,
    *,
    insists: bool,
) -> Choice:
    """The GPU, if a small network gives the same results on it as on the processor.

    Where that is not known yet, compilers begin with the small network, and the script goes on.
    """
    from .cuda.backend import CudaBackend
    from .trial.verdict import Trying, known

    def make(rules: TuningRules) -> CudaBackend:
        return CudaBackend(
            driver,
            raw,
            deterministic=deterministic,
            rules=rules,
            setup_from=defaults.setup_from,
            execution=defaults.execution,
        )

    where = _on(driver)
    gpu = make(driver.rules)
    if defaults.trusted:
        return Choice(gpu, where)
    tried = known(driver, driver.rules) is not None
    trying = None if tried else Trying(driver, driver.rules)

    def with_rules(rules: TuningRules) -> CudaBackend:
        """What was compiled ahead is for all ways to execute time steps."""
        return gpu if rules == driver.rules else make(rules)

    def find_out() -> Choice:
        choice = _if_right(driver, with_rules, processor, trying, insists=insists)
        if choice.backend is gpu:
            gpu.admit()
        return choice

    if trying is None or trying.is_in_vain:
        return find_out()
    pending = Pending(find_out)
    gpu.await_verdict(lambda: pending.final().backend is gpu)
    why = "If it computes right: that is being found out."
    return Choice(gpu, where, why, pending=pending)


def _on(driver: Driver) -> str:
    return f"Networks run on the GPU: {driver.name}."


def _if_right(
    driver: Driver,
    gpu: Callable[[TuningRules], CudaBackend],
    processor: Backend,
    trying: Trying | None,
    *,
    insists: bool,
) -> Choice:
    """The GPU, if it computes right.

    If it does not, simpler ways to launch time steps are tried.
    """
    from .trial.attempt import NothingToCompare

    where = _on(driver)
    all_ways = driver.rules
    problem = ""
    try:
        for simpler in range(len(all_ways.meetings)):
            meetings = all_ways.meetings[: len(all_ways.meetings) - simpler]
            rules = replace(all_ways, meetings=meetings)
            said, is_final = _problem(driver, rules, trying)
            trying = None
            if not said and not problem:
                why = "A small network has given the same results there as on the processor."
                return Choice(gpu(rules), where, why)
            if not said:
                left_out = " and ".join(f"'{way.value}'" for way in all_ways.meetings[-simpler:])
                problem += f" It computes right, and is used, without {left_out}."
                return Choice(gpu(rules), where, problem, warning=problem)
            problem = problem or said
            if is_final:
                break
    except NothingToCompare as error:
        problem = (
            f"Whether the GPU ({driver.name}) computes right could not be found out, because the"
            f" processor could not compute the same: {error}"
        )
        if insists:
            return Choice(gpu(all_ways), where, problem, warning=f"{problem} {where}")
    if insists:
        raise CudaUnavailable(
            f"{problem} Until it is mended, set_device('genn', backend='cpu') is right."
        )
    return Choice(processor, _PROCESSOR, problem, warning=f"{problem} {_PROCESSOR}")


def _problem(driver: Driver, rules: TuningRules, trying: Trying | None) -> tuple[str, bool]:
    """What is wrong with a GPU, if anything is, and whether trying again is in vain."""
    from .trial.attempt import TrialError
    from .trial.verdict import verdict

    try:
        found = trying.verdict() if trying is not None else verdict(driver, rules)
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
