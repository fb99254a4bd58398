"""Which additions can be put aside, so that a time step is one stage."""

import pytest

from brian2genn.model import expr as ex
from brian2genn.model.kernel import Access, Store, UserFunction
from brian2genn.transforms.aside import put_aside
from brian2genn.transforms.stages import OfGroup, Planner, Stage, Task
from tests.transforms.blocks import (
    adds_to,
    arrives,
    becomes,
    named,
    network,
    on_events,
    push,
    rates,
    shares,
    staged,
    states,
    threshold,
    update,
)

UPDATE, ABOVE, PUSH = update(becomes("v", "v", "g")), threshold(), push()
CELLS = UPDATE, ABOVE, PUSH
EXCITES = arrives(adds_to(("g", "post"), "w"))


def found(*steps, late=(), **options):
    """By the names of arrays: the number of the task; "wait" if blocks have to."""
    result = put_aside(*staged(network(*steps), late, **options))
    return "wait" if result is None else {name: task.number for name, task in result.items()}


def looks(code):
    function = UserFunction("f", "f", "float64", stateless=True, vectorised=False, looks=True)
    code["u"] = 1.0
    code.kernel.stores = [Store("u", ex.make("user", (code["u"].node,), function))]


def beyond(code):
    code["u"] = code["g", "other"]


def takes_and_looks(code):
    code["v"] = code["g"] + code["g", "other"]


def scans(code):
    code["g"] = code["g", "other"]


OTHER = update(becomes("u", "u"), size="M", name="second")
MIDDLE = update(becomes("u", ("v", "other")), name="middle", size="M")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((*CELLS, EXCITES), {"g": 0}),
        # by whichever numbers
        ((*CELLS, push(1), EXCITES, arrives(adds_to(("g", "other")), name="more", queue=1)),
         {"g": 0}),
        ((*CELLS, OTHER, arrives(adds_to(("g", "post")), adds_to(("u", "other")))),
         {"g": 0, "u": 1}),
        # own variables, and what nobody works on
        ((*CELLS, arrives(adds_to(("g", "post")), becomes("w", "w"), adds_to(("z", "post")))),
         {"g": 0}),
        # a state update of synapses that adds to neurons
        ((*CELLS, update(adds_to(("g", "post")), size="M", name="adding")), {"g": 0}),
        ((update(becomes("v", "g")), update(adds_to(("g", "other")), size="M", name="adding"),
          EXCITES), {"g": 0}),
        # what both only read, or only add to
        ((*CELLS[:2], update(becomes("x", "z"), name="reads"), PUSH,
          arrives(adds_to(("g", "post"), ("z", "pre")))), {"g": 0}),
        ((*CELLS, update(adds_to(("z", "other")), size="M", name="adding"),
          arrives(adds_to(("g", "post")), adds_to(("z", "pre")))), {"g": 0}),
        # stages: one, or three
        ((EXCITES,), "wait"),
        ((*CELLS, MIDDLE, arrives(adds_to(("z", "post"), ("u", "post")))), "wait"),
        # what a user's function does is not known
        ((update(looks, name="user"), *CELLS, EXCITES), "wait"),
        ((*CELLS, arrives(adds_to(("g", "post")), looks)), "wait"),
        # rows
        ((*CELLS, states("x"), EXCITES), "wait"),
        ((*CELLS, rates(), EXCITES), "wait"),
        ((*CELLS, EXCITES, states("v")), "wait"),
        # not side by side
        ((*CELLS, arrives(adds_to(("g", "post")), becomes(("z", "post")))), "wait"),
        ((*CELLS, update(adds_to(("g", "post")), shares("shared"), size="M", name="adding")),
         "wait"),
        ((*CELLS, update(adds_to(("g", "post")), becomes(("z", "post")), size="M", name="order")),
         "wait"),
        ((*CELLS, EXCITES, on_events(adds_to(("g", "other")))), "wait"),
        ((*CELLS, EXCITES, on_events(adds_to(("g", "other")), events="others")), "wait"),
        # neurons are read, or written
        ((*CELLS, arrives(adds_to(("g", "post"), ("v", "pre")))), "wait"),
        ((*CELLS, arrives(adds_to(("z", "post"), ("v", "post")))), "wait"),
        ((update(becomes("w", "w")), arrives(becomes("w"))), "wait"),
        # two tasks take it
        ((*CELLS, update(becomes("z", "g"), size="M", name="second"), EXCITES), "wait"),
        # others see these elements, in this task or elsewhere
        ((update(beyond), EXCITES), "wait"),
        ((update(takes_and_looks), EXCITES), "wait"),
        # no loop over elements takes them
        ((on_events(becomes("v", "g")), EXCITES), "wait"),
        ((update(scans), EXCITES), "wait"),
        ((update(becomes("v", "g"), shares("shared")), EXCITES), "wait"),
    ],
)  # fmt: skip
def test_what_is_put_aside(steps, expected):
    assert found(*steps) == expected


def test_stages_of_the_model():
    _, stages, _ = staged(network(*CELLS, EXCITES))
    assert named(stages) == [[["update", "above", "push0"]], [["arrives"]]]


def test_late_steps():
    assert found(*CELLS, EXCITES, late=("update", "above")) == {"g": 0}
    assert found(*CELLS, EXCITES, late=("push0",)) == "wait"
    assert found(*CELLS, EXCITES, late=("arrives",)) == "wait"


def test_sums_in_order_are_not_put_aside():
    assert found(*CELLS, EXCITES, deterministic=True) == "wait"
    adding = update(adds_to(("g", "post")), size="M", name="adding")
    assert found(*CELLS, adding, deterministic=True) == "wait"


def test_what_comes_before_synapses_is_waited_for():
    model = network(*CELLS, EXCITES)
    planner, stages, late = staged(model)
    model.steps[-1].before = model.steps[0].kernel
    assert put_aside(planner, stages, late) is None


def test_one_task_has_what_is_added():
    """Another one that adds to it would lose what it adds."""
    model = network(*CELLS, OTHER, EXCITES)
    *cells, other, last = model.steps
    stages = [
        Stage([Task(0, OfGroup("N"), cells), Task(1, OfGroup("M"), [other])]),
        Stage([Task(2, None, [last])]),
    ]
    assert put_aside(Planner(model), stages, ()) == {"g": stages[0].tasks[0]}
    other.kernel.accesses["g"] = Access("g", "g", "float64")
    other.kernel.stores = [Store("g", ex.const(0.5), add=True)]
    assert put_aside(Planner(model), stages, ()) is None
