"""The time loop: what ``Network.run`` does, with a compiled program inside."""

from __future__ import annotations

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
from brian2.core.network import Network, TextReport, profiling_summary
from brian2.core.operations import NetworkOperation
from brian2.equations.equations import Equations
from brian2.groups.group import CodeRunner, Group
from brian2.units import second
from brian2.utils.logger import get_logger

from ...backends.interface import ClockState, Outcome, Program
from ...backends.progress import Line
from ...frontend.labels import own
from ...frontend.network import Translation
from .recordings import Recording, Turns

logger = get_logger("brian2.core.network")

#: Longest stay in compiled code: how soon Ctrl-C, stop() and reports are seen.
_LONGEST_STAY = 0.1

#: The same where there are other threads, which may want to see what has been recorded.
_LONGEST_STAY_AMONG_THREADS = 0.01


class Report:
    """Calls a report function now and then, as ``Network.run`` does.

    Parameters
    ----------
    report : None, str or callable
    period : float
        Seconds of real time between two calls.
    start, duration : Quantity
        The simulated time that is run.

    Raises
    ------
    ValueError, TypeError
        For a `report` that Brian does not know.
    """

    def __init__(self, report: Any, period: float, start: Any, duration: Any) -> None:
        self._call: Callable[..., Any] | None
        if report is None:
            self._call = None
        elif report in ("text", "stdout"):
            self._call = TextReport(sys.stdout)
        elif report == "stderr":
            self._call = TextReport(sys.stderr)
        elif isinstance(report, str):
            raise ValueError(f'Do not know how to handle report argument "{report}".')
        elif callable(report):
            self._call = report
        else:
            raise TypeError(
                "Do not know how to handle report argument, it has to be one of 'text',"
                " 'stdout', 'stderr', or a callable function/object, but it is of type"
                f" {type(report)}"
            )
        self._period = period
        self._start, self._duration = start, duration
        self._began = time.time()
        self._next = self._began + period
        self._line = Line("running")

    def __call__(self, completed: float) -> None:
        """Report now."""
        if self._call is not None:
            elapsed = (time.time() - self._began) * second if completed > 0 else 0 * second
            self._call(elapsed, completed, self._start, self._duration)

    def is_due(self) -> bool:
        """Whether the last report was long enough ago."""
        return self._call is not None and time.time() > self._next

    def show(self, t: float, report: bool) -> None:
        """Show that the run has come to the time `t`, in seconds, or report it."""
        duration = float(self._duration)
        completed = (t - float(self._start)) / duration if duration > 0 else 0.0
        if self._call is None:
            self._line.show(completed)
        elif report:
            now = time.time()
            self(completed)
            self._next = now + self._period

    def close(self) -> None:
        """The run is over."""
        self._line.close()

    def patience(self) -> float:
        """Seconds until somebody has to look again."""
        alone = threading.active_count() == 1
        longest = _LONGEST_STAY if alone else _LONGEST_STAY_AMONG_THREADS
        if self._call is None:
            return longest
        return min(longest, max(self._next - time.time(), 0.0))


#: The share of a run above which people are told what an object of Brian's has taken.
_WORTH_TELLING = 0.05

_INSTEAD = (
    "What it does to every element, run_regularly can do; a sum over a population, a summed"
    " variable; a longer dt makes it rarer."
)


class Ranked(Protocol):
    """The processes (ranks) that run one network."""

    def entered(self) -> None:
        """The program is about to run time steps."""

    def meet(self, stopped: bool, due: bool) -> tuple[bool, bool]:
        """Meet between two time steps, with wishes to stop and to report; what all do."""


class Watched(Protocol):
    """Who sees arrays that a program works with."""

    #: whether any has moved, or has other indices in it
    moved: bool


class Hosts(Protocol):
    """What there is to do around an object that Brian runs in a time step."""

    def before(self, obj: Any) -> None:
        """The object is about to be run."""

    def after(self, obj: Any) -> None:
        """It has returned."""

    def failed(self) -> None:
        """It has failed, or was interrupted."""


class TimeLoop:
    """One run of one network.

    Parameters
    ----------
    net : Network
    translation : Translation
    program : Program
    recordings : list of Recording
    clock_states : list of ClockState
        Of all clocks of the network, in the program's order.
    turns : Turns
        Those of the recordings.
    watch : Watched
        Knows whether arrays of the program have moved.
    """

    def __init__(
        self,
        net: Any,
        translation: Translation,
        program: Program,
        recordings: list[Recording],
        clock_states: list[ClockState],
        turns: Turns,
        watch: Watched,
    ) -> None:
        self.net = net
        self.program = program
        self.recordings = recordings
        self._hosts = translation.bindings.hosts
        self._names = translation.bindings.names
        reasons, clocks = translation.host_reasons(), translation.host_clocks()
        #: what a mixed step consists of: stretches by their numbers; and objects, with their names,
        #: their clocks, and why Brian runs them
        self._pieces: list[tuple[int, Any, str, int, str]] = [
            (number, None, "", 0, "")
            if kind == "block"
            else (0, host := self._hosts[number], host.name, clocks[number], reasons[number])
            for kind, number in program.schedule
        ]
        self._times = [clock.t for clock in clock_states]
        #: of clocks with a time step: the clock, where Brian has that, and what it is in this run
        self._steps = [
            (clock, clock.variables["dt"].get_value(), float(clock.dt_))
            for clock in translation.bindings.clocks
            if "dt" in clock.variables
        ]
        self._turns = turns
        self._watch = watch
        self._objects = [placement.name for placement in translation.placements]
        self._host_seconds: dict[str, float] = defaultdict(float)

    @property
    def t(self) -> float:
        """The time of the clock that ticks next, in seconds."""
        times = self._times
        return times[0].item() if len(times) == 1 else min([time.item() for time in times])

    def run(
        self,
        report: Report,
        time_limit: float | None,
        hosts: Hosts,
        follow: Callable[[], None],
        ranked: Ranked | None = None,
    ) -> None:
        """Run until the end, or until somebody stops the network.

        Parameters
        ----------
        report : Report
        time_limit : float or None
            Seconds of real time after which the network is stopped.
        hosts : Hosts
            What there is to do around an object of Brian's.
        follow : callable
            Tells the program where arrays lie that have moved.
        ranked : Ranked, optional
            The other processes that run the network, too.
        """
        last = None if time_limit is None else time.time() + time_limit
        net, turns, watch, run_program = self.net, self._turns, self._watch, self.program.run
        stopped = False
        look_at = 0.0
        # several processes stop once they have met
        while (
            on := self._goes_on() if ranked is None else not stopped
        ) or self.program.within_step:
            turns.begin()
            try:
                if watch.moved:
                    follow()
                if ranked is not None:
                    ranked.entered()
                now = time.time()
                if now >= look_at:
                    look_at = now + report.patience()
                outcome = run_program(look_at - now if on else 0.0)
            finally:
                turns.end()
            if outcome == Outcome.FINISHED:
                break
            net.t_ = self.t
            if outcome == Outcome.HOST_IS_NEXT:
                self._mixed_step(hosts, follow)
            now = time.time()
            if last is not None and now > last:
                net._stopped = True
            # to look takes as long as a small object of Brian's, which there is in every time step
            if outcome == Outcome.HOST_IS_NEXT and now < look_at and ranked is None:
                continue
            for recording in self.recordings:
                recording.hand_over_if_large()
            due = report.is_due()
            if ranked is not None:
                stopped, due = ranked.meet(not self._goes_on(), due)
                net._stopped = net._stopped or stopped
            report.show(self.t, due)

    def _goes_on(self) -> bool:
        """Whether nobody has stopped the network."""
        return not (self.net._stopped or Network._globally_stopped)

    def _mixed_step(self, hosts: Hosts, follow: Callable[[], None]) -> None:
        """A time step in which compiled stretches and Brian's objects alternate."""
        program, turns, watch = self.program, self._turns, self._watch
        for number, host, name, clock, reason in self._pieces:
            if host is None:
                turns.begin()
                try:
                    if watch.moved:
                        follow()
                    program.block(number)
                finally:
                    turns.end()
            elif program.is_active(clock):
                began = time.perf_counter()
                hosts.before(host)
                try:
                    host.run()
                except BaseException as error:
                    hosts.failed()
                    if isinstance(host, CodeRunner) and isinstance(error, Exception):
                        error.add_note(f"'{name}' was left to Brian: {reason}.")
                    raise
                hosts.after(host)
                self._host_seconds[name] += time.perf_counter() - began
                self._check_time_steps(host)
        program.end_step()

    def _check_time_steps(self, host: Any) -> None:
        """Refuse to go on with another time step than the one that was compiled."""
        for clock, present, dt in self._steps:
            if present.item() != dt:
                raise NotImplementedError(
                    f"'{host.name}' has changed the time step of the clock '{clock.name}' from"
                    f" {dt:g} s to {present.item():g} s while the network runs, which compiled code"
                    " cannot follow. Change it between two runs: stop() ends this one after the"
                    " present time step. What was recorded until now is kept."
                )

    def profile(self) -> list[tuple[str, float]]:
        """Seconds spent in every object."""
        seconds = dict.fromkeys(self._objects, 0.0)
        for label, spent in zip(self.program.owners, self.program.seconds, strict=True):
            seconds[self._names.of(label)] += float(spent)
        seconds.update(self._host_seconds)
        return list(seconds.items())

    def seconds_of_objects(self, profiled: bool) -> dict[str, float]:
        """What objects took: of all, or only of those that Brian has run."""
        return dict(self.profile()) if profiled else dict(self._host_seconds)

    def host_costs(self, whole: float) -> list[str]:
        """What the objects took that Brian has run, in sentences for people.

        Parameters
        ----------
        whole : float
            Seconds that the run took.
        """
        told = []
        for host in self._hosts:
            seconds = self._host_seconds.get(host.name, 0.0)
            share = seconds / whole if whole > 0 else 0.0
            if share < _WORTH_TELLING:
                continue
            advice = f" {_INSTEAD}" if isinstance(host, NetworkOperation) else ""
            told.append(
                f"'{host.name}', run by Brian, took {seconds:.2g} of {whole:.2g} s"
                f" ({100 * share:.0f} %) of the last run.{advice}"
            )
        return told


def clock_states(clocks: list[Any]) -> list[ClockState]:
    """The memory of Brian's clocks, whose intervals have been set."""
    states = []
    for clock in clocks:
        regular = "dt" in clock.variables
        times = None
        if not regular:
            times = np.array([float(t) for t in clock._times], dtype=np.float64)
        states.append(
            ClockState(
                clock.variables["t"].get_value(),
                clock.variables["timestep"].get_value(),
                float(clock.dt_) if regular else None,
                times,
                int(clock._i_end),
            )
        )
    return states


@contextmanager
def running() -> Iterator[None]:
    """Tell Brian that a network is running."""
    Network._globally_running = True
    try:
        yield
    finally:
        Network._globally_running = False


def check_for_invalid_states(
    objects: Sequence[Any], valid: Callable[[Sequence[Any]], list[bool]]
) -> None:
    """Warn about values that are not finite, as Brian does after a run.

    Parameters
    ----------
    objects : sequence
        All objects of the network.
    valid : callable
        Says which of several variables need no look at their values.
    """
    for obj in objects:
        if not isinstance(obj, Group):
            continue
        if type(obj)._check_for_invalid_states is not Group._check_for_invalid_states:
            obj._check_for_invalid_states()
            continue
        equations = own(obj, "equations")
        names = equations.diff_eq_names if isinstance(equations, Equations) else ()
        known = valid([obj.variables[name] for name in names])
        for name, is_valid in zip(names, known, strict=True):
            if not is_valid:
                obj._check_for_invalid_values(name, obj.state(name, use_units=False))


def store_profile(net: Any, profile: list[tuple[str, float]] | None) -> None:
    """Keep (or erase) the times that ``profiling_summary`` shows."""
    if profile is None:
        net._profiling_info = None
    else:
        net._profiling_info = [(name, seconds * second) for name, seconds in profile]
        logger.debug(f"\n{profiling_summary(net)}")
