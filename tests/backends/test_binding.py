"""A program that is bound to less, or to more, or to something else than it needs, says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from brian2genn.backends.binding import DoesNotFit, Needs
from brian2genn.backends.cpu.backend import CpuBackend
from brian2genn.backends.cuda.backend import CudaBackend
from brian2genn.backends.host.memory import HostMemory
from brian2genn.backends.interface import Bound, ClockState, Outcome
from brian2genn.backends.pygenn.program import PygennProgram
from brian2genn.backends.pygenn.queue import GennQueue
from brian2genn.backends.trial.execution import Variable, copy_of, raw_value
from brian2genn.backends.trial.network import DT, make_trial
from brian2genn.backends.trial.sketch import Sketch
from brian2genn.model.dtypes import FLOAT64
from brian2genn.model.footprint import RecorderNumber
from brian2genn.model.names import Names
from brian2genn.model.network import Clock, Column, Network, Recorded, RecordState, Step
from tests.cuda_shim.driver import ShimDriver
from tests.interpreter.backend import InterpreterBackend

TRIAL = make_trial()


def whole(backend: Any) -> Bound:
    """All that the network of the trial needs for three time steps."""
    variables = {name: Variable(array.copy()) for name, array in TRIAL.arrays.items()}
    queues = []
    for pathway in TRIAL.pathways:
        queue = backend.queue(0, pathway.n_sources)
        queue.prepare(pathway.delays, DT, pathway.sources)
        queues.append(queue)
    clock = ClockState(variables["t"].array, variables["step"].array, DT, None, 3)
    return Bound(variables, dict(TRIAL.params), [clock], queues, list(TRIAL.columns), 1, 0, Names())


def without(things: Any, name: str) -> dict[str, Any]:
    return {key: thing for key, thing in things.items() if key != name}


def with_array(bound: Bound, name: str, make: Callable[[np.ndarray], Any]) -> Bound:
    new = make(bound.arrays[name].array)
    variable = Variable(new) if isinstance(new, np.ndarray) else new
    return replace(bound, arrays={**bound.arrays, name: variable})


def with_clock(bound: Bound, **changes: Any) -> Bound:
    return replace(bound, clocks=[replace(bound.clocks[0], **changes)])


def with_column(bound: Bound, recorder: int, column: int, new: Any) -> Bound:
    columns = [list(own) for own in bound.columns]
    columns[recorder][column] = new
    return replace(bound, columns=columns)


#: What is done to what a run has, the error, and what it says.
DAMAGE: dict[str, tuple[Callable[[Bound], Bound], type, str]] = {
    **{
        f"no {name}": (
            lambda b, name=name: replace(b, arrays=without(b.arrays, name)),
            TypeError,
            f"the array '{name}' is missing",
        )
        for name in ("t", "v", "cell_events", "plastic_post")
    },
    "no parameter": (
        lambda b: replace(b, params=without(b.params, "N_cells")),
        TypeError,
        "the parameter 'N_cells' is missing",
    ),
    "another array": (
        lambda b: replace(b, arrays={**b.arrays, "more": Variable(np.zeros(1))}),
        TypeError,
        "the array 'more' is none of the program's",
    ),
    "another parameter": (
        lambda b: replace(b, params={**b.params, "more": 1}),
        TypeError,
        "the parameter 'more' is none of the program's",
    ),
    "None for an array": (
        lambda b: with_array(b, "v", lambda v: None),
        TypeError,
        "the program needs the array 'v', which is None",
    ),
    "single precision": (
        lambda b: with_array(b, "v", lambda v: v.astype("float32")),
        TypeError,
        "the array 'v' is float32; the program needs float64",
    ),
    "the other order of bytes": (
        lambda b: with_array(b, "v", lambda v: v.astype(">f8")),
        TypeError,
        "the array 'v' is >f8; the program needs float64",
    ),
    "wide events": (
        lambda b: with_array(b, "cell_events", lambda v: v.astype("int64")),
        TypeError,
        "the array 'cell_events' is int64; the program needs int32",
    ),
    "short events": (
        lambda b: with_array(b, "cell_events", lambda v: v[:-1].copy()),
        ValueError,
        "the array 'cell_events' has",
    ),
    "short counts": (
        lambda b: with_array(b, "count", lambda v: v[:-1].copy()),
        ValueError,
        "the array 'count' has",
    ),
    "short values": (
        lambda b: with_array(b, "lastspike", lambda v: v[:-1].copy()),
        ValueError,
        "the array 'lastspike' has",
    ),
    "more neurons": (
        lambda b: replace(b, params={**b.params, "N_inputs": 10**9}),
        ValueError,
        "the program needs 1000000000",
    ),
    "no clock": (
        lambda b: replace(b, clocks=[]),
        TypeError,
        "the program needs 1 clock, and was given 0",
    ),
    "two clocks": (
        lambda b: replace(b, clocks=[*b.clocks, *b.clocks]),
        TypeError,
        "the program needs 1 clock, and was given 2",
    ),
    "whole numbers for the time": (
        lambda b: with_clock(b, t=np.zeros(1, np.int64)),
        TypeError,
        "'t' of the clock 'clock' is 1 elements of type int64; the program needs one of float64",
    ),
    "short time steps": (
        lambda b: with_clock(b, timestep=np.zeros(1, np.int32)),
        TypeError,
        "'timestep' of the clock 'clock' is 1 elements of type int32",
    ),
    "nothing for the time": (
        lambda b: with_clock(b, t=np.zeros(0)),
        TypeError,
        "'t' of the clock 'clock' is 0 elements",
    ),
    "a clock that does not tick": (
        lambda b: with_clock(b, dt=None),
        TypeError,
        "the clock 'clock' has neither a time step nor times",
    ),
    "no queues": (
        lambda b: replace(b, queues=[]),
        TypeError,
        "the program needs 3 queues, and was given 0",
    ),
    "another queue": (
        lambda b: replace(b, queues=[*b.queues, b.queues[0]]),
        TypeError,
        "the program needs 3 queues, and was given 4",
    ),
    "no recorders": (
        lambda b: replace(b, columns=[]),
        TypeError,
        "the program needs 3 recorders, and was given 0",
    ),
    "another recorder": (
        lambda b: replace(b, columns=[*b.columns, []]),
        TypeError,
        "the program needs 3 recorders, and was given 4",
    ),
    "too few columns": (
        lambda b: replace(b, columns=[b.columns[0][:1], *b.columns[1:]]),
        TypeError,
        "the program needs 3 columns of recorder 0, and was given 1",
    ),
    "too many columns": (
        lambda b: replace(b, columns=[*b.columns[:2], [*b.columns[2], b.columns[2][0]]]),
        TypeError,
        "the program needs 2 columns of recorder 2, and was given 3",
    ),
    "a narrow column": (
        lambda b: with_column(b, 0, 1, (np.dtype("float32"), 1)),
        TypeError,
        "column 1 of recorder 0 has 1 elements of type float32 in a row; the program needs",
    ),
    "a column of another type": (
        lambda b: with_column(b, 1, 0, (np.dtype("int64"), 1)),
        TypeError,
        "column 0 of recorder 1 has 1 elements of type int64 in a row; the program needs 1 of int",
    ),
}


class GennBackend(HostMemory):
    """GeNN, as far as it gets without one."""

    def queue(self, start: int, stop: int) -> GennQueue:
        return GennQueue(start, stop)

    def build(self, network: Network, *, profile: bool) -> PygennProgram:
        return PygennProgram(network, None, None)  # type: ignore[arg-type]


#: Those that execute the network of the trial, and all.
RUNNING = {
    "cpu": CpuBackend,
    "interpreter": InterpreterBackend,
    "shim": lambda: CudaBackend(ShimDriver(), raw_value),
}
BACKENDS = {**RUNNING, "genn": GennBackend}


@pytest.fixture(scope="module")
def programs() -> dict[str, Any]:
    """By backend: it, and the program of the trial."""
    return {}


def made(programs: dict[str, Any], name: str) -> tuple[Any, Any]:
    if name not in programs:
        backend = BACKENDS[name]()
        programs[name] = backend, backend.build(copy_of(TRIAL), profile=False)
    backend, program = programs[name]
    return backend, program.unbound()


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", BACKENDS)
def test_what_is_missing_or_too_much_is_told(programs, name, damage):
    backend, program = made(programs, name)
    change, error, complaint = DAMAGE[damage]
    with pytest.raises(error) as caught:
        program.bind(change(whole(backend)))
    assert complaint in str(caught.value)
    with pytest.raises(RuntimeError, match="once it is bound"):
        program.run(1.0)


@pytest.mark.parametrize("name", RUNNING)
def test_a_program_runs_once_it_is_bound(programs, name):
    backend, program = made(programs, name)
    with pytest.raises(RuntimeError, match="once it is bound"):
        program.run(1.0)
    bound = whole(backend)
    # in any order
    program.bind(replace(bound, arrays=dict(reversed(bound.arrays.items()))))
    assert program.run(60.0) == Outcome.FINISHED
    program.finish()
    assert bound.clocks[0].timestep[0] == 3


@pytest.mark.parametrize("name", RUNNING)
@pytest.mark.parametrize("damage", ["no v", "another array", "single precision"])
def test_arrays_that_are_named_anew_are_looked_at(programs, name, damage):
    backend, program = made(programs, name)
    bound = whole(backend)
    program.bind(bound)
    change, error, complaint = DAMAGE[damage]
    with pytest.raises(error) as caught:
        program.move(change(bound).arrays)
    assert complaint in str(caught.value)
    program.move(bound.arrays)
    program.finish()


@pytest.mark.parametrize("name", ["cpu", "interpreter"])
def test_what_stays_bound_can_be_bound_again(programs, name):
    """After an error as well: nothing of the failed attempt is left."""
    backend, program = made(programs, name)
    bound = whole(backend)
    program.bind(bound)
    with pytest.raises(TypeError):
        program.bind(replace(bound, clocks=[]))
    program.bind(bound)
    assert program.run(60.0) == Outcome.FINISHED


@dataclass
class RecordFirst(Step):
    """A kind of step that does not say what it records."""

    book: RecorderNumber


@dataclass
class RecordTwo(RecordFirst):
    """One that does."""

    def recorded(self) -> list[Recorded]:
        return [Recorded(FLOAT64), Recorded(FLOAT64)]


@pytest.mark.parametrize(("kind", "fits"), [(RecordFirst, (0, 1, 2, 3)), (RecordTwo, (2,))])
@pytest.mark.parametrize("number", range(4))
def test_new_kinds_of_steps_say_what_they_record(kind, fits, number):
    network = Network(clocks=[Clock("clock")], recorders=1, steps=[kind("r", "", "", 0, 0)])
    clock = ClockState(np.zeros(1), np.zeros(1, np.int64), DT, None, 3)
    columns = [[(np.dtype(FLOAT64), 1)] * number]
    bound = Bound({}, {}, [clock], [], columns, 1, 0, Names())
    if number in fits:
        assert Needs.of(network).check(bound) == {}
        return
    with pytest.raises(TypeError, match="the program needs 2 columns of recorder 0"):
        Needs.of(network).check(bound)


@pytest.mark.parametrize(("recorded", "width", "fits"), [(3, 3, True), (3, 5, False), (0, 5, True)])
def test_a_process_may_have_nothing_of_what_is_recorded(recorded, width, fits):
    """Rows are as wide as all processes need; one that records nothing leaves them as they are."""
    sketch = Sketch()
    sketch.zeros("v", 6)
    sketch.zeros("which", recorded, "int32")
    sketch.zeros("t", 1)
    code = sketch.code("states")
    code.output("out", code["v"])
    sketch.step(
        RecordState, "states", code, indices="which", time="t", recorder=0,
        columns=[Column("out", FLOAT64, "out")],
    )  # fmt: skip
    sketch.network.recorders = 1
    needs = Needs.of(sketch.network)
    arrays = {
        "v": np.zeros(6), "which": np.zeros(recorded, np.int32), "t": np.zeros(1),
    }  # fmt: skip
    columns = [[(np.dtype(FLOAT64), 1), (np.dtype(FLOAT64), width)]]
    clocks = [
        ClockState(np.zeros(1), np.zeros(1, np.int64), DT, None, 3) for _ in sketch.network.clocks
    ]
    named = {name: Variable(arrays.get(name, np.zeros(6))) for name in sketch.network.arrays}
    params = dict.fromkeys(sketch.network.params, 1)
    bound = Bound(named, params, clocks, [], columns, 1, 0, Names())
    if fits:
        needs.check(bound)
        return
    with pytest.raises(DoesNotFit, match="column 1 of recorder 0 has 5 elements"):
        needs.check(bound)
