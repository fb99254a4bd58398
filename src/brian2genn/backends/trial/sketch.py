"""Write a network model by hand, with Python's operators in place of Brian's equations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...model import expr as ex
from ...model.dtypes import BOOL, FLOAT64, INT64, arithmetic, is_float
from ...model.expr import Expr
from ...model.kernel import ELEMENT, Access, Kernel, RandomSite, Store
from ...model.network import Array, Clock, Network, Param, Step


class Term:
    """An expression of the model that Python's operators apply to."""

    def __init__(self, node: Expr) -> None:
        self.node = node

    def __add__(self, other: Any) -> Term:
        return Term(ex.binary("add", self.node, self._like(other)))

    def __radd__(self, other: Any) -> Term:
        return Term(ex.binary("add", self._like(other), self.node))

    def __sub__(self, other: Any) -> Term:
        return Term(ex.binary("sub", self.node, self._like(other)))

    def __rsub__(self, other: Any) -> Term:
        return Term(ex.binary("sub", self._like(other), self.node))

    def __mul__(self, other: Any) -> Term:
        return Term(ex.binary("mul", self.node, self._like(other)))

    def __rmul__(self, other: Any) -> Term:
        return Term(ex.binary("mul", self._like(other), self.node))

    def __truediv__(self, other: Any) -> Term:
        return Term(ex.binary("div", self.node, self._like(other)))

    def __neg__(self) -> Term:
        return Term(ex.make("neg", (self.node,), dtype=self.node.dtype))

    def __gt__(self, other: Any) -> Term:
        return Term(ex.compare("gt", self.node, _node(other)))

    def __ge__(self, other: Any) -> Term:
        return Term(ex.compare("ge", self.node, _node(other)))

    def __lt__(self, other: Any) -> Term:
        return Term(ex.compare("lt", self.node, _node(other)))

    def __and__(self, other: Any) -> Term:
        return Term(ex.logical("and", self.node, _node(other)))

    def _like(self, other: Any) -> Expr:
        """Another operand; a number takes the width of this value."""
        if isinstance(other, float) and is_float(self.node.dtype):
            return ex.const(other, self.node.dtype)
        return _node(other)

    def cast(self, dtype: str) -> Term:
        """The same value as another type."""
        return Term(ex.cast(self.node, dtype))


def _node(value: Any) -> Expr:
    return value.node if isinstance(value, Term) else ex.const(value)


def number(value: float) -> Term:
    """A number that is part of the program."""
    return Term(ex.const(value))


def call(name: str, *args: Any) -> Term:
    """A function that every backend knows."""
    nodes = [_node(arg) for arg in args]
    return Term(ex.call(name, nodes, nodes[0].dtype))


def where(condition: Term, yes: Any, no: Any) -> Term:
    """One of two values."""
    return Term(ex.select(condition.node, _node(yes), _node(no)))


def draw(kind: str, number: int, dtype: str = FLOAT64) -> Term:
    """A random number: ``rand`` or ``randn``, and which of them in its kernel."""
    return Term(ex.make("random", attr=RandomSite(kind, number), dtype=dtype))


def timestep(t: Term, dt: Term) -> Term:
    """The whole number of time steps in `t`, a little rounded up: Brian's ``timestep``."""
    return call("trunc", (t + 1e-3 * dt) / dt).cast(INT64)


class Code:
    """A kernel under construction.

    ``code["v"]`` is the array ``v`` at the element itself, ``code["g", "post"]`` the array ``g`` at
    the element that the array ``post`` holds (or what a step has ``given``), and
    ``code.shared("t")`` a value that all elements share.
    """

    def __init__(self, sketch: Sketch, name: str, given: dict[str, str] | None = None) -> None:
        self._sketch = sketch
        self.kernel = Kernel(f"{name}_kernel", name, given=dict(given or {}))

    def __getitem__(self, place: str | tuple[str, str]) -> Term:
        return self._loaded(self._access(*_array_and_index(place)))

    def __setitem__(self, place: str | tuple[str, str], value: Any) -> None:
        access = self._access(*_array_and_index(place))
        node = _node(value)
        node = ex.truth(node) if access.dtype == BOOL else ex.cast(node, access.dtype)
        self.kernel.stores.append(Store(access.name, node))

    def shared(self, array: str) -> Term:
        """What an array of one element holds."""
        return self._loaded(self._access(array, None))

    def output(self, name: str, value: Any) -> None:
        """Name a result for the step that owns the kernel."""
        self.kernel.outputs[name] = _node(value)

    def given(self, name: str) -> Term:
        """An integer that the step provides for every element."""
        return Term(ex.make("given", attr=name, dtype=self.kernel.given[name]))

    def _loaded(self, access: Access) -> Term:
        dtype = access.dtype if access.dtype == BOOL else arithmetic(access.dtype)
        return Term(ex.make("load", attr=access.name, dtype=dtype))

    def _access(self, array: str, index: str | None) -> Access:
        is_own = index is None or index == ELEMENT
        name = array if is_own else f"{array}_of_{index}"
        if name not in self.kernel.accesses:
            if not is_own and index not in self.kernel.given:
                self._access(str(index), ELEMENT)
            dtype = self._sketch.network.arrays[array].dtype
            self.kernel.accesses[name] = Access(name, array, dtype, index)
        return self.kernel.accesses[name]


def _array_and_index(place: str | tuple[str, str]) -> tuple[str, str]:
    return (place, ELEMENT) if isinstance(place, str) else place


@dataclass
class Sketch:
    """A network under construction, and what its names stand for at first.

    Attributes
    ----------
    network : Network
    arrays : dict
        The values with which the arrays begin.
    params : dict
    """

    network: Network = field(
        default_factory=lambda: Network(clocks=[Clock("clock", t="t", timestep="step")])
    )
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    params: dict[str, float | int] = field(default_factory=dict)

    def array(self, name: str, values: np.ndarray) -> str:
        """A new array."""
        self.network.arrays[name] = Array(name, values.dtype.name, f"'{name}'")
        self.arrays[name] = values
        return name

    def zeros(self, name: str, n: int, dtype: str = FLOAT64) -> str:
        """A new array of zeros."""
        return self.array(name, np.zeros(n, dtype=dtype))

    def param(self, name: str, value: float | int) -> Term:
        """A new parameter."""
        dtype = INT64 if isinstance(value, int) else FLOAT64
        self.network.params[name] = Param(name, dtype)
        self.params[name] = value
        return Term(ex.make("param", attr=name, dtype=dtype))

    def code(self, name: str, given: dict[str, str] | None = None) -> Code:
        """A new kernel."""
        return Code(self, name, given)

    def step(self, kind: type[Step], name: str, code: Code | None = None, **what: Any) -> None:
        """Append a step of the one clock there is."""
        if code is not None:
            what["kernel"] = code.kernel
        if "synapses" in what:  # these are the elements
            what.setdefault("domain", what["synapses"])
        origin = f"{kind.__name__} '{name}'"
        self.network.steps.append(kind(name=name, origin=origin, owner=name, clock=0, **what))
