"""Arrays that grow, and that remain what they are for whoever holds them."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from brian2.core.variables import DynamicArrayVariable
from brian2.devices.device import RuntimeDevice
from brian2.monitors.ratemonitor import PopulationRateMonitor
from brian2.monitors.spikemonitor import EventMonitor
from brian2.monitors.statemonitor import StateMonitor

from ...backends.host.memory import is_kept, zeros
from ...frontend.compatibility import brian_dynamic_array

#: By how much more than now there is room for, at least, when an array has to be moved.
_FACTOR = 2


class GrowingArray:
    """The memory of a variable that changes its size, as NumPy arrays.

    It has what Brian's own class for that has, in all versions of Brian. An array that a script
    has got from here (`data`, slices of it, quantities made of these) keeps its memory alive. It
    shows the variable until that changes its size; from then on it belongs to the script alone,
    and keeps its values. Whether anybody has one is found by counting references, so nothing is
    copied unless it has to be.

    Parameters
    ----------
    shape : int or tuple of int
    dtype : dtype
    recorded : bool, optional
        Whether this is what a monitor has recorded: rows are appended and never changed, so they
        can be appended behind those that a script has an array of.
    """

    #: the present values, and what they are a view of; what there is room for is zero
    data: np.ndarray
    _memory: np.ndarray

    def __init__(self, shape: int | Sequence[int], dtype: Any, *, recorded: bool = False) -> None:
        self.dtype = np.dtype(dtype)
        self._recorded = recorded
        #: counts how often something else than new rows has come
        self.version = 0
        self._allocate(_as_tuple(shape), 0)

    @property
    def recorded(self) -> bool:
        """Whether rows are appended and never changed."""
        return self._recorded

    @property
    def shape(self) -> tuple[int, ...]:
        """The present shape."""
        return self.data.shape

    def is_held(self) -> bool:
        """Whether somebody has an array of this memory."""
        return is_kept(lambda: self.data)

    def resize(self, new_shape: int | Sequence[int]) -> None:
        """Change the shape; what is new is zero."""
        shape, before = self._full(new_shape), self.data.shape
        if shape == before:
            return
        rows = shape[0]
        if shape[1:] != before[1:]:
            self.version += 1
            self._allocate(shape, min(rows, before[0]))
        elif rows < before[0]:
            self.version += 1
            if self.is_held():
                self._allocate(shape, rows)
            else:
                self._memory[rows : before[0]] = 0
                self.data = self._memory[:rows]
        elif rows > len(self._memory):
            self._allocate((max(rows, _FACTOR * before[0]), *shape[1:]), before[0])
            self.data = self._memory[:rows]
        else:
            if not self._recorded and self.is_held():
                self._allocate(self._memory.shape, before[0])
            self.data = self._memory[:rows]

    def resize_along_first(self, new_shape: int | Sequence[int]) -> None:
        """Change the number of rows."""
        self.resize(new_shape)

    def shrink(self, new_shape: int | Sequence[int]) -> None:
        """Change the shape to a smaller one, and give memory back."""
        shape = self._full(new_shape)
        if all(new <= old for new, old in zip(shape, self.data.shape, strict=True)):
            self.version += 1
            self._allocate(shape, shape[0])

    def room(self, rows: int) -> np.ndarray:
        """Memory of zeros for more rows, behind those that there are.

        Whoever writes there makes the rows part of the array by `resize`. If the array has moved
        before, they are not (`is_room`).

        Raises
        ------
        MemoryError, ValueError
            If there is not so much memory.
        """
        before = len(self.data)
        if before + rows > len(self._memory):
            self._allocate((max(before + rows, _FACTOR * before), *self.data.shape[1:]), before)
            self.data = self._memory[:before]
        return self._memory[before : before + rows]

    def is_room(self, memory: np.ndarray, before: int) -> bool:
        """Whether this is memory of the array, and begins behind so many of its rows."""
        return (
            memory.base is self._memory
            and memory.ctypes.data == self._memory.ctypes.data + before * self._memory.strides[0]
        )

    def set(self, values: Any) -> None:
        """Give all elements new values."""
        self.version += 1
        if self._recorded and self.is_held():
            self._allocate(self.data.shape, 0)
        self.data[:] = values

    def _full(self, shape: int | Sequence[int]) -> tuple[int, ...]:
        """A shape of which only the first dimension may have been given."""
        given = _as_tuple(shape)
        return given + self.data.shape[len(given) :]

    def _allocate(self, shape: tuple[int, ...], rows: int) -> None:
        """Move to other memory of this shape, with so many of the rows."""
        memory = zeros(shape, self.dtype)
        if rows:
            common = map(min, shape[1:], self.data.shape[1:])
            part = (slice(rows), *map(slice, common))
            memory[part] = self.data[part]
        self._memory = memory
        # a view even of all of it: slices of a view refer to the memory, not to the view
        self.data = memory[:]

    def __getitem__(self, item: Any) -> Any:
        return self.data[item]

    def __setitem__(self, item: Any, values: Any) -> None:
        self.data[item] = values

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.data!r})"

    def __getstate__(self) -> dict[str, Any]:
        # pickled apart, a view and its memory would be two arrays
        return {"data": np.array(self.data), "recorded": self._recorded}

    def __setstate__(self, state: dict[str, Any]) -> None:
        data = state["data"]
        self.__init__(data.shape, data.dtype, recorded=state["recorded"])  # type: ignore[misc]
        self.data[:] = data


def _as_tuple(shape: int | Sequence[int]) -> tuple[int, ...]:
    if isinstance(shape, int | np.integer):
        return (int(shape),)
    return tuple(int(length) for length in shape)


class Mirrors:
    """What Brian's Cython code works on from Brian 2.10 on: C++ objects, which it may resize.

    Such an object frees its memory whoever has an array of it. So it is never shown to anybody:
    around each call of such code, values are copied between it and the variable's own array. The
    code that Brian runs like that under this device is that of GSL integrators and of what a script
    has given a class of code objects.

    Parameters
    ----------
    arrays : mapping
        From Brian's variables to their arrays.
    """

    def __init__(self, arrays: MutableMapping[Any, GrowingArray]) -> None:
        self._arrays = arrays
        self._mirrors: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
        #: for what a monitor has recorded: what the mirror has of it
        self._there: WeakKeyDictionary[Any, tuple[int, int]] = WeakKeyDictionary()
        #: what the code that runs now works on, by the identity of a variable
        self._in_use: dict[int, Any] = {}

    def capsule(self, variable: Any) -> Any:
        """What Brian's Cython code gets instead of a variable's array."""
        if variable not in self._mirrors:
            array = self._arrays[variable]
            self._mirrors[variable] = brian_dynamic_array(array.shape, array.dtype)
        return self._mirrors[variable].get_capsule()

    def attach(self, code: Any) -> Any:
        """Let a code object of Brian's find, and leave, the variables' values; returns it."""
        mirrored = [v for v in set(_variables(code)) if v in self._mirrors]
        if not mirrored:
            return code
        # the code has only pointers to the mirrors
        mirrors = [self._mirrors[variable] for variable in mirrored]
        run_block = code.run_block

        def run_with_mirrors(block: str) -> Any:
            for variable, mirror in zip(mirrored, mirrors, strict=True):
                self._push(variable, mirror)
                self._in_use[id(variable)] = mirror
            try:
                return run_block(block)
            finally:
                for variable in mirrored:
                    self.settle(variable)

        code.run_block = run_with_mirrors
        return code

    def settle(self, variable: Any) -> None:
        """Let a variable have the values of its mirror, if that is in use.

        Brian's code for making synapses calls Python methods in between, as its last act.
        """
        if self._in_use:
            mirror = self._in_use.pop(id(variable), None)
            if mirror is not None:
                self._pull(variable, mirror)

    def _push(self, variable: Any, mirror: Any) -> None:
        array = self._arrays[variable]
        if self._there.get(variable) == (array.version, len(array)):
            return
        if mirror.shape != array.shape:
            mirror.resize(array.shape if array.data.ndim > 1 else len(array))
        mirror[:] = array.data

    def _pull(self, variable: Any, mirror: Any) -> None:
        array = self._arrays[variable]
        # recorded rows do not change, and there may be many
        old = len(array) if array.recorded and len(mirror) >= len(array) else 0
        if mirror.shape != array.shape:
            # by the variable, which has to know its size: Brian's code does not tell it
            variable.resize(mirror.shape if array.data.ndim > 1 else len(mirror))
        array[old:] = mirror[old:]
        if array.recorded:
            self._there[variable] = array.version, len(array)


def _variables(code: Any) -> list[Any]:
    """The variables of a code object that change their size."""
    return [v for v in code.variables.values() if isinstance(v, DynamicArrayVariable)]


class LastingArrays(RuntimeDevice):
    """The device's arrays: what a script gets of them stays valid."""

    def __init__(self) -> None:
        super().__init__()
        self._mirrors = Mirrors(self.arrays)

    def add_array(self, var: Any) -> None:
        if isinstance(var, DynamicArrayVariable):
            recorded = isinstance(var.owner, EventMonitor | StateMonitor | PopulationRateMonitor)
            self.arrays[var] = GrowingArray(var.size, var.dtype, recorded=recorded)
        else:
            self.arrays[var] = zeros(_as_tuple(var.size), var.dtype)

    def get_value(self, var: Any, access_data: bool = True) -> Any:
        self._mirrors.settle(var)
        array = self.arrays[var]
        return array.data if access_data and type(array) is GrowingArray else array

    def resize(self, var: Any, new_size: Any) -> None:
        self._mirrors.settle(var)
        super().resize(var, new_size)

    def resize_along_first(self, var: Any, new_size: Any) -> None:
        self._mirrors.settle(var)
        super().resize_along_first(var, new_size)

    def set_value(self, var: Any, value: Any) -> None:
        self._mirrors.settle(var)
        array = self.arrays[var]
        if isinstance(array, GrowingArray):
            array.set(value)
        else:
            super().set_value(var, value)

    def fill_with_array(self, var: Any, arr: Any) -> None:
        self.set_value(var, arr)

    def get_capsule(self, var: Any) -> Any:
        """What Brian's Cython code gets, since Brian 2.10, for a variable that can grow."""
        return self._mirrors.capsule(var)


def renew_arrays(code: Any, arrays: MutableMapping[Any, GrowingArray], name: Callable) -> None:
    """Give a code object of Brian's the arrays that its variables have now.

    Brian does that before a run only.
    """
    for variable in _variables(code):
        key = name(variable)
        if key in code.namespace and variable in arrays:
            code.namespace[key] = arrays[variable].data
