"""State updates that are put off, as C text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...model.dtypes import C_TYPE
from ...model.kernel import ELEMENT, Access
from ...model.network import Deliver, Network, RecordState, Step, Update
from ...transforms.put_off import PutOff, put_off
from ...transforms.rates import ELEMENT_RATE, STEP_RATE
from ..symbols import Symbols
from .printer import KernelPrinter
from .statements import Define, Statement
from .words import pointer


@dataclass(frozen=True)
class Own:
    """A variable of elements, which is in registers for some time steps.

    Attributes
    ----------
    array : str
        C name of what it is in.
    name, place : str
        C text of the variable of one of the elements, there and in memory.
    ctype : str
    written : bool
    """

    array: str
    name: str
    ctype: str
    place: str
    written: bool


def _registers(array: str) -> str:
    return f"{pointer(array)}_own"


class PutOffPrinter(KernelPrinter):
    """Prints a kernel whose elements do several time steps, one after the other.

    Attributes
    ----------
    own : list of Own
        The variables of elements.
    """

    def _place(self, access: Access, section: int = STEP_RATE) -> str:
        place = super()._place(access, section)
        if section != ELEMENT_RATE or access.index != ELEMENT:
            return place
        return f"{_registers(access.array)}[_lane]"

    @property
    def own(self) -> list[Own]:
        written = self.kernel.written_arrays()
        names = {name for section, name in self._loaded if section == ELEMENT_RATE}
        names |= {store.name for store in self.kernel.stores}
        reached = {self.kernel.accesses[name].array: self.kernel.accesses[name] for name in names}
        return [
            Own(
                _registers(array),
                f"{_registers(array)}[_lane]",
                C_TYPE[reached[array].dtype],
                f"{pointer(array)}[_idx]",
                array in written,
            )
            for array in self._touched
            if array in reached and reached[array].index == ELEMENT
        ]

    @property
    def of_run(self) -> list[Statement]:
        """What is computed once per time step, but is the same in all of them."""
        return [one for one in self.step if not _changes(one)]

    @property
    def changing(self) -> list[Define]:
        """What changes from one time step to the next."""
        return [one for one in self.step if isinstance(one, Define) and _changes(one)]


def _changes(statement: Statement) -> bool:
    """Whether what a statement computes may change from one time step to the next."""
    return not (isinstance(statement, Define) and statement.of_run)


class Delays:
    """The state updates of a program that are put off.

    Parameters
    ----------
    network : Network
    symbols : Symbols
    """

    def __init__(self, network: Network, symbols: Symbols) -> None:
        self.plans: dict[str, PutOff] = put_off(network)
        self._symbols = symbols
        #: by the names of their functions: how many values change with each time step
        self.n_values: dict[str, int] = {}

    def leave(self, update: Update) -> None:
        """A state update has another form, and is not put off."""
        self.plans.pop(update.name, None)

    def apart(self, stretches: list[list[Step]]) -> list[list[Step]]:
        """Let updates that are put off be stretches of their own: no other step in theirs asks."""
        found = []
        for stretch in stretches:
            late = [step for step in stretch if step.name in self.plans]
            rest = [step for step in stretch if step.name not in self.plans]
            found += [one for one in [rest, *([step] for step in late)] if one]
        return found

    def before(self, step: Step, places: Mapping[str, tuple[str, str]]) -> list[str]:
        """Calls that bring up to the present what a step looks at, as C text.

        Parameters
        ----------
        step : Step
        places : mapping
            By the names of updates: what their functions' names begin with, and C text of the
            context in which they are executed.
        """
        calls = []
        for name, plan in self.plans.items():
            function, context = places[name]
            if step.name in plan.others:
                calls.append(f"{function}_catch_up({context});")
            elif step.name in plan.listed and isinstance(step, Deliver):
                queue = f"ctx->queues[{step.queue}]"
                calls.append(f"{function}_reach_arriving({context}, {queue});")
            elif step.name in plan.listed and isinstance(step, RecordState):
                indices = self._symbols.array(step.indices), self._symbols.length(step.indices)
                listed = f"(const int32_t *){indices[0]}, {indices[1]}"
                calls.append(f"{function}_reach_listed({context}, {listed});")
        return calls
