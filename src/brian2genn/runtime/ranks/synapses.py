"""Synapses that are divided among ranks: each has, in Brian's arrays, those of its own neurons."""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from brian2.core.variables import Subexpression
from brian2.groups.neurongroup import NeuronGroup
from brian2.groups.subgroup import Subgroup
from brian2.input.poissongroup import PoissonGroup
from brian2.spatialneuron.spatialneuron import SpatialNeuron
from brian2.synapses.synapses import Synapses

from ...frontend.held import SHARE, share_of
from ...frontend.labels import referent, uncounted
from ..memory.arrays import GrowingArray
from .world import RankWorld

#: The indices of synapses by the side that they are for.
_INDEX = {"pre": "_synaptic_pre", "post": "_synaptic_post"}

#: A statement of Brian's that gives a variable a value.
_ASSIGNMENT = re.compile(r"\s*(\w+)\s*(?://|\*\*|[-+*/%])?=(?!=)")


def whole_group(group: Any) -> Any:
    """The group that a part belongs to; the group itself if it is none."""
    group = referent(group)
    return referent(group.source) if isinstance(group, Subgroup) else group


def is_divided(group: Any) -> bool:
    """Whether ranks compute elements of their own of a group."""
    return isinstance(group, NeuronGroup | PoissonGroup) and not isinstance(group, SpatialNeuron)


def side_of(synapses: Any) -> str | None:
    """By the neurons of which side synapses are divided: that which they write to.

    None if they are not: then every rank has all of them.
    """
    if any(isinstance(referent(end), Synapses) for end in (synapses.source, synapses.target)):
        return None
    sides = {_INDEX["post"]: "post", "_postsynaptic_idx": "post",
             _INDEX["pre"]: "pre", "_presynaptic_idx": "pre"}  # fmt: skip
    written = {
        sides.get(synapses.variables.indices[name])
        for pathway in synapses._pathways
        for name in _assigned(pathway.code)
        if name in synapses.variables
    }
    written |= {name.rpartition("_")[2] for name in synapses.summed_updaters}
    written.discard(None)
    if len(written) > 1:
        return None
    side = str(written.pop()) if written else "post"
    if _reads_what_it_writes(synapses, side):
        return None  # what one synapse reads, another one may have changed just before
    end = synapses.target if side == "post" else synapses.source
    return side if is_divided(whole_group(end)) else None


def _reads_what_it_writes(synapses: Any, side: str) -> bool:
    """Whether a pathway reads, on the side that is not divided, a variable that it writes."""
    variables, indices = synapses.variables, synapses.variables.indices
    beyond = "post" if side == "pre" else "pre"
    other = (_INDEX[beyond], f"_{beyond}synaptic_idx")
    for pathway in synapses._pathways:
        written = [variables[name] for name in _assigned(pathway.code) if name in variables]
        read = _read_by(set(re.findall(r"\w+", pathway.code)), variables)
        for name in read:
            if indices[name] not in other:
                continue
            variable = variables[name]
            # a subexpression of neurons may read anything of theirs
            if isinstance(variable, Subexpression) or any(variable is one for one in written):
                return True
    return False


def _read_by(names: set[str], variables: Any) -> set[str]:
    """The names of variables that are read, also in subexpressions of synapses."""
    known: set[str] = set()
    waiting = [name for name in names if name in variables]
    while waiting:
        name = waiting.pop()
        if name in known:
            continue
        known.add(name)
        variable = variables[name]
        if isinstance(variable, Subexpression) and variables.indices[name] == "_idx":
            waiting += [one for one in variable.identifiers if one in variables]
    return known


def _assigned(code: str) -> set[str]:
    """The names that statements give values."""
    return {found[1] for line in re.split(r"[;\n]", code) if (found := _ASSIGNMENT.match(line))}


class SynapseShare:
    """The part of some synapses that this rank has.

    Brian's arrays hold the values of the rank's own synapses, in their order among all; ``N``, and
    the numbers of synapses of each neuron, are those of all.

    Parameters
    ----------
    world : RankWorld
    arrays : mapping
        From Brian's variables to their arrays, as the device has them.
    synapses : Synapses
    side : str
        ``'pre'`` or ``'post'``: whose neurons decide.
    """

    def __init__(
        self, world: RankWorld, arrays: MutableMapping[Any, Any], synapses: Any, side: str
    ) -> None:
        self._world, self._arrays = world, arrays
        #: what ranks meet by
        self.name = uncounted(synapses)
        self.side = side
        end = synapses.target if side == "post" else synapses.source
        self.group = whole_group(end)
        self._index = synapses.variables[_INDEX[side]]
        self._ends = [synapses.variables[name] for name in _INDEX.values()]
        number = synapses.multisynaptic_index
        self._multiple = [] if number is None else [synapses.variables[number]]
        self._registered = synapses._registered_variables
        self._pathways = synapses._pathways
        self._variables = synapses.variables
        self.numbers = np.zeros(0, dtype=np.int32)
        self.total = 0
        self.is_whole = False
        #: whether the synapses are still divided so
        self.is_current = True
        self._synapses = weakref.ref(referent(synapses))
        vars(referent(synapses))[SHARE] = self

    def forget(self) -> None:
        """From now on, the synapses are not divided."""
        self.is_current = False
        vars(self._synapses()).pop(SHARE, None)

    @property
    def held(self) -> int:
        """How many synapses their variables have values of at present."""
        return self.total if self.is_whole else len(self.numbers)

    @property
    def present(self) -> np.ndarray:
        """The numbers of these among all synapses, ascending."""
        return np.arange(self.total, dtype=np.int32) if self.is_whole else self.numbers

    def places(self, numbers: np.ndarray) -> np.ndarray:
        """Where those with some numbers are among these; another place for those that are not.

        None at all if this rank has no synapses.
        """
        present = self.present
        if len(present) == 0:
            return np.zeros(0, dtype=np.int32)
        return np.minimum(np.searchsorted(present, numbers), len(present) - 1).astype(np.int32)

    def variables(self) -> list[Any]:
        """Those that have a value for each synapse, in an order that is the same on all ranks."""
        known = [*self._variables.values()]
        known += [pathway.variables["delay"] for pathway in self._pathways]
        found = {id(one): one for one in known if one in self._registered}
        return list(found.values())

    def structure(self) -> list[Any]:
        """The variables that indices of synapses refer to."""
        return [*self._ends, *self._multiple]

    def is_mine(self, neurons: np.ndarray) -> np.ndarray:
        """Which of some neurons, by their numbers in the whole group, are this rank's own."""
        own = self._world.own(len(self.group))
        return (neurons >= own.start) & (neurons < own.stop)

    @contextmanager
    def whole(self, write: bool, only: Iterable[Any] | None = None) -> Iterator[None]:
        """Within this, variables have the values of all synapses, on every rank.

        Parameters
        ----------
        write : bool
            Whether what is done to them is to remain; it must be the same on all ranks.
        only : iterable of variables, optional
            Those that are needed; in an order that is the same on all ranks.
        """
        if self.is_whole:
            yield
            return
        wanted = self.variables() if only is None else list({id(v): v for v in only}.values())
        purpose = f"the values of '{self.name}'"
        places = self._world.gather(purpose, self.numbers)
        local: list[tuple[Any, GrowingArray]] = []
        try:
            for variable in wanted:
                variable.get_value()  # a program that is running may have other memory for it
                array = self._arrays[variable]
                together = GrowingArray(self.total, array.dtype)
                parts = self._world.gather(f"{variable.name} of {purpose}", array.data)
                for place, part in zip(places, parts, strict=True):
                    together.data[place] = part
                local.append((variable, array))
                self._arrays[variable] = together
                variable.size = self.total
            del places
            self.is_whole = True
            yield
        finally:
            self.is_whole = False
            self._take_back(local, write)

    def _take_back(self, local: list[tuple[Any, GrowingArray]], write: bool) -> None:
        changed = {id(variable): self._arrays[variable] for variable, _ in local}
        index = changed.get(id(self._index))
        if write and index is not None:
            self.numbers = np.flatnonzero(self.is_mine(index.data)).astype(np.int32)
            self.total = len(index)
        for variable, array in local:
            self._arrays[variable] = array
            variable.size = len(self.numbers)
            if write:
                array.resize(len(self.numbers))
                array.set(changed[id(variable)].data[self.numbers])

    # -- new synapses ------------------------------------------------------------
    def range(self) -> tuple[int, int]:
        """The neurons whose synapses are the rank's own: the first, and the one behind the last."""
        own = self._world.own(len(self.group))
        return own.start, own.stop

    def add(self, numbers: np.ndarray, more: int) -> None:
        """Note that there are more synapses, of which those with some numbers are the rank's own.

        Parameters
        ----------
        numbers : int array
            Among the new ones.
        more : int
            How many new ones there are on all ranks.
        """
        if self.total + more >= 2**31:
            raise MemoryError("A Synapses object cannot have more than 2147483647 synapses.")
        self.numbers = np.concatenate([self.numbers, (numbers + self.total).astype(np.int32)])
        self.total += more

    def of_all(self, counts: np.ndarray) -> np.ndarray:
        """What ranks have counted of their own synapses, together."""
        together: np.ndarray = np.sum(
            self._world.gather(f"new synapses of '{self.name}'", counts), axis=0, dtype=counts.dtype
        )
        return together


#: Whether somebody looks at what this rank has.
_shown_as_they_are = False


@contextmanager
def as_they_are() -> Iterator[None]:
    """Within this, variables of synapses have the values that this rank has, for whoever looks."""
    global _shown_as_they_are
    before, _shown_as_they_are = _shown_as_they_are, True
    try:
        yield
    finally:
        _shown_as_they_are = before


def refuse_to_set(group: Any) -> None:
    """Let nobody set what is only shown as this rank has it.

    Raises
    ------
    RuntimeError
        If these are divided synapses.
    """
    if _shown_as_they_are and share_of(group) is not None:
        name = getattr(group, "name", group)
        raise RuntimeError(
            f"Within brian2genn.local(), '{name}' can only be read: each process has a part of the"
            " synapses. Set them outside of it, in all processes."
        )


def share_behind(group: Any) -> SynapseShare | None:
    """What is known of the synapses that a group is, or is a pathway of, if they are divided."""
    if _shown_as_they_are:
        return None
    try:
        share: SynapseShare | None = share_of(group)
    except ReferenceError:  # the group is gone
        return None
    return share
