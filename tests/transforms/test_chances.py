"""Random numbers that are only compared: the outcome is drawn."""

import numpy as np
import pytest

from brian2genn.backends.trial.sketch import Sketch, Term, draw
from brian2genn.model import expr as ex
from brian2genn.model.expr import show
from brian2genn.model.kernel import RandomSite
from brian2genn.model.network import OnEvents, Threshold, Update
from brian2genn.transforms.chances import chances
from tests.transforms.running import run

N = 4000


def model(*conditions, step="update"):
    """Elements that note which of these hold."""
    sketch = Sketch()
    sketch.param("N", N)
    sketch.array("p", np.full(N, 0.3))
    sketch.zeros("events", N + 1, "int32")
    for number in range(len(conditions)):
        sketch.zeros(f"held{number}", N, "bool")
    code = sketch.code(step)
    for number, condition in enumerate(conditions):
        code[f"held{number}"] = condition(code)
    if step == "update":
        sketch.step(Update, step, code, size="N")
    elif step == "above":
        code.output("_cond", code["held0"])
        sketch.step(Threshold, step, code, size="N", events="events")
    else:
        sketch.step(OnEvents, step, code, events="events")
    return sketch


def compared(op, left, right):
    return Term(ex.compare(op, left.node, right.node))


def rand(number=0, **what):
    return Term(ex.make("random", attr=RandomSite("rand", number, **what)))


def texts(sketch):
    return [show(store.value) for store in sketch.network.steps[0].kernel.stores]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (lambda code: compared("lt", rand(3), code["p"]), "below#3(p)"),
        (lambda code: compared("le", rand(), code["p"]), "below#0(p)"),
        (lambda code: compared("gt", code["p"], rand()), "below#0(p)"),
        (lambda code: compared("ge", code["p"], rand()), "below#0(p)"),
        (lambda code: compared("lt", rand(), code["p"] * 0.5), "below#0((p * 0.5))"),
        (lambda code: compared("lt", rand(), rand(1)), "below#0(rand#1())"),
        (
            lambda code: compared("lt", rand(), code["p"]) & (code["p"] > 0.1),
            "(below#0(p) and (p > 0.1))",
        ),
        # the number is the larger one
        (lambda code: compared("gt", rand(), code["p"]), None),
        (lambda code: compared("ge", rand(), code["p"]), None),
        (lambda code: compared("lt", code["p"], rand()), None),
        (lambda code: compared("le", code["p"], rand()), None),
        # other questions, other numbers
        (lambda code: compared("eq", rand(), code["p"]), None),
        (lambda code: compared("lt", draw("randn", 0), code["p"]), None),
        (lambda code: compared("lt", rand() * 0.5, code["p"]), None),
        (lambda code: compared("lt", rand(shared=True), code["p"]), None),
        (lambda code: compared("lt", code["p"], Term(ex.const(0.5))), None),
    ],
)
def test_what_is_a_chance(condition, expected):
    sketch = model(condition)
    (before,) = texts(sketch)
    chances(sketch.network)
    assert texts(sketch) == [before if expected is None else expected]


def test_numbers_with_other_uses_stay():
    def more(code):
        return compared("lt", rand() * code["p"], Term(ex.const(0.1)))

    sketch = model(lambda code: compared("lt", rand(), code["p"]), more)
    before = texts(sketch)
    chances(sketch.network)
    assert texts(sketch) == before


def test_each_number_by_itself():
    sketch = model(
        lambda code: compared("lt", rand(0), code["p"]),
        lambda code: compared("lt", rand(1), code["p"]),
    )
    chances(sketch.network)
    assert texts(sketch) == ["below#0(p)", "below#1(p)"]


@pytest.mark.parametrize(("step", "is_changed"), [("update", 1), ("above", 1), ("events", 0)])
def test_whole_groups_only(step, is_changed):
    sketch = model(lambda code: compared("lt", rand(), code["p"]), step=step)
    before = texts(sketch)
    chances(sketch.network)
    assert (texts(sketch) != before) == is_changed


@pytest.mark.parametrize("op", ["lt", "gt"])
def test_chances_are_as_good(op):
    """Other numbers of the same distribution."""

    def condition(code):
        numbers = rand(), code["p"]
        return compared(op, *numbers if op == "lt" else numbers[::-1])

    sketch = model(condition)
    changed = sketch.network.copied()
    chances(changed)
    for network in (sketch.network, changed):
        held = run(sketch, network, steps=1)["held0"]
        assert abs(held.mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / N)
