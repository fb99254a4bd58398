"""Which synapses may lie in another order than Brian's during a run."""

import pytest

from brian2genn.backends.trial.sketch import draw
from brian2genn.model.network import Host, Network, View
from brian2genn.model.user_code import UserCode
from brian2genn.transforms.arrangeable import Arrangement, arrangeable, deliveries
from tests.transforms.blocks import (
    adds_to,
    arrives,
    becomes,
    network,
    push,
    states,
    threshold,
    update,
)

CELLS = (update(becomes("v", "v", "g")), threshold(), push(), push(1))
PRE = arrives(adds_to(("g", "post"), "w"), becomes("w", "x"))
POST = arrives(becomes("w", "w"), adds_to("z"), name="back", queue=1, side="post")
OTHERS = arrives(adds_to("u", ("v", "other")), name="others", queue=2, synapses="others")


OWN = update(becomes("w", "x"), name="decay", size="M", domain="synapses")


def draws(code):
    code["w"] = draw("rand", 0)


def takes_shared(code):
    code["x"] = code.shared("t")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((PRE,), [("synapses", (0,), ("post", "w", "x"))]),
        ((*CELLS, PRE), [("synapses", (0,), ("post", "w", "x"))]),
        # the pathways of the presynaptic side come first
        ((*CELLS, POST, PRE), [("synapses", (0, 1), ("post", "w", "x", "z"))]),
        # each group by itself
        ((*CELLS, PRE, OTHERS),
         [("synapses", (0,), ("post", "w", "x")), ("others", (2,), ("other", "u"))]),
        ((arrives(takes_shared),), [("synapses", (0,), ("x",))]),
        (CELLS, []),
        # others look at the synapses
        ((*CELLS, PRE, update(becomes("w", "w"), name="decay", size="M")), []),
        ((*CELLS, PRE, update(becomes("u", "x"), name="reads", size="M")), []),
        ((*CELLS, PRE, update(becomes("u", ("v", "post")), name="reads", size="M")), []),
        ((*CELLS, PRE, arrives(becomes("w"), name="others", queue=2, synapses="others")), []),
        # but only those
        ((*CELLS, PRE, OTHERS, update(becomes("u", "u"), name="decay", size="M")),
         [("synapses", (0,), ("post", "w", "x"))]),
        # what is done for each synapse by itself
        ((*CELLS, PRE, OWN), [("synapses", (0,), ("post", "w", "x"))]),
        # with all that it touches, and what touches that
        ((PRE, update(becomes("z", "w"), domain="synapses"), OWN),
         [("synapses", (0,), ("post", "w", "x", "z"))]),
        ((PRE, update(becomes("z", "w"), domain="synapses"), update(becomes("z"))), []),
        # others' numbers are their own, too
        ((PRE, update(becomes("w", ("v", "post")), domain="synapses")),
         [("synapses", (0,), ("post", "w", "x"))]),
        ((PRE, update(becomes("w", ("v", "other")), domain="synapses")),
         [("synapses", (0,), ("other", "post", "w", "x"))]),
        # but not what changes neurons, in some order, or depends on which synapse it is
        ((PRE, update(adds_to(("g", "post"), "w"), domain="synapses")), []),
        ((PRE, update(draws, domain="synapses")), []),
        ((PRE, update(becomes("w", ("w", "post")), domain="synapses")), []),
        # recorded synapses are recorded under their numbers
        ((*CELLS, PRE, states("w", domain="synapses")),
         [("synapses", (0,), ("post", "w", "x"), ("recorded",))]),
        ((*CELLS, PRE, states("v", domain="cells")), [("synapses", (0,), ("post", "w", "x"))]),
        ((*CELLS, PRE, states("w")), []),
        # an array that is both a synapse's own and a neuron's
        ((arrives(becomes("w", ("w", "post"))),), []),
        ((arrives(becomes("w")), arrives(adds_to(("w", "post")), name="back", queue=1)), []),
    ],
)  # fmt: skip
def test_whose_order_is_free(steps, expected):
    assert arrangeable(network(*steps)) == [Arrangement(*one) for one in expected]


def test_nobody_else_may_look():
    for change in (
        lambda network: network.user_code.append(UserCode("f", "", "")),
        lambda network: network.views.append(View("v", "pointer")),
        lambda network: network.steps.append(Host("h", "h", "h", 0, 0, "because")),
    ):
        model = network(*CELLS, PRE)
        change(model)
        assert arrangeable(model) == []


def test_pathways_by_their_synapses():
    model = network(*CELLS, PRE, OTHERS, POST)
    found = {label: [step.name for step in steps] for label, steps in deliveries(model).items()}
    assert found == {"synapses": ["arrives", "back"], "others": ["others"]}
    assert deliveries(Network()) == {}
