"""In plain words: what of a network runs where, and why."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any
from weakref import WeakKeyDictionary

from brian2.groups.subgroup import Subgroup

from ...backends.notes import Note
from ...frontend.labels import referent
from ...frontend.network import BY_BRIAN, COMPILED, IDLE, Placement
from ...frontend.recorded import RecordedCode
from ..run.times import Times
from .notebook import Bars, as_html
from .sizes import Sizes, said
from .timestep import draw

#: What set-up code does, by Brian's template.
_SETUP_KINDS = {
    "group_variable_set": "assignment",
    "group_variable_set_conditional": "assignment",
    "group_variable_get": "reading",
    "group_variable_get_conditional": "reading",
    "group_get_indices": "reading",
    "synapses_create_generator": "new synapses",
    "synapses_create_array": "new synapses",
}

#: Columns below which nothing is broken into lines.
_NARROWEST = 20


@dataclass(frozen=True)
class SetupPlacement:
    """Where set-up code of a group ran; the code itself is kept if Brian ran it."""

    name: str
    kind: str
    where: str
    code: str = ""
    reason: str = ""
    #: whether another device than this machine's processor executed it
    elsewhere: bool = False


class SetupLog:
    """Counts the set-up code of all groups."""

    def __init__(self) -> None:
        self._counts: WeakKeyDictionary[Any, Counter[SetupPlacement]] = WeakKeyDictionary()

    def add(self, code: RecordedCode, reason: str | None, elsewhere: bool = False) -> None:
        """Note that code was executed.

        Parameters
        ----------
        code : RecordedCode
        reason : str or None
            Why by Brian, if it was.
        elsewhere : bool, optional
            Whether on another device than this machine's processor.
        """
        kind = _SETUP_KINDS[code.template]
        # what is done to a part of a group is done to the group
        owner: Any = code.owner.source if isinstance(code.owner, Subgroup) else code.owner
        # Brian often passes proxies of groups; a method knows the group itself
        group = owner.resolve_all.__self__
        if reason is None:
            placement = SetupPlacement(owner.name, kind, COMPILED, elsewhere=elsewhere)
        else:
            placement = SetupPlacement(owner.name, kind, BY_BRIAN, code.describe(), reason)
        self.of(group)[placement] += 1

    def count(self, group: Any, template: str) -> None:
        """Note that something was done to a group that needed no code."""
        placement = SetupPlacement(group.name, _SETUP_KINDS[template], COMPILED)
        self.of(group)[placement] += 1

    def of(self, group: Any) -> Counter[SetupPlacement]:
        """What was done to a group and how often; kept up to date while the group lives."""
        return self._counts.setdefault(group, Counter())

    def clear(self) -> None:
        """Forget what was noted."""
        self._counts.clear()


class Explanations:
    """What is known of networks that were run.

    Two networks of one name are two; the one that was run last is known for as long as no other is
    run, the others for as long as they live.
    """

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Any, Explanation] = WeakKeyDictionary()
        self._last: Explanation | None = None

    def clear(self) -> None:
        """Forget all networks."""
        self._known.clear()
        self._last = None

    def keep(
        self,
        network: Any,
        placements: Sequence[Placement],
        setup: Iterable[Counter[SetupPlacement]],
        notes: Sequence[str],
        sizes: Sizes | None = None,
    ) -> None:
        """Keep where the objects of a network run; see `Explanation`."""
        explanation = Explanation(network.name, placements, setup, notes, sizes)
        self._last = self._known[network] = explanation

    def add(self, network: Any, notes: Sequence[str]) -> None:
        """Add sentences to what is known of a network."""
        self._known[network].notes += notes

    def tell_times(self, network: Any, times: Times) -> None:
        """Add where the time of a run went."""
        self._known[network].times = times

    def of(self, network: Any = None) -> Explanation:
        """What is known of a network; of the one that was run last if none is given.

        Raises
        ------
        ValueError
            If nothing is.
        """
        found = self._last if network is None else self._known.get(referent(network))
        if found is None:
            raise ValueError(
                "Nothing to explain yet: run the network first (the device decides at the"
                " beginning of a run)."
            )
        return found


class Explanation:
    """A table of the objects of a network; prints itself.

    Parameters
    ----------
    network : str
        The network's name.
    placements : sequence of Placement
    setup : iterable of Counter, optional
        For each group of the network, how often which set-up code was executed.
    notes : sequence of str, optional
        What the backend has to add, in sentences.
    sizes : Sizes, optional
        What the objects' arrays take.
    """

    def __init__(
        self,
        network: str,
        placements: Sequence[Placement],
        setup: Iterable[Counter[SetupPlacement]] = (),
        notes: Sequence[str] = (),
        sizes: Sizes | None = None,
    ) -> None:
        self.network = network
        self.placements = list(placements)
        self._setup = list(setup)
        self.notes = list(notes)
        self._sizes = Sizes() if sizes is None else sizes
        #: where the time went; known after the run, and None if Brian did all of it
        self.times: Times | None = None

    @property
    def setup(self) -> Counter[SetupPlacement]:
        """How often which set-up code of the network's groups was executed, up to now."""
        return sum(self._setup, Counter())

    def where(self, name: str) -> str:
        """Where the object called `name` runs: ``'compiled'``, ``'Brian'`` or ``'-'``."""
        for placement in self.placements:
            if placement.name == name:
                return placement.where
        raise KeyError(f"there is no object called '{name}' in the network")

    def count(self, where: str) -> int:
        """How many objects run there."""
        return sum(placement.where == where for placement in self.placements)

    def count_setup(self, where: str) -> int:
        """How many pieces of set-up code were executed there."""
        return sum(count for place, count in self.setup.items() if place.where == where)

    def _busy(self) -> list[Placement]:
        return [p for p in self.placements if p.reason != IDLE]

    def _rows(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Titles and rows of the table; with reasons if there are any."""
        columns = 4 if any(p.reason for p in self._busy()) else 3
        rows = [(p.name, p.kind, p.where, p.reason)[:columns] for p in self._busy()]
        return ("object", "kind", "runs", "why")[:columns], rows

    def _idle(self) -> list[str]:
        """A line about the objects that have nothing to do themselves."""
        names = ", ".join(p.name for p in self.placements if p.reason == IDLE)
        return [f"Nothing to do in a time step themselves: {names}."] if names else []

    def _repr_html_(self) -> str:
        """The same for a notebook, with bars for time, where it is known, and for memory."""
        seconds = self.times.of_objects if self.times else {}
        bars = [Bars("time of the last run", seconds, lambda value: f"{value:.2g} s")]
        bars.append(Bars("memory of arrays", self._sizes.of_objects(), said))
        return as_html(
            self._title(),
            *self._rows(),
            [str(self.times or ""), *self._idle(), *self._by_brian_in_setup(), *self.notes],
            bars,
        )

    def plot(self, ax: Any = None) -> Any:
        """Draw the time step: its objects in their order, where they run, and what they took.

        What each object took is known after a run with ``profile=True``; of objects that Brian runs
        it is always known.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional

        Returns
        -------
        matplotlib.axes.Axes
        """
        seconds = self.times.of_objects if self.times else {}
        notes: list[str] = [note for note in self.notes if isinstance(note, Note)]
        if not any(p.name in seconds for p in self.placements if p.where == COMPILED):
            notes.insert(0, "Shares of compiled objects: run(..., profile=True)")
        shares, rest = self._shares(seconds)
        return draw(self._title(), self._busy(), shares, rest, notes, ax)

    def _shares(self, seconds: Mapping[str, float]) -> tuple[dict[str, float], tuple[str, float]]:
        """Percents of the loop that objects took, and a name and percents for the rest."""
        loop = self.times.loop if self.times else 0.0
        busy = {p.name: seconds[p.name] for p in self._busy() if p.name in seconds}
        whole = max(loop, sum(busy.values()))
        if not whole > 0:
            return {}, ("", 0.0)
        shares = {name: 100 * value / whole for name, value in busy.items()}
        unknown = any(p.name not in seconds for p in self._busy())
        rest = "compiled objects, and between objects" if unknown else "between objects"
        return shares, (rest, max(0.0, 100 - sum(shares.values())))

    def _by_brian_in_setup(self) -> list[str]:
        return [
            f"Set-up code of {p.name} was run by Brian ({p.code}): {p.reason}"
            for p in self.setup
            if p.where == BY_BRIAN
        ]

    def _title(self) -> str:
        return (
            f"Network '{self.network}': {_objects(self.count(COMPILED))} compiled,"
            f" {self.count(BY_BRIAN)} run by Brian."
        )

    def __repr__(self) -> str:
        lines = [self._title()]
        if self.setup:
            there = sum(count for place, count in self.setup.items() if place.elsewhere)
            on_gpu = f" ({there} of them executed by the GPU)" if there else ""
            lines.append(
                f"Set-up code: {_pieces(self.count_setup(COMPILED))} compiled{on_gpu},"
                f" {self.count_setup(BY_BRIAN)} run by Brian."
            )
        if self.times is not None:
            lines.append(str(self.times))
        if sizes := str(self._sizes):
            lines.append(sizes)
        lines += _table(*self._rows())
        lines += self._idle()
        by_brian = [p for p in self.setup if p.where == BY_BRIAN]
        if by_brian:
            lines += _table(
                ("set-up of", "kind", "code", "why run by Brian"),
                [(p.name, p.kind, p.code, p.reason) for p in by_brian],
            )
        if self.notes:
            lines += ["", *(line for note in self.notes for line in _fitting(note))]
        return "\n".join(lines)


def _objects(number: int) -> str:
    return f"{number} object{'' if number == 1 else 's'}"


def _pieces(number: int) -> str:
    return f"{number} piece{'' if number == 1 else 's'}"


def _table(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in [titles, *rows]) for column in range(3)]
    room = _terminal_width() - sum(widths) - 2 * len(widths)
    indent = " " * (sum(widths) + 2 * len(widths))
    lines = []
    for row in [titles, *rows]:
        why = "".join(row[3:])
        reason = wrap(why, room) if room >= _NARROWEST else [why]
        first, *more = reason or [""]
        lines.append("  ".join([*(row[c].ljust(widths[c]) for c in range(3)), first]).rstrip())
        lines += [indent + line for line in more]
    lines.insert(1, "  ".join("-" * width for width in [*widths, *(3 for _ in titles[3:])]))
    return ["", *lines]


def _fitting(note: str) -> list[str]:
    """A sentence in lines that fit a terminal; what has lines of its own is left as it is."""
    width = _terminal_width()
    if width < _NARROWEST or "\n" in note:
        return [note]
    return wrap(note, width, subsequent_indent="  ", break_on_hyphens=False) or [""]


def _terminal_width() -> int:
    """The columns of the terminal that is written to; 0 where there is none, as in a file."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
