"""Sums over synapses that stand by target or are in rows: where everything is, and copies of it."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from ctypes import c_void_p
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...codegen.c.sums import SumForm
from ..host.memory import taken, zeros
from ..host.structures import Sum, support
from .options import Costs

#: Targets in a slice: B2G_BESIDE.
LANES = 8

#: Among so many neighbours, targets are put in the order of how many synapses they have: those of a
#: slice have about as many, and each thread has targets of its own stretch of memory.
_WINDOW = 256


class SumLayout:
    """What a program needs of one sum in a run.

    Nobody tells who else writes to arrays: objects that Brian runs, a report, other threads. So
    what copies were made of is looked at whenever the program is entered.

    Parameters
    ----------
    form : SumForm
    costs : Costs
        By which ways are compared.
    """

    def __init__(self, form: SumForm, costs: Costs) -> None:
        self.form = form
        self._costs = costs
        self._structure = Sum()
        self._digests: dict[str, tuple[int, int]] = {}
        self._keep: dict[str, object] = {}
        self._order: np.ndarray | None = None
        self._copies: dict[str, np.ndarray] = {}

    @property
    def address(self) -> int:
        """That of the structure."""
        return ctypes.addressof(self._structure)

    @property
    def by_target(self) -> bool:
        """Whether synapses stand by target."""
        return bool(self._structure.n_slices)

    def refresh(self, arrays: Mapping[str, np.ndarray], params: Mapping[str, Any]) -> None:
        """Follow the arrays that were copied, or that the layout was made for."""
        form = self.form
        names = (*(index for index, _ in form.tables), *form.copies, *form.same, *form.neighbours)
        if form.index:
            names = (form.index, *names)
        changed = {name for name in dict.fromkeys(names) if self._is_new(name, arrays[name])}
        if not changed:
            return
        if form.by_target:
            if not changed.isdisjoint((form.index, *form.same)) or self._order is None:
                start, size = int(params[form.start]), int(params[form.target_size])
                self._arrange(arrays, start, size)
                changed.update(form.copies)
            for name in form.copies:
                if name in changed:
                    self._copy(name, arrays[name])
            copies = [self._copies[name] for name in form.copies if name in self._copies]
            self._point("copies", copies)
        elif not changed.isdisjoint((*form.same, *form.neighbours)):
            self._find_rows(arrays)
        if any(index in changed for index, _ in form.tables):
            self._make_tables(arrays)

    def _is_new(self, name: str, array: np.ndarray) -> bool:
        """Whether an array is another one than at the last time."""
        digest = len(array), support().b2g_digest(array.ctypes.data, array.nbytes)
        if self._digests.get(name) == digest:
            return False
        self._digests[name] = digest
        return True

    def _arrange(self, arrays: Mapping[str, np.ndarray], start: int, size: int) -> None:
        """Find the place of every synapse, by what is the fastest."""
        structure, form = self._structure, self.form
        structure.n_slices = structure.n_rows = structure.all_once = structure.alike = 0
        structure.n_stretches = 0
        structure.n_targets = size
        self._order = np.zeros(0, dtype=np.int32)
        self._copies = {}
        targets = arrays[form.index]
        n_synapses = len(targets)
        if n_synapses == 0 or targets.min() < start or targets.max() >= start + size:
            return
        others = sum(self._costs.look_up(int(arrays[name].max()) + 1) for name in form.looked_up)
        by_number = self._costs.by_number + 2 * self._costs.look_up(size) + others
        best = by_number * n_synapses
        if form.rows:
            rows = rows_of(targets)
            each = self._costs.in_row + others
            in_rows = each * n_synapses + self._costs.row * len(rows.targets)
            if in_rows < best:
                best = in_rows
                self._use_rows(rows)
                structure.all_once = structure.n_rows == 1 and n_synapses == size
        if form.same:
            rows = rows_of(targets, *(arrays[name] for name in form.same))
            in_rows = self._costs.in_row * n_synapses + self._costs.row * len(rows.targets)
            if in_rows < best:
                best = in_rows
                self._use_rows(rows)
                structure.all_once, structure.alike = 0, 1
            stretches = stretches_of(targets, *(arrays[name] for name in form.same))
            # (in these, what is looked up by the numbers of other neurons is there already)
            each = by_number - others
            in_stretches = each * n_synapses + self._costs.stretch * (len(stretches) - 1)
            if in_stretches < best:
                best = in_stretches
                structure.n_rows = structure.all_once = structure.alike = 0
                structure.n_stretches = len(stretches) - 1
                structure.stretch_starts = stretches.ctypes.data
                self._keep["stretches"] = stretches
        slices = slices_of(targets, start, size, form.n_changing > 0)
        each = self._costs.by_target + others
        each += form.n_changing * self._cost_of_changing(slices, n_synapses)
        if each * slices.starts[-1] + self._costs.target * size >= best:
            return
        structure.n_rows = structure.all_once = structure.alike = structure.n_stretches = 0
        self._order = slices.order
        for name in ("targets", "lengths", "starts", "order"):
            setattr(structure, name, getattr(slices, name).ctypes.data)
        structure.n_slices = len(slices.starts) - 1
        self._keep["slices"] = slices

    def _cost_of_changing(self, slices: Slices, n_synapses: int) -> float:
        """What it takes to look up one value of synapses that stand beside each other.

        Each line of the cache that eight of them touch is looked up and is not there any more when
        the next synapses of these targets are.
        """
        lines = (slices.order >> 3).reshape(-1, LANES)
        touched = 1 + np.count_nonzero(np.diff(lines, axis=1), axis=1)
        costs = self._costs
        return costs.near + 2 * float(touched.mean()) / LANES * costs.look_up(n_synapses)

    def _use_rows(self, rows: Rows) -> None:
        self._structure.row_starts = rows.starts.ctypes.data
        self._structure.row_targets = rows.targets.ctypes.data
        self._structure.n_rows = len(rows.targets)
        self._keep["rows"] = rows

    def _find_rows(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Find the rows of a state update, and whether they pay."""
        structure, form = self._structure, self.form
        structure.n_rows = 0
        steps = [(name, 0) for name in form.same] + [(name, 1) for name in form.neighbours]
        n_synapses = len(arrays[steps[0][0]])
        if n_synapses == 0:
            return
        begins = np.zeros(n_synapses, dtype=bool)
        begins[0] = True
        for name, step in steps:
            begins[1:] |= np.diff(arrays[name]) != step
        starts = np.append(np.flatnonzero(begins), n_synapses).astype(np.int32)
        gathered = len(form.looked_up) * self._costs.gathered * n_synapses
        if self._costs.row * (len(starts) - 1) < gathered:
            structure.row_starts = starts.ctypes.data
            structure.n_rows = len(starts) - 1
            self._keep["rows"] = starts

    def _copy(self, name: str, array: np.ndarray) -> None:
        if self.by_target:
            assert self._order is not None
            self._copies[name] = taken(array, self._order)

    def _make_tables(self, arrays: Mapping[str, np.ndarray]) -> None:
        tables, used, counts = [], [], []
        for index, dtype in self.form.tables:
            counted = np.bincount(arrays[index])
            elements = np.flatnonzero(counted).astype(np.int32)
            every = len(elements) > len(counted) // 2
            tables.append(zeros(counted.shape, dtype))
            used.append(None if every else elements)
            counts.append(len(counted) if every else len(elements))
        self._point("tables", tables)
        self._point("used", used)
        n_used = np.array(counts, dtype=np.int64)
        self._structure.n_used = n_used.ctypes.data
        self._keep["n_used"] = n_used

    def _point(self, name: str, arrays: list[Any]) -> None:
        places = [None if array is None else array.ctypes.data for array in arrays]
        pointers = (c_void_p * max(len(places), 1))(*places)
        setattr(self._structure, name, pointers)
        self._keep[name] = pointers, arrays


@dataclass(frozen=True)
class Slices:
    """Places for synapses by target; see ``b2g_sum``.

    Attributes
    ----------
    order : int32 array
        For every place the synapse that stands there.
    targets, lengths : int32 array
    starts : int64 array
    """

    order: np.ndarray
    targets: np.ndarray
    lengths: np.ndarray
    starts: np.ndarray


@dataclass(frozen=True)
class Rows:
    """Synapses whose targets are neighbours; see ``b2g_sum``.

    Attributes
    ----------
    starts, targets : int32 array
    """

    starts: np.ndarray
    targets: np.ndarray


def rows_of(targets: np.ndarray, *same: np.ndarray) -> Rows:
    """Find the rows of synapses whose targets are neighbours, in ascending order.

    Parameters
    ----------
    targets : int32 array, shape (n_synapses,)
    *same : int32 arrays, shape (n_synapses,)
        What has to be the same in a row.
    """
    is_first = np.diff(targets, prepend=targets[0] - 2) != 1
    for numbers in same:
        is_first[1:] |= np.diff(numbers) != 0
    begins = np.flatnonzero(is_first)
    starts = np.append(begins, len(targets)).astype(np.int32)
    return Rows(starts, targets[begins].astype(np.int32))


def stretches_of(targets: np.ndarray, *same: np.ndarray) -> np.ndarray:
    """Find where stretches begin, in which targets ascend and others stay the same, and the end.

    Parameters
    ----------
    targets, *same : int32 arrays, shape (n_synapses,)
        At least one synapse.

    Returns
    -------
    int32 array, shape (n_stretches + 1,)
    """
    is_first = np.diff(targets, prepend=targets[0] + 1) < 0
    for numbers in same:
        is_first[1:] |= np.diff(numbers) != 0
    return np.append(np.flatnonzero(is_first), len(targets)).astype(np.int32)


def slices_of(targets: np.ndarray, start: int, size: int, as_they_are: bool = False) -> Slices:
    """Arrange synapses by target.

    Parameters
    ----------
    targets : int32 array, shape (n_synapses,)
    start, size : int
        There are `size` targets, the first of which is `start`.
    as_they_are : bool, optional
        Keep the order of the targets: synapses of neighbours are often neighbours in memory.
    """
    n_synapses = len(targets)
    local = targets - start
    counts = np.bincount(local, minlength=size)
    numbers = np.arange(size)
    chosen = numbers if as_they_are else np.lexsort((-counts, numbers // _WINDOW))
    n_places = -(-size // LANES) * LANES
    # lanes without a target have one that can be read, and no synapses
    lengths = np.zeros(n_places, dtype=np.int32)
    lengths[:size] = counts[chosen]
    slice_targets = np.full(n_places, start + chosen[-1], dtype=np.int32)
    slice_targets[:size] = start + chosen
    longest = lengths.reshape(-1, LANES).max(axis=1).astype(np.int64)
    starts = np.concatenate(([0], np.cumsum(longest * LANES)))
    first_places = np.empty(size, dtype=np.int64)
    first_places[chosen] = starts[numbers // LANES] + numbers % LANES
    # 16 bits are sorted by counting
    key = local.astype(np.uint16) if size <= 1 << 16 else local
    sorted_by_target = np.argsort(key, kind="stable")
    in_target = np.arange(n_synapses) - np.repeat(np.cumsum(counts) - counts, counts)
    order = np.zeros(starts[-1], dtype=np.int32)
    order[first_places[local[sorted_by_target]] + LANES * in_target] = sorted_by_target
    return Slices(order, slice_targets, lengths, starts)
