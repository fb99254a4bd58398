"""Which steps one function can execute: models that differ in one thing."""

from dataclasses import dataclass, replace
from typing import Annotated

import pytest

from brian2genn.codegen.c.alike import step_in
from brian2genn.model import expr as ex
from brian2genn.model.dtypes import BOOL, FLOAT32, FLOAT64, INT32
from brian2genn.model.footprint import (
    EmptiedQueue,
    How,
    Kind,
    RecorderNumber,
    Reference,
    Where,
    references,
)
from brian2genn.model.kernel import (
    Access,
    Kernel,
    RandomSite,
    Store,
    Table,
    UserFunction,
)
from brian2genn.model.network import (
    Array,
    Column,
    Deliver,
    Network,
    OnEvents,
    Param,
    Push,
    RecordEvents,
    Step,
    Update,
)
from brian2genn.transforms.alike import differing, form_of, groups_of

NETWORK = Network(
    arrays={
        **{name: Array(name, FLOAT64, name) for name in ("v", "w", "other_v", "other_w", "table")},
        **{name: Array(name, INT32, name) for name in ("j", "other_j", "events", "count")},
        "single": Array("single", FLOAT32, "single"),
    },
    params={
        **{name: Param(name, FLOAT64) for name in ("tau", "other_tau", "epsilon")},
        **{name: Param(name, INT32) for name in ("n", "other_n", "rows")},
    },
)


def load(name, dtype=FLOAT64):
    return ex.make("load", attr=name, dtype=dtype)


def param(name, dtype=FLOAT64):
    return ex.make("param", attr=name, dtype=dtype)


def rand(number=0, kind="rand"):
    return ex.make("random", attr=RandomSite(kind, number))


def call(function, *args):
    return ex.call(function, args, FLOAT64)


def update(value, v="v", w="w", n="n", access="v", **more):
    """``v = value``, where the value may use the accesses `v` and `w`."""
    accesses = {access: Access(access, v, FLOAT64), "w": Access("w", w, FLOAT64)}
    kernel = Kernel("k", "test", accesses, stores=[Store(access, value)], **more)
    return Update("u", "test", "test", 0, kernel, n)


V, W, TAU = load("v"), load("w"), param("tau")


def plus(left, right):
    return ex.binary("add", left, right)


def times(left, right):
    return ex.binary("mul", left, right)


def are_alike(one, other):
    return form_of(one, NETWORK).key == form_of(other, NETWORK).key


ONE = update(plus(V, W))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ONE, update(plus(V, W), v="other_v")),
        (ONE, update(plus(V, W), n="other_n")),
        (ONE, replace(ONE, name="x", origin="y", owner="z", clock=3, domain="g")),
        (ONE, update(plus(load("x"), W), access="x")),  # called otherwise
        (update(plus(V, TAU)), update(plus(V, param("other_tau")))),
        (update(times(ex.const(2.5), V)), update(times(ex.const(3.5), V))),
        (update(plus(V, ex.const(2.5))), update(plus(V, ex.const(-1e-5)))),
        (Push("p", "", "", 0, 0, "events"), Push("q", "", "", 1, 4, "count")),
    ],
)
def test_what_may_differ(one, other):
    assert are_alike(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ONE, update(plus(W, V))),
        (ONE, update(plus(V, V))),
        (ONE, update(plus(V, W), w="v")),  # two variables or one
        (ONE, update(plus(V, W), w="single")),  # another type
        (ONE, update(plus(V, W), careful=True)),
        (ONE, OnEvents("o", "", "", 0, ONE.kernel, "events")),
        (ONE, replace(ONE, own=True)),
        (update(call("exp", V)), update(call("sin", V))),
        (update(call("pow", V, ex.const(2.0))), update(call("pow", V, ex.const(3.0)))),
        (update(ex.binary("div", V, ex.const(2.0))), update(ex.binary("div", V, ex.const(3.0)))),
        (update(ex.const(1.0)), update(ex.const(2.0))),
        (update(times(ex.const(2.5), V)), update(times(TAU, V))),
        (update(times(ex.const(2.5), V)), update(times(ex.const(float("inf")), V))),
        # one number or two
        (
            update(plus(times(ex.const(2.5), V), times(ex.const(2.5), W))),
            update(plus(times(ex.const(2.5), V), times(ex.const(3.5), W))),
        ),
        # a number that is also somewhere else
        (
            update(plus(times(ex.const(2.5), V), call("pow", V, ex.const(2.5)))),
            update(plus(times(ex.const(3.5), V), call("pow", V, ex.const(3.5)))),
        ),
        (update(rand(0)), update(rand(1))),
        (update(rand(0)), update(rand(0, "randn"))),
        (update(plus(rand(0), rand(0))), update(plus(rand(0), rand(1)))),
        (Push("p", "", "", 0, 0, "events"), Push("p", "", "", 0, 0, "events", own=True)),
    ],
)
def test_what_may_not_differ(one, other):
    assert not are_alike(one, other)


def test_users_functions():
    def called(**more):
        function = replace(UserFunction("f", "f", FLOAT64, True, False), **more)
        return update(ex.make("user", (V,), function, FLOAT64))

    assert are_alike(called(), called())
    assert not are_alike(called(), called(c_name="g"))
    assert not are_alike(called(stateless=False), called(stateless=False, call_number=1))


def test_tables():
    def sampled(array, epsilon):
        table = Table("f", array, "rows", None, epsilon, "n")
        return update(ex.make("table", (TAU,), table, FLOAT64))

    form = form_of(sampled("table", "epsilon"), NETWORK)
    assert form.key == form_of(sampled("other_w", "other_tau"), NETWORK).key
    assert "table" in form.scope.arrays
    assert {"epsilon"} < set(form.scope.numbers)
    assert not are_alike(sampled("table", "epsilon"), sampled("v", "epsilon"))


def test_indices():
    def deliver(j, queue, index="j"):
        accesses = {
            "j": Access("j", j, INT32),
            "w": Access("w", "w", FLOAT64),
            "v": Access("v", "v", FLOAT64, index),
        }
        kernel = Kernel("k", "test", accesses, stores=[Store("v", plus(V, W))])
        return Deliver("d", "", "", 0, kernel, queue, "pre", "synapses")

    form = form_of(deliver("j", 3), NETWORK)
    assert form.key == form_of(deliver("other_j", 5), NETWORK).key
    assert form.scope.queues == [3]
    assert not are_alike(deliver("j", 3), deliver("j", 3, index=None))


def test_what_monitors_record():
    def record(variable, dtype=FLOAT64, output="v"):
        kernel = Kernel("k", "", {variable: Access(variable, "w", dtype)})
        kernel.outputs[output] = load(variable, dtype)
        columns = [Column(output, dtype, output)]
        return RecordEvents("r", "", "", 0, kernel, "events", "n", "n", "count", 7, columns)

    assert are_alike(record("v"), record("u", output="u"))
    assert not are_alike(record("v"), record("v", dtype=BOOL))
    assert form_of(record("v"), NETWORK).scope.recorders == [7]


@dataclass
class Pages:
    """Where a kind of step records, and what it takes."""

    book: RecorderNumber
    source: EmptiedQueue


@dataclass
class Note(Step):
    """A kind of step that nobody has heard of."""

    kernel: Kernel
    values: list[Column]
    numbers: list[int]
    sinks: Annotated[dict[str, int], Reference(Kind.QUEUE, How.WRITE, Where.ANYWHERE)]
    takes: dict[str, str]
    pages: Pages
    other_book: RecorderNumber | None = None


def note(output="v", book=4, queue=2, number=1, other=None, sinks=(7, 2), take="1"):
    kernel = Kernel("k", "", {"v": Access("v", "w", FLOAT64)}, outputs={output: V})
    columns, sinks = [Column(output, FLOAT64, output)], dict(zip("ab", sinks, strict=True))
    return Note(
        "n", "", "", 0, kernel, columns, [number], sinks, {"a": take}, Pages(book, queue), other
    )


def test_kinds_of_steps_that_nobody_has_heard_of():
    assert are_alike(note(), note("u", 3, 5, sinks=(9, 5)))
    assert form_of(note(other=6), NETWORK).scope.recorders == [4, 6]
    assert form_of(note(), NETWORK).scope.queues == [7, 2]
    for other in (note(number=2), note(take="2"), note(other=6), note(queue=3), note(sinks=(7, 3))):
        assert not are_alike(note(), other)
    assert are_alike(note(other=6), note(book=5, other=3))
    assert not are_alike(note(other=6), note(book=6, other=6))


@pytest.mark.parametrize("step", [note(), note(other=6), note(other=4), note(sinks=(2, 2))])
def test_queues_and_recorders_have_their_numbers_of_the_scope(step):
    scope = form_of(step, NETWORK).scope
    seen = step_in(step, scope)
    known = {Kind.QUEUE: scope.queues, Kind.RECORDER: scope.recorders}
    told = zip(references(step), references(seen), strict=True)
    for (name, reference, number), (same, _, place) in told:
        assert (name, number) == (same, known[reference.kind][place])
    assert seen.kernel is step.kernel


def test_a_step_without_queues_and_recorders_is_itself_in_its_scope():
    assert step_in(ONE, form_of(ONE, NETWORK).scope) is ONE


def test_what_else_the_function_depends_on():
    def key(*more, queue=None):
        return form_of(ONE, NETWORK, *more, queue=queue).key

    assert key("w") != key("j")  # arrays of two types
    assert key("w") == key("w")
    assert key("other_w") == key("table")
    assert key("v") != key("w")  # which of the step's arrays
    assert key(True) != key(False)
    assert key(queue=3) == key(queue=4) != key()
    assert key(update(V).kernel) != key(update(W).kernel)


def test_groups_and_their_numbers():
    steps = [update(times(ex.const(x), V), v=v) for x, v in ((2.0, "v"), (2.0, "w"), (3.0, "v"))]
    steps.append(update(times(W, V)))
    forms = {10 + k: form_of(step, NETWORK) for k, step in enumerate(steps)}
    assert groups_of(forms) == [[10, 11, 12]]
    assert differing([forms[10].scope, forms[11].scope]) == []
    assert differing([forms[10].scope, forms[12].scope]) == [0]
    assert [forms[k].scope.arrays[0] for k in (10, 11)] == ["v", "w"]
