"""The backend that networks run on, and networks that go on with another one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from brian2.synapses.synapses import SynapticPathway
from brian2.utils.logger import get_logger

from ...backends.choice import Choice
from ...backends.interface import Backend, DeviceError, Queue
from ..reuse.programs import KnownPrograms

logger = get_logger("brian2.devices.genn")


class AnotherBackend(Exception):
    """The objects of a network are ready for a backend that cannot be used: begin again."""


class ChosenBackend:
    """The backend that is used now: chosen when first needed, and told about when that is final.

    A process that is forked from one that uses a GPU chooses anew. It has the host's arrays and
    cannot ask the GPU for what they lack, so they are made current before.

    Parameters
    ----------
    choose : callable
        Makes the choice.
    hand_over : callable
        Hands over what waits to be recorded.
    """

    def __init__(self, choose: Callable[[], Choice], hand_over: Callable[[], None]) -> None:
        self._choose = choose
        self._hand_over = hand_over
        self._choice: Choice | None = None
        #: those of the backend, by whether they are for profiling
        self.programs = {False: KnownPrograms(), True: KnownPrograms()}
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self._before_fork, after_in_child=self._after_fork_in_child)

    def get(self) -> Backend:
        """The backend.

        Raises
        ------
        ValueError, CudaUnavailable
            If the script asks for a backend that cannot be had.
        """
        if self._choice is None:
            self._choice = self._choose()
            _tell(self._choice)
        return self._choice.backend

    @property
    def is_final(self) -> bool:
        """Whether it is known that the backend can be used."""
        return self._choice is not None and self._choice.pending is None

    def settle(self) -> bool:
        """Wait until it is known whether the backend can be used; whether another one was chosen.

        This is to be asked before a backend computes anything of a script's; to compile, and all
        that is done on the host, need not wait.

        Raises
        ------
        ValueError, CudaUnavailable
            As for `get`.
        """
        before = self.get()
        assert self._choice is not None
        pending = self._choice.pending
        if pending is None:
            return False
        try:
            self._choice = pending.final()
        except BaseException:
            self._choice = None  # whoever asks next is told again
            raise
        _tell(self._choice)
        if self._choice.backend is before:
            return False
        self.programs = {False: KnownPrograms(), True: KnownPrograms()}
        return True

    def forget(self) -> None:
        """Choose again when next needed; values that are elsewhere come back first."""
        try:
            self._leave()
        except DeviceError as error:
            logger.warn(
                f"{error}\nVariables that were on the GPU have the values now that this machine's"
                " processor saw last: set them anew, or make the network anew.",
                "lost_values",
            )

    def _leave(self) -> None:
        chosen, self._choice = self._choice, None
        self.programs = {False: KnownPrograms(), True: KnownPrograms()}
        if chosen is not None:
            chosen.backend.make_host_current()

    def before_access(self, variable: Any) -> None:
        """Make the array of a variable current; whoever asks may write to it."""
        if self._choice is not None:
            self._choice.backend.before_access(variable)

    def explanation(self) -> str:
        """Where networks run and why, in sentences."""
        if self._choice is None:
            return ""
        return f"{self._choice.where} {self._choice.why}".rstrip()

    def _has_own_memory(self) -> bool:
        return self._choice is not None and self._choice.backend.has_own_memory

    def _before_fork(self) -> None:
        if self._has_own_memory():
            self._hand_over()
            self.get().make_host_current()

    def _after_fork_in_child(self) -> None:
        chosen = self._choice
        if self._has_own_memory():
            try:
                self._leave()
            except DeviceError:  # what could not be fetched before: to ask for it stays an error
                self._choice = chosen


def _tell(chosen: Choice) -> None:
    """Say where networks run, once that is known."""
    if chosen.pending is not None:
        return
    if chosen.warning:
        logger.warn(chosen.warning, "gpu", once=True)
    else:
        logger.info(chosen.where, f"backend_{chosen.backend.name}", once=True)
    if chosen.hint:
        logger.info(chosen.hint, "gpu_hint", once=True)


def exchange_queues(objects: Iterable[Any], backend: Backend) -> None:
    """Give pathways the spike queues of a backend; what is in flight goes with them."""
    for obj in objects:
        if not isinstance(obj, SynapticPathway) or type(obj.queue) is backend.queue_type:
            continue
        if isinstance(obj.queue, Queue):
            queue = backend.queue(obj.source.start, obj.source.stop)
            queue._restore_from_full_state(obj.queue._full_state())
            obj.queue = queue
