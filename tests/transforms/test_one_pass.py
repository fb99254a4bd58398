"""State updates and thresholds that are done in one pass over a group."""

from dataclasses import replace

import numpy as np
import pytest

from brian2genn.backends.trial.sketch import Sketch, call, draw
from brian2genn.model import expr as ex
from brian2genn.model.kernel import Store, UserFunction
from brian2genn.model.network import Threshold, Update
from brian2genn.transforms.one_pass import MOST_OPERATIONS, in_one_pass, is_quick
from tests.transforms.running import run

CALL = UserFunction("f", "f", "float64", stateless=True, vectorised=False)


def user(term):
    return ex.make("user", (term.node,), CALL)


def grows(code):
    code["v"] = code["v"] + code["rate"] * code.shared("dt")


def asks(code):
    code.output("_cond", code["v"] > code["limit"])


def model(update=grows, ask=asks, of_update=None, of_threshold=None):
    """A group that is updated, and whose threshold follows."""
    sketch = Sketch()
    for name in ("v", "rate", "limit"):
        sketch.array(name, np.linspace(0.1, 0.9, 6))
    sketch.array("dt", np.full(1, 0.5))
    sketch.array("small", np.ones(6, dtype=np.float32))
    sketch.zeros("resting", 6, "bool")
    sketch.array("number", np.arange(6, dtype=np.int32)[::-1].copy())
    sketch.zeros("events", 7, "int32")
    sketch.param("N", 6)
    code = sketch.code("update")
    update(code)
    sketch.step(Update, "update", code, size="N", **of_update or {})
    asked = sketch.code("above")
    ask(asked)
    sketch.step(
        Threshold, "above", asked, **{"size": "N", "events": "events"} | (of_threshold or {})
    )
    return sketch


def in_one(sketch):
    update, threshold = sketch.network.steps
    return in_one_pass(update, threshold, update.kernel)


def two_variables(code):
    code["rate"] = code["v"]
    code["v"] = code["rate"] * 1.5


def drawn(code):
    code["v"] = code["v"] + draw("rand", 0)


def rests(code):
    code["resting"] = code["v"] > 0.4
    code["v"] = code["v"] + 0.1


def asks_for_rest(code):
    code.output("_cond", (code["v"] > code["limit"]) & code["resting"])


def asks_for_others(code):
    code.output("_cond", code["limit"] > 0.3)


def asks_for_a_neighbours_limit(code):
    code.output("_cond", code["v"] > code["limit", "number"])


@pytest.mark.parametrize(
    ("update", "ask"),
    [
        (grows, asks),
        (two_variables, asks),
        (drawn, asks),
        (rests, asks_for_rest),
        (grows, asks_for_others),
        (grows, asks_for_a_neighbours_limit),
    ],
)
def test_one_pass_gives_the_same(update, ask):
    sketch = model(update, ask)
    both = in_one(sketch)
    assert both is not None
    assert both.stores == sketch.network.steps[0].kernel.stores
    _, threshold = sketch.network.steps
    # the kernel draws the numbers of the state update
    changed = replace(sketch.network, steps=[replace(threshold, kernel=both)])
    before, after = run(sketch), run(sketch, changed)
    assert before["events"][-1] > 0
    for name, values in before.items():
        assert values.tobytes() == after[name].tobytes(), name


def with_user(code):
    code.kernel.stores = [Store("v", user(code["v"] * code["rate"]))]


def slow(code):
    code["v"] = call("exp", code["v"])


def to_another(code):
    code["v", "number"] = code["v"]


def only_adds(code):
    code["v"]
    code.kernel.stores = [Store("v", ex.const(1.0), add=True)]


def of_another_type(code):
    code["small"]
    code.kernel.stores = [Store("small", ex.const(1.0))]


def shared(code):
    grows(code)
    code.kernel.shared_stores = [Store("dt", ex.const(0.5))]


def numbered(code):
    grows(code)
    code["number"]
    code.kernel.numbered = "number"


def given(code):
    grows(code)
    code.kernel.given = {"_idx": "int64"}


def asks_a_user(code):
    code.kernel.outputs["_cond"] = ex.compare("gt", user(code["v"]), ex.const(1.0))


def asks_a_die(code):
    code.output("_cond", draw("rand", 0) < code["v"])


def asks_and_stores(code):
    asks(code)
    code["limit"] = code["v"]


def asks_and_stores_shared(code):
    asks(code)
    shared(code)
    code.kernel.stores = []


def asks_a_neighbour(code):
    code.output("_cond", code["v", "number"] > code["limit"])


def asks_the_shared(code):
    code.output("_cond", code.shared("v") > code["limit"])


def means_another(code):
    """The name of a variable of the state update stands for another one."""
    asks(code)
    accesses = code.kernel.accesses
    accesses["v"] = replace(accesses["v"], array="rate")


@pytest.mark.parametrize(
    ("update", "ask", "of_update", "of_threshold"),
    [
        (grows, asks, None, {"size": "M"}),
        (grows, asks, {"own": True}, None),
        (grows, asks, None, {"own": True}),
        (grows, asks, {"part": ("places", "whole")}, None),
        (grows, asks_and_stores, None, None),
        (grows, asks_and_stores_shared, None, None),
        (shared, asks, None, None),
        (slow, asks, None, None),
        (grows, asks_a_user, None, None),
        (grows, asks_a_die, None, None),
        (with_user, asks, None, None),
        (numbered, asks, None, None),
        (given, asks, None, None),
        (grows, means_another, None, None),
        (to_another, asks_for_others, None, None),
        (only_adds, asks, None, None),
        (of_another_type, asks, None, None),
        (grows, asks_a_neighbour, None, None),
        (grows, asks_the_shared, None, None),
    ],
)
def test_one_after_the_other(update, ask, of_update, of_threshold):
    sketch = model(update, ask, of_update, of_threshold)
    assert in_one(sketch) is None


def test_both_are_given_and_numbered():
    """As what has both has them, too."""
    sketch = model(given)
    update, threshold = sketch.network.steps
    threshold.kernel.given = {"_idx": "int64"}
    assert in_one(sketch).given == {"_idx": "int64"}
    for step in (update, threshold):
        step.kernel.accesses["number"] = replace(step.kernel.accesses["v"], name="number")
        step.kernel.numbered = "number"
    assert in_one(sketch).numbered == "number"
    threshold.kernel.numbered = None
    assert in_one(sketch) is None


@pytest.mark.parametrize("careful", [(False, False), (False, True), (True, False)])
def test_parameters_stay_where_one_needs_it(careful):
    sketch = model()
    for step, one in zip(sketch.network.steps, careful, strict=True):
        step.kernel.careful = one
    assert in_one(sketch).careful is any(careful)


def test_another_kernel_takes_the_updates_place():
    sketch = model()
    update, threshold = sketch.network.steps
    other = model(two_variables).network.steps[0].kernel
    both = in_one_pass(update, threshold, other)
    assert both.stores == other.stores
    assert both.outputs["_cond"].args[0] is other.stores[-1].value


def sums(n):
    """An update of so many nodes, each with a value of its own."""

    def update(code):
        value = code["v"]
        for _ in range(n - 1):
            value = value + 0.1
        code["v"] = value

    return model(update).network.steps[0].kernel


def test_quick():
    assert is_quick(sums(MOST_OPERATIONS))
    assert not is_quick(sums(MOST_OPERATIONS + 1))
    assert not is_quick(model(slow).network.steps[0].kernel)

    def once(code):
        value = call("exp", code.shared("dt"))
        for _ in range(MOST_OPERATIONS):
            value = value + code.shared("dt")
        code["v"] = code["v"] + value

    assert is_quick(model(once).network.steps[0].kernel)
