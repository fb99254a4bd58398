"""Threads of one kernel for many steps take several elements where there are more than threads."""

import pytest
from brian2 import (
    Hz,
    NeuronGroup,
    PoissonInput,
    ms,
)

from brian2genn.backends.cuda.device.driver import Meeting
from brian2genn.backends.cuda.run.autotuning import LaunchPlan
from tests.backends.cuda.comparing import compare_with_processor
from tests.backends.cuda.run.test_owners import (
    NETWORKS,
    cells,
    connected,
    plastic,
    recorded,
)

PLAN = LaunchPlan(Meeting.MEMORY, threads=64, each=1)
ASIDE = LaunchPlan(Meeting.MEMORY, threads=64, each=1, aside=True)


def with_inputs():
    """Populations with inputs of their own, beside synapses: tasks that have blocks by need."""
    group = cells(700)
    inputs = [
        PoissonInput(group[first:stop], "g", n, 300 * Hz, 0.01)
        for first, stop, n in ((0, 450, 20), (450, 500, 5), (500, 700, 40))
    ]
    synapses = connected(
        group, group, "g", "(i + 3*j) % 11 == 0", "0.1*ms*(1 + (i*j) % 40)", name="links",
        model="w : 1 (constant)", on_pre="g_post += w",
    )  # fmt: skip
    synapses.w = "0.001*(1 + (i + j) % 7)"
    return group, synapses, *inputs


def waiting_reset():
    """Synapses change what the reset does: it is executed late, after what was put aside."""
    group = NeuronGroup(
        300, "dv/dt = (1.3 - v)/(5*ms) : 1", threshold="v > 1", reset="v = 0.2*rand()",
        method="exact", name="cells",
    )  # fmt: skip
    group.v = "rand()"
    return group, connected(group, group, "v", "(i + 3*j) % 29 == 0", 0.3 * ms, name="into")


OTHERS = {
    "a reset that waits, delay": waiting_reset,
    "populations with inputs": with_inputs,
    "a postsynaptic pathway": plastic,
    "recorded in every step": recorded,
}


#: Those whose synapses only add, some time steps after the spikes.
PUT_ASIDE = [
    "two pathways, delay",
    "a reset that waits, delay",
    "two clocks",
    "populations with inputs",
]


@pytest.mark.parametrize(
    ("name", "plan"),
    [
        *((name, PLAN) for name in [*NETWORKS, *OTHERS]),
        *((name, ASIDE) for name in PUT_ASIDE),
        ("populations with inputs", LaunchPlan(Meeting.MEMORY, aside=True)),
    ],
)
def test_results_are_those_of_the_processor(driver, only, made, name, plan):
    only(plan)
    compare_with_processor(driver, (NETWORKS | OTHERS)[name])
    assert made[-1]._stepper.plan == plan
    if plan.aside:
        assert made[-1]._stepper._can_put_aside()
