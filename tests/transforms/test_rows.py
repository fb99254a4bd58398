"""How state updates of synapses that read of neurons are made on a processor."""

from dataclasses import replace

import numpy as np
import pytest

from brian2genn.backends.trial.sketch import call, draw, where
from brian2genn.model import expr as ex
from brian2genn.model.kernel import Store, UserFunction
from brian2genn.model.network import Role
from brian2genn.transforms.rows import plan_update
from brian2genn.transforms.tables import VALUE
from tests.transforms.plastic import execute, goes_on, model, sets

V = ("v", "pre")
G = ("g", "post")


def planned(*body, change=None, beside=()):
    sketch = model()
    step = goes_on(sketch, *body)
    if change is not None:
        change(step, sketch.network)
    for other in beside:
        goes_on(sketch, other, name="beside", domain="other")
    return sketch, plan_update(step, sketch.network)


def body(value, target="w"):
    def write(code):
        code[target] = value(code)

    return write


def user(looks):
    function = UserFunction("f", "f", "float64", stateless=True, vectorised=False, looks=looks)

    def write(code):
        code["z"]
        node = ex.make("user", (code[V].node,), function)
        code.kernel.stores.append(Store("z", node))

    return write


@pytest.mark.parametrize(
    ("value", "tables", "same", "neighbours"),
    [
        (lambda code: code["w"] * code[V], 0, ("pre",), ()),
        (lambda code: code["w"] * code[G], 0, (), ("post",)),
        (lambda code: code["w"] * code[V] * code[G], 0, ("pre",), ("post",)),
        (lambda code: where(code[V] > 0.15, code["w"], call("sqrt", code[G])), 0,
         ("pre",), ("post",)),
        # tables have what takes long
        (lambda code: code["w"] * call("exp", code[V]), 1, ("pre",), ()),
        (lambda code: code["w"] * call("exp", code[V]) * call("tanh", code[G]), 2,
         ("pre",), ("post",)),
        # vectors may have another last digit: no rows
        (lambda code: code["w"] * code[V] * call("exp", code["x"]), 0, (), ()),
        (lambda code: code["w"] * code[V] * draw("rand", 0), 0, (), ()),
    ],
)  # fmt: skip
def test_plan(value, tables, same, neighbours):
    _, plan = planned(body(value))
    assert len(plan.tables) == tables
    assert (plan.same, plan.neighbours) == (same, neighbours)


@pytest.mark.parametrize(
    "value",
    [
        lambda code: code["w"] * call("exp", code[V]),
        lambda code: code["w"] * call("exp", code[V]) * call("tanh", code[G]) + code["x"],
        lambda code: code["w"] * code[V],
    ],
)
def test_all_comes_out_as_before(value):
    sketch, plan = planned(body(value))
    (step,) = sketch.network.steps
    results = []
    for kernel, tables in ((step.kernel, []), (plan.kernel, plan.tables)):
        arrays = {name: values.copy() for name, values in sketch.arrays.items()}
        for table in tables:
            n = arrays[table.index].max() + 1
            arrays[table.name] = execute(table.kernel, arrays, sketch.params, np.arange(n))[VALUE]
        execute(kernel, arrays, sketch.params, np.arange(len(arrays["w"])))
        results.append(arrays)
    assert results[0]["w"].tobytes() == results[1]["w"].tobytes()


def owned(step, network):
    step.own = True


def shared(step, network):
    step.kernel.accesses["t"] = replace(step.kernel.accesses["w"], name="t", array="t", index=None)
    step.kernel.shared_stores = [Store("t", ex.const(0.0))]


def of_another_role(step, network):
    network.arrays["pre"] = replace(network.arrays["pre"], role=Role.STATE)


def wide(step, network):
    step.kernel.accesses["pre"] = replace(step.kernel.accesses["pre"], dtype="int64")


def indirect(step, network):
    step.kernel.accesses["pre"] = replace(step.kernel.accesses["pre"], index="post")
    step.kernel.accesses["post"] = replace(step.kernel.accesses["pre"], name="post", index="_idx")


READS = body(lambda code: code["w"] * code[V])


@pytest.mark.parametrize(
    "what",
    [
        {"change": owned},
        {"change": shared},
        {"change": of_another_role},
        {"change": wide},
        {"change": indirect},
        {"beside": [sets("pre", 0.0)]},
    ],
)
def test_no_plan(what):
    assert planned(READS)[1] is not None
    assert planned(READS, **what)[1] is None


@pytest.mark.parametrize(
    "bodies",
    [
        # nothing of neurons
        (sets("w", "w", 0.5),),
        # neurons change
        (READS, sets(G, 0.5)),
        # what is read of neurons is what synapses change
        (body(lambda code: code["w", "pre"] * 2.0),),
        # nobody knows what a function looks at
        (READS, user(looks=True)),
    ],
)
def test_no_plan_for(bodies):
    assert planned(*bodies)[1] is None


def test_a_function_of_a_user_is_in_no_row():
    _, plan = planned(READS, user(looks=False))
    assert (plan.same, plan.neighbours) == ((), ())


def test_powers_are_in_no_row():
    def power(code):
        code["w"]
        node = ex.make("pow", (code[V].node, code["x"].node))
        code.kernel.stores.append(Store("w", node))

    _, plan = planned(power)
    assert (plan.same, plan.neighbours) == ((), ())
