"""A compiled network on a CUDA device and its connection to Brian's memory."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from ....codegen.cuda.program import print_cuda_program
from ....codegen.cuda.source import CudaSource
from ....model.network import Network
from ...binding import Needs, not_bound
from ...interface import Bound, Outcome
from ...notes import Note
from ..device.driver import Driver, Meeting, Module, TuningRules
from ..memory.coherence import DeviceMemory
from ..memory.recorder import DeviceRecorder
from ..memory.structures import STATE
from .deployment import Deployment
from .executable import Executable
from .options import Execution
from .report import note_on_memory, notes_on_kernels, too_little_memory
from .sizes import threads_of
from .stepping import Stepper

#: Where the state has the number of time steps in one launch.
_MOST_STEPS = int(STATE.fields["most_steps"][1]) if STATE.fields else 0


class CudaProgram:
    """A network compiled for a CUDA device.

    Parameters
    ----------
    network : Network
        Verified, with additions separated, and simplified.
    driver : Driver
    memory : DeviceMemory
    profile : bool, optional
        Whether every step is a kernel of its own, so that each can be measured.
    deterministic : bool, optional
        Whether sums have the same order in every run.
    rules : TuningRules
        How ways to execute time steps are compared.
    ahead : bool, optional
        Whether to compile it in the background; the device gets it when it is first needed.
    execution : Execution, optional
        What somebody wants who looks at how time steps are executed.
    """

    within_step = False

    def __init__(
        self,
        network: Network,
        driver: Driver,
        memory: DeviceMemory,
        *,
        rules: TuningRules,
        profile: bool = False,
        deterministic: bool = False,
        ahead: bool = False,
        execution: Execution | None = None,
    ) -> None:
        self._needs = Needs.of(network)
        self.source: CudaSource = print_cuda_program(
            network, fuse=not profile, deterministic=deterministic
        )
        self.schedule = self.source.schedule
        self.owners = self.source.owners
        self._driver = driver
        self._memory = memory
        self._executable = Executable(partial(driver.build, self.source.text), rules, execution)
        if ahead:
            driver.compile_ahead(self.source.text)
        else:
            self.load()
        self._profile = profile
        self._unbind()

    @property
    def _module(self) -> Module:
        return self._executable.module

    def load(self) -> None:
        """Have it on the device, as it is when it is first needed.

        Raises
        ------
        CudaError
            If the compiler refuses the program.
        """
        self._executable.module  # noqa: B018

    def unbound(self) -> CudaProgram:
        """The same program, not connected to any memory."""
        other = copy.copy(self)
        other._unbind()
        return other

    def _unbind(self) -> None:
        self.seconds = np.zeros(len(self.source.steps))
        executable = self._executable
        self.deployment = Deployment(
            self.source, self._needs, self._driver, self._memory, lambda: executable.module
        )
        self._stepper = Stepper(self.source, self._driver, self._executable)

    def notes(self) -> list[str]:
        """What the device executes, for people: kernels, registers, memory, detours."""
        lines = notes_on_kernels(self.source, self._driver, self._module, self.deployment.names)
        if self.deployment.is_there and not self._profile:
            lines.append(Note(self._stepper.note_for_people()))
        return [*lines, note_on_memory(self._driver, self.deployment.needs())]

    @contextmanager
    def _explaining_memory(self) -> Iterator[None]:
        """Say what is needed and what there is, where the device has too little memory."""
        try:
            yield
        except MemoryError as error:
            raise MemoryError(too_little_memory(self._driver, self.deployment.needs())) from error

    # -- binding ---------------------------------------------------------------
    def bind(self, bound: Bound) -> list[DeviceRecorder]:
        """Connect the program to what a run works with, and compute what stays constant in it.

        Raises
        ------
        TypeError
            With what is missing, of another type, or too much.
        ValueError
            With an array that is too short.
        """
        recorders = self.deployment.bind(bound)
        self._prepare(bound.profile)
        return recorders

    def move(self, arrays: Mapping[str, Any]) -> None:
        """Name the arrays anew: Brian variables, or arrays of the program's own."""
        self.deployment.move(arrays)
        self._refresh()

    def seed(self, key: int, step: int) -> None:
        """Set the key of the random streams and the number of the next step."""
        self.deployment.seed(key, step)

    @property
    def random_key(self) -> int:
        """The key of the random streams."""
        return int(self.deployment.fixed["seed"])

    @property
    def random_step(self) -> int:
        """The number that the next time step will have in the random streams."""
        return self.deployment.random_step

    # -- preparing ---------------------------------------------------------------
    def _prepare(self, profile: bool) -> None:
        """Copy what is stale to the device and compute what stays constant."""
        if profile != self._profile:
            raise ValueError("a program is built for profiling, or not")
        with self._explaining_memory():
            self.deployment.prepare()
            self._refresh()
            self._launch(["prepare_run"])
            self._set_constants()
            self._launch(["begin_run"])
            self.deployment.read_state()

    def _set_constants(self) -> None:
        """Put what was computed once per run where the kernels look for it."""
        self._driver.copy(
            self._module.symbol("b2g_constants"),
            int(self.deployment.fixed["constants"]),
            self.source.constant_bytes,
        )

    def _refresh(self) -> None:
        """Copy to the device what the host has changed, and tell it where everything is."""
        if self._executable.taken_by(self):
            self.deployment.moved = True
            self._set_constants()
        if self.deployment.refresh():
            self._stepper.fit(self.deployment.count_of, self.deployment.queues)
            self._tell_way()

    # -- launching ---------------------------------------------------------------
    def _tell_way(self) -> None:
        """Tell the device where everything is, and in which way time steps are executed."""
        self.deployment.fixed["blocks"][: len(self._stepper.blocks)] = self._stepper.blocks
        self.deployment.fixed["in_cluster"] = self._stepper.plan.meeting == Meeting.CLUSTER
        self.deployment.fixed["owned"] = self._stepper.plan.owned
        self.deployment.fixed["aside"] = self._stepper.plan.aside
        if self._stepper.plan.owned:
            threads = threads_of(self._driver, self._stepper.plan)
            self.deployment.share_out(threads, self._stepper.blocks)
        for k, width in enumerate(self._stepper.widths):
            self.deployment.fixed["queues"]["width_bits"][k] = width.bit_length() - 1
        self._driver.upload(self._module.symbol("b2g_memory"), self.deployment.fixed)

    def _launch(self, kernels: Sequence[str]) -> None:
        self._stepper.launch(kernels)

    # -- running -----------------------------------------------------------------
    def run(self, seconds: float) -> Outcome:
        """Run time steps for about `seconds` of real time."""
        if not self.deployment.is_there:
            raise not_bound()
        began = time.monotonic()
        try:
            return self._run_until(began + seconds)
        finally:
            told = self._executable.execution.on_run
            if told is not None:
                told(time.monotonic() - began)

    def _run_until(self, end: float) -> Outcome:
        """Run time steps to their end, to something that must be seen to, or for some time."""
        self._refresh()
        while True:
            state = self.deployment.state["state"]
            if not state["running"]:
                outcome = Outcome(int(state["outcome"]))
                self._make_room()
                if outcome != Outcome.TIME_USED:
                    return outcome
                self._refresh()
                self._launch(["resume_run"])
            self.deployment.note_changes()
            if self._profile:
                self._measure()
            else:
                self._steps(self._remaining())
            stops = not self.deployment.state["state"]["running"]
            pauses = stops or time.monotonic() > end
            if pauses and self.source.late:
                self._launch(self.source.late)
                self.deployment.read_state()
            if pauses and not stops:
                return Outcome.TIME_USED

    def _remaining(self) -> int:
        """At least as many time steps as the run still has."""
        return sum(clock.remaining() for clock in self.deployment.clocks)

    def _steps(self, remaining: int) -> None:
        """Run some time steps; the device stops by itself at the end of the run."""
        stepper = self._stepper
        if stepper.adopt():
            self._tell_way()
        asked = stepper.steps(remaining)
        if stepper.plan.together and self.deployment.state["state"]["most_steps"] != asked:
            most = np.array([asked], dtype=np.uint32)
            self._driver.upload(self.deployment.place("state") + _MOST_STEPS, most)
        before = self.random_step
        began = time.monotonic()
        stepper.run(asked)
        self.deployment.read_state()
        stepper.note(time.monotonic() - began, self.random_step - before)

    def _measure(self) -> None:
        """One time step, every kernel timed."""
        by_name = {kernel.name: kernel for kernel in self.source.kernels}
        times = self._driver.time(self._stepper.loop())
        for name, spent in zip(self.source.loop, times, strict=True):
            for step in by_name[name].steps if name in by_name else ():
                self.seconds[step] += spent
        self.deployment.read_state()

    def block(self, number: int) -> None:
        """Run one stretch of the present time step."""
        self._refresh()
        self.deployment.note_changes()
        self._launch(["enter_step", *self.source.blocks[number]])
        self.deployment.read_state()

    def end_step(self) -> None:
        """Finish a time step that objects of the host took part in."""
        self._refresh()
        self._launch(["enter_step", "finish_step"])
        self.deployment.read_state()
        self._make_room()

    def _make_room(self) -> None:
        """Empty the recorders that have no room for another time step."""
        for recorder in self.deployment.recorders:
            if recorder.waiting + recorder.room > recorder.capacity:
                recorder.fetch()

    def is_active(self, clock: int) -> bool:
        """Whether a clock ticks in the present time step."""
        return bool(self.deployment.state["clocks"][clock]["active"])

    def finish(self) -> None:
        """Give the queues back what is still in flight, also after an interruption."""
        if not self.deployment.is_there:
            return
        self.deployment.follow()
        # if another network had its turn since, nothing is left to be made up for
        if self.source.late and self._executable.is_used_by(self):
            self._launch(self.source.late)
        self.deployment.read_state()
        self.deployment.give_back_queues()
        self._memory.exchange_kept()
