"""Deliveries of events that have brought along what their synapses have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...model.dtypes import C_TYPE
from ...model.kernel import ELEMENT, Access, Kernel
from ...model.network import Deliver
from .printer import KernelPrinter
from .shared import Unit
from .words import c_name


@dataclass(frozen=True)
class Payload:
    """What the events of a pathway may bring along.

    Attributes
    ----------
    origin : str
        The pathway, for people.
    queue : int
        That of the pathway.
    arrays : dict of int to str
        What is at which byte of an event.
    size : int
        How many bytes an event has.
    """

    origin: str
    queue: int
    arrays: dict[int, str]
    size: int

    @classmethod
    def of(cls, step: Deliver, brought: Sequence[Access]) -> Payload:
        """An event: the number of its run, values of four bytes, then values of eight."""
        fours, filler, eights = _layout(brought)
        places = {4 * (1 + k): one.array for k, one in enumerate(fours)}
        size = 4 * (1 + len(fours) + filler)
        places.update({size + 8 * k: one.array for k, one in enumerate(eights)})
        return cls(step.origin, step.queue, places, size + 8 * len(eights))


def _layout(brought: Sequence[Access]) -> tuple[list[Access], bool, list[Access]]:
    """Values of four bytes, whether there is a filler behind them, and values of eight bytes."""
    fours = [one for one in brought if np.dtype(one.dtype).itemsize == 4]
    eights = [one for one in brought if one not in fours]
    # with the number of the run
    return fours, bool(eights) and len(fours) % 2 == 0, eights


class PayloadPrinter(KernelPrinter):
    """Prints a kernel for an event that has all that is read of its synapse.

    Parameters
    ----------
    kernel, unit
        As for a `KernelPrinter`.
    brought : sequence of Access
        What the event has.
    """

    def __init__(self, kernel: Kernel, unit: Unit, brought: Sequence[Access]) -> None:
        super().__init__(kernel, unit)
        self._brought = {access.array: access for access in brought}

    def _place(self, access: Access, section: int = 0) -> str:
        if access.index != ELEMENT:
            return super()._place(access, section)
        return f"event->{self.value_of(access.array)}"

    def value_of(self, array: str) -> str:
        """The name of one of the event's values."""
        return c_name(self._brought[array].name)

    @property
    def fields(self) -> list[str]:
        """Declarations of the event's values, in their order."""
        fours, filler, eights = _layout(list(self._brought.values()))
        first, last = (
            [f"{C_TYPE[one.dtype]} {c_name(one.name)};" for one in some] for some in (fours, eights)
        )
        return ["int32_t run;", *first, *["int32_t unused;"] * filler, *last]
