"""Set-up code for the trial: what it makes has to be the same to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ...codegen.c.setup import print_setup
from ...codegen.cuda.setup import print_cuda_setup
from ...model.dtypes import INT32
from ...model.network import Clock, Network
from ...model.setup import Assign, Connect, Iteration
from ...model.verify import verify
from ..cuda.device.driver import Driver
from ..cuda.setup import DeviceSetup
from ..host.setup import Connections, SetupProgram
from .execution import Results, Variable
from .sketch import Sketch, call, draw, number, where

#: Neurons on the two sides; more than a block of threads, and no whole number of warps.
_ROWS, _PARTNERS = 301, 203

_KEY = 0x5E7_0F_7E57


@dataclass
class _Piece:
    """A piece of set-up code and what it works with."""

    network: Network
    arrays: dict[str, np.ndarray]
    params: dict[str, float | int]


def _pattern() -> _Piece:
    """Connect by chance, with a probability that depends on both sides."""
    random = np.random.RandomState(20261126)
    sketch = Sketch(Network(clocks=[Clock("none")]))
    names = ("rows", "partners", "row_offset", "partner_offset")
    _, partners, *_ = (
        sketch.param(name, value)
        for name, value in zip(names, (_ROWS, _PARTNERS, 3, 0), strict=True)
    )
    sketch.array("there", random.uniform(0, 0.3, _ROWS))
    sketch.array("here", random.uniform(0, 1, _PARTNERS))
    code = sketch.code("pattern", {"_i": INT32, "_j": INT32, "_k": INT32})
    code.output("_iter_low", number(0))
    code.output("_iter_high", partners)
    code.output("_iter_step", number(1))
    code.output("_iter_p", code["there", "_i"])
    code.output("_j", code.given("_k"))
    chance = draw("rand", 0) < call("sqrt", code["here", "_j"])
    code.output("_cond", chance & (draw("randn", 1) < 1.5))
    code.output("_n", number(1))
    step = {"iteration": Iteration.SAMPLE_BY_PROBABILITY}
    sketch.step(Connect, "pattern", code, **dict(zip(names, names, strict=True)), **step)
    return _Piece(sketch.network, sketch.arrays, sketch.params)


def _values() -> _Piece:
    """Set the values of all elements, from random numbers and others' values."""
    random = np.random.RandomState(20261127)
    size = _ROWS * _PARTNERS
    sketch = Sketch(Network(clocks=[Clock("none")]))
    sketch.param("N", size)
    sketch.array("neuron", random.randint(0, _ROWS, size).astype(INT32))
    sketch.array("x", random.uniform(-1, 1, _ROWS))
    sketch.zeros("w", size)
    sketch.zeros("w_single", size, "float32")
    code = sketch.code("values")
    x = code["x", "neuron"]
    value = draw("randn", 0) * call("sqrt", call("abs", x)) + draw("rand", 1) / 3.0
    code["w"] = where(x > 0.0, value, x * value - 0.1)
    code["w_single"] = value
    sketch.step(Assign, "values", code, size="N")
    return _Piece(sketch.network, sketch.arrays, sketch.params)


class SetupTrial:
    """Pieces of set-up code that are executed on the processor and on a device."""

    def __init__(self) -> None:
        self._pattern, self._values = _pattern(), _values()
        for piece in (self._pattern, self._values):
            verify(piece.network)

    def texts(self) -> list[str]:
        """What a C compiler gets."""
        return [print_setup(piece.network).text for piece in (self._pattern, self._values)]

    def execute_here(self) -> Results:
        """Compile and execute the pieces for the processor."""
        made = Connections()
        try:
            SetupProgram(self._pattern.network).run(
                self._pattern.arrays, self._pattern.params, _KEY, made
            )
            results = {"synapses, pre": made.pre.copy(), "synapses, post": made.post.copy()}
        finally:
            made.release()
        arrays = {name: array.copy() for name, array in self._values.arrays.items()}
        SetupProgram(self._values.network).run(arrays, self._values.params, _KEY + 1)
        return results | _values_of(arrays)

    def compile_ahead(self, driver: Driver) -> None:
        """Begin to compile the pieces for a device."""
        for piece in (self._pattern, self._values):
            driver.compile_ahead(print_cuda_setup(piece.network).text, exact=True)

    def compile_for(self, driver: Driver) -> None:
        """Compile the pieces for a device."""
        for piece in (self._pattern, self._values):
            driver.build(print_cuda_setup(piece.network).text, exact=True)

    def execute_on(self, setup: DeviceSetup, fetch: Callable[[Variable], None]) -> Results:
        """Execute the pieces on a device.

        Parameters
        ----------
        setup : DeviceSetup
            One that does small tasks, too.
        fetch : callable
            Makes the host's array of a variable current.
        """
        pattern, values = self._pattern, self._values
        results = {}
        sources = {name: Variable(array) for name, array in pattern.arrays.items()}
        made = setup.connect(pattern.network, sources, pattern.params, _KEY)
        if made is not None:  # otherwise it is missing, which is a difference
            results = {"synapses, pre": made[0], "synapses, post": made[1]}
        targets = {name: Variable(array.copy()) for name, array in values.arrays.items()}
        if setup.assign(values.network, targets, values.params, _KEY + 1):
            for variable in targets.values():
                fetch(variable)
            results |= _values_of({name: target.array for name, target in targets.items()})
        return results


def _values_of(arrays: Mapping[str, np.ndarray]) -> Results:
    return {f"set values, {name}": arrays[name] for name in ("w", "w_single")}
