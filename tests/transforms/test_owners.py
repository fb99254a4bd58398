"""Which synapses the blocks of a GPU can execute for the elements that they own."""

import pytest

from brian2genn.model import expr as ex
from brian2genn.model.footprint import How, Kind, Memory, Touch, Where
from brian2genn.model.kernel import Store, UserFunction
from brian2genn.transforms.owners import Owners, is_side_by_side, order_matters, owners
from tests.transforms.blocks import (
    adds_to,
    arrives,
    becomes,
    emits,
    monitor,
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

CELLS = (update(becomes("v", "v", "g")), threshold(), push())
EXCITES = arrives(adds_to(("g", "post"), "w"))


def found(*steps, late=(), **options):
    """By the names of pathways: by which array, and the number of the task; "wait" if blocks do."""
    planner, stages, identities = staged(network(*steps), late, **options)
    result = owners(planner, stages, identities)
    return {step.name: one and (one.index, one.task.number) for step, one in result} or "wait"


def test_stages_of_the_model():
    _, stages, _ = staged(network(*CELLS, EXCITES))
    assert named(stages) == [[["update", "above", "push0"]], [["arrives"]]]


def looks(code):
    function = UserFunction("f", "f", "float64", stateless=True, vectorised=False, looks=True)
    code["u"] = 1.0
    code.kernel.stores = [Store("u", ex.make("user", (code["u"].node,), function))]


def to_a_given_place(code):
    target = code["x", "place"]
    code["x", "place"] = target + code["g", "post"]


def takes(variable):
    def body(code):
        code["x"] = code.shared(variable)

    return body


def scans(code):
    """Elements that have to be executed in order."""
    code["g"] = code["g"] + code["v", "other"]
    code["v"] = code["g"]


def beyond(code):
    """It looks at other elements of what synapses add to."""
    code["u"] = code["g", "other"]


MIDDLE = update(becomes("u", ("v", "other")), name="middle", size="M")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((*CELLS, EXCITES), {"arrives": ("post", 0)}),
        # own variables of synapses are nobody else's
        ((*CELLS, arrives(adds_to(("g", "post"), "w"), adds_to("w"))), {"arrives": ("post", 0)}),
        # several things at the same elements
        ((*CELLS, arrives(adds_to(("g", "post")), adds_to("x", ("v", "post")))),
         {"arrives": ("post", 0)}),
        # two pathways, each by its own
        ((*CELLS, push(1), EXCITES, arrives(adds_to(("g", "other")), name="more", queue=1)),
         {"arrives": ("post", 0), "more": ("other", 0)}),
        # the task is the second one
        ((update(becomes("u"), size="M", name="first"), *CELLS, EXCITES), {"arrives": ("post", 1)}),
        # they meet in a stage before: any block may
        ((*CELLS, MIDDLE, arrives(adds_to(("z", "post"), ("u", "post")))), {"arrives": None}),
        # what they touch only together with others that read or add, too
        ((update(becomes("v", "v", "x", "g")), threshold(), push(),
          arrives(adds_to(("g", "post"), ("x", "pre")))), {"arrives": ("post", 0)}),
        ((*CELLS, update(adds_to(("z", "other")), name="adding"),
          arrives(adds_to(("g", "post")), adds_to(("z", "pre")))), {"arrives": ("post", 0)}),
        # what is shared may be read
        ((*CELLS, arrives(adds_to(("g", "post")), takes("shared"))), {"arrives": ("post", 0)}),
        # one stage
        ((EXCITES,), "wait"),
        # what a user's function does is not known
        ((update(looks, name="user"), *CELLS, EXCITES), "wait"),
        ((*CELLS, arrives(adds_to(("g", "post")), looks)), "wait"),
        # rows are added when all is done
        ((*CELLS, states(), EXCITES), "wait"),
        ((*CELLS, rates(), EXCITES), "wait"),
        ((*CELLS, monitor("v"), EXCITES), {"arrives": ("post", 0)}),
        # no pathway
        ((*CELLS, update(adds_to(("g", "post"), "w"), name="adding")), "wait"),
        ((*CELLS, EXCITES, update(adds_to(("g", "other")), name="adding")), "wait"),
        # by two numbers
        ((*CELLS, arrives(adds_to(("g", "post"), ("v", "pre")))), "wait"),
        # elements of two tasks
        ((*CELLS, update(becomes("u", "u"), size="M", name="second"),
          arrives(adds_to(("g", "post")), adds_to(("u", "post")))), "wait"),
        # of a task that is no loop over elements
        ((on_events(becomes("g")), arrives(adds_to(("g", "post")))), "wait"),
        ((update(scans, name="scan"), arrives(adds_to("x", ("v", "post")))), "wait"),
        ((update(becomes("g"), shares("shared")), arrives(adds_to(("g", "post")))), "wait"),
        # others see these elements
        ((update(beyond), arrives(adds_to(("g", "post")))), "wait"),
        # the last one to write remains: one synapse after the other
        ((*CELLS, arrives(becomes(("g", "post"), "w"))), "wait"),
        # synapses' own variables, in every time step
        ((update(becomes("w", "w")), arrives(adds_to("w"))), "wait"),
        ((*CELLS, update(becomes("w", "w"), size="M", name="decay"), EXCITES), "wait"),
        # what is shared, and what is anywhere
        ((*CELLS, arrives(adds_to(("g", "post")), shares("shared"))), "wait"),
        ((*CELLS, arrives(to_a_given_place, given={"place": "int64"})), "wait"),
        ((*CELLS, MIDDLE, arrives(adds_to(("z", "post"), ("u", "post")), shares("shared"))),
         "wait"),
    ],
)  # fmt: skip
def test_who_executes_synapses(steps, expected):
    assert found(*steps) == expected


def test_late_steps_have_to_wait():
    assert found(*CELLS, EXCITES, late=("push0",)) == {"arrives": ("post", 0)}
    assert found(*CELLS, EXCITES, late=("arrives",)) == "wait"


def test_what_is_made_of_a_generator():
    """Its spikes are read from queues only: a pathway does not wait for it."""
    assert found(emits("others"), push(0, "others"), *CELLS[:2], EXCITES) == {
        "arrives": ("post", 1)
    }


@pytest.mark.parametrize(
    ("body", "options", "what", "expected"),
    [
        (adds_to(("g", "post")), {}, {}, True),
        (adds_to("w"), {}, {}, True),
        (becomes(("g", "post")), {}, {}, False),
        (adds_to(("g", "post")), {"deterministic": True}, {}, False),
        (adds_to("w"), {"deterministic": True}, {}, True),
    ],
)
def test_side_by_side(body, options, what, expected):
    model = network(arrives(body, **what))
    planner, _, _ = staged(model, **options)
    (step,) = model.steps
    assert is_side_by_side(planner, step) is expected
    step.before = step.kernel
    assert not is_side_by_side(planner, step)


def test_order_of_two_touches():
    g, v = Memory(Kind.ARRAY, "g"), Memory(Kind.ARRAY, "v")
    for one in How:
        for other in How:
            matters = one is How.WRITE or one is not other
            touches = (Touch(g, one, Where.OWN), Touch(g, other, Where.THROUGH, "post"))
            assert order_matters(*touches) is matters
            assert not order_matters(touches[0], Touch(v, other, Where.OWN))


def test_owners_are_values():
    _, stages, _ = staged(network(*CELLS, EXCITES))
    (task,) = stages[0].tasks
    assert Owners("post", task) == Owners("post", task) != Owners("other", task)
