"""What a step touches, as its fields and kernels say."""

import pytest

from brian2genn.backends.trial.network import make_trial
from brian2genn.model import expr as ex
from brian2genn.model.dtypes import FLOAT64, INT32
from brian2genn.model.footprint import How, Kind, Memory, Touch, Where, arrays, footprint
from brian2genn.model.kernel import Access, Kernel, Store, Table
from brian2genn.model.network import (
    Cable,
    Column,
    Deliver,
    EmitSpikes,
    OnEvents,
    Push,
    RecordEvents,
    RecordRate,
    RecordState,
    Refractoriness,
    Sum,
    Threshold,
    Update,
)

BASE = ("name", "origin", "owner", 0)


def kernel(*accesses: Access, stores: tuple[Store, ...] = ()) -> Kernel:
    return Kernel("kernel", "test", {a.name: a for a in accesses}, stores=list(stores))


def touch(name, how, where, index=None, kind=Kind.ARRAY):
    return Touch(Memory(kind, name), how, where, index)


V = Access("v", "v_array", FLOAT64)
W = Access("w", "w_array", FLOAT64)
J = Access("j", "j_array", INT32)
V_POST = Access("v_post", "v_array", FLOAT64, "j")
SHARED = Access("s", "s_array", FLOAT64, None)
LOAD_W = ex.make("load", attr="w")
BOTH = ex.binary("add", LOAD_W, ex.make("load", attr="s"))
EVENTS = touch("e", How.READ, Where.OWN)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (
            Update(
                *BASE,
                kernel(V, W, SHARED, stores=(Store("v", BOTH),)),
                "N",
            ),
            {
                touch("w_array", How.READ, Where.OWN),
                touch("s_array", How.READ, Where.SHARED),
                touch("v_array", How.WRITE, Where.OWN),
            },
        ),
        (
            Threshold(*BASE, kernel(), "N", "e", Refractoriness("r", "l", FLOAT64, "t")),
            {
                touch("e", How.WRITE, Where.OWN),
                touch("r", How.WRITE, Where.SOME),
                touch("l", How.WRITE, Where.SOME),
                touch("t", How.READ, Where.SHARED),
            },
        ),
        (
            OnEvents(*BASE, kernel(V, W, stores=(Store("v", LOAD_W),)), "e"),
            {
                touch("w_array", How.READ, Where.SOME),
                touch("v_array", How.WRITE, Where.SOME),
                EVENTS,
            },
        ),
        (Push(*BASE, 3, "e"), {touch(3, How.WRITE, Where.ANYWHERE, kind=Kind.QUEUE), EVENTS}),
        (
            Deliver(
                *BASE,
                kernel(V_POST, W, J, stores=(Store("v_post", LOAD_W, add=True),)),
                3,
                "pre",
                "synapses",
            ),
            {
                touch("w_array", How.READ, Where.SOME),
                touch("j_array", How.READ, Where.SOME),
                touch("v_array", How.ADD, Where.THROUGH, "j_array"),
                touch(3, How.READ, Where.ANYWHERE, kind=Kind.QUEUE),
            },
        ),
        (
            Sum(*BASE, kernel(), "N", "sum", FLOAT64, "j_array", "start", "M"),
            {
                touch("sum", How.WRITE, Where.THROUGH, "j_array"),
                touch("j_array", How.READ, Where.OWN),
            },
        ),
        (
            RecordEvents(*BASE, kernel(), "e", "start", "stop", "n", 2, [Column("i", INT32, "i")]),
            {
                EVENTS,
                touch("n", How.WRITE, Where.ANYWHERE),
                touch(2, How.WRITE, Where.ANYWHERE, kind=Kind.RECORDER),
            },
        ),
        (
            RecordState(*BASE, kernel(), "indices", "t", 2, []),
            {
                touch("indices", How.READ, Where.ANYWHERE),
                touch("t", How.READ, Where.SHARED),
                touch(2, How.WRITE, Where.ANYWHERE, kind=Kind.RECORDER),
            },
        ),
        (
            RecordRate(*BASE, "e", "start", "stop", "N", "t", "dt", FLOAT64, 2),
            {
                EVENTS,
                touch("t", How.READ, Where.SHARED),
                touch("dt", How.READ, Where.SHARED),
                touch(2, How.WRITE, Where.ANYWHERE, kind=Kind.RECORDER),
            },
        ),
        (
            EmitSpikes(*BASE, "e", "i", "bins", "period", "last", "step"),
            {
                touch("e", How.WRITE, Where.SOME),
                touch("i", How.READ, Where.ANYWHERE),
                touch("bins", How.READ, Where.ANYWHERE),
                touch("period", How.READ, Where.SHARED),
                touch("last", How.WRITE, Where.ANYWHERE),
                touch("step", How.READ, Where.SHARED),
            },
        ),
        (
            Cable(*BASE, kernel(), "N", {"v": "v_array", "Ic": "c_array"}),
            {
                touch("v_array", How.WRITE, Where.ANYWHERE),
                touch("c_array", How.WRITE, Where.ANYWHERE),
            },
        ),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, set) else "",
)
def test_what_each_kind_of_step_touches(step, expected):
    assert set(footprint(step)) == expected


def test_samples_are_read_anywhere():
    table = Table("f", "samples", "rows", None, "epsilon", "upsampling")
    value = ex.make("table", (ex.const(0.0),), attr=table)
    step = Update(*BASE, kernel(V, stores=(Store("v", value),)), "N")
    assert touch("samples", How.READ, Where.ANYWHERE) in footprint(step)


def test_other_kernels_in_place_of_its_own():
    step = OnEvents(*BASE, kernel(V, stores=(Store("v", ex.const(0.0)),)), "e")
    assert arrays(footprint(step, []), How.WRITE) == set()
    assert arrays(footprint(step), How.WRITE) == {"v_array"}


def test_nothing_is_said_twice():
    for step in make_trial().network.steps:
        touches = footprint(step)
        assert len(touches) == len(set(touches))
