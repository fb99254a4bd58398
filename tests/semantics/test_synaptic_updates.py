"""State updates of synapses that read what neurons have: gathered, from tables, and in rows."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, ms, run

from brian2genn.backends.cpu.options import Costs
from tests import devices
from tests.semantics.harness import Cases, check, check_any_threads, observe

cases = Cases()


def neurons(n, name="group"):
    group = NeuronGroup(
        n,
        """dv/dt = (cos(i/7.0) - v)/(3*ms) : 1
           du/dt = (v - u)/(5*ms) : 1
           k : integer""",
        method="euler",
        name=name,
    )
    group.v, group.u, group.k = "0.1 + sin(i)", "1.0/(1 + i)", "i % 5"
    return group


def pairs(n, degrees):
    """Synapses from all to all, to neighbours, in the order of chance, ..."""
    random = np.random.default_rng(5)
    if degrees == "all":
        return {"condition": "True"}
    if degrees == "others":
        return {"condition": "i != j"}
    if degrees == "own":
        return {"j": "i"}
    if degrees == "blocks":
        return {"j": "k for k in range(i % 3, N_post - i % 7)", "skip_if_invalid": True}
    if degrees == "none":
        return {"condition": "i > N_pre"}
    return {"i": random.integers(n, size=9 * n), "j": random.integers(n, size=9 * n)}


@cases.over(
    n=[1, 9, 70],
    degrees=["all", "others", "own", "blocks", "none", "chance"],
    change=[
        "v_pre*clip(u_post - 0.2, 0, 1)*clip(v_post, 0, 0.5)*int(w < 0.8)",
        "(v_pre - v_post)*w - exp(-v_pre**2)",
    ],
)
def of_all_shapes(n, degrees, change):
    group = neurons(n)
    synapses = Synapses(
        group, group, f"dw/dt = ({change})/(2*ms) : 1 (clock-driven)",
        method="euler", name="synapses",
    )  # fmt: skip
    synapses.connect(**pairs(n, degrees))
    synapses.w = "0.1 + 0.01*i - 0.003*j"
    run(0.7 * ms)
    return observe(group=group, synapses=synapses)


@cases.over(
    change=[
        "v_pre*u_pre*v_post*u_post*w",
        "sqrt(abs(v_pre*u_pre)) - w*abs(v_post)",
        "exp(v_pre - v_post + w)",
        "tanh(v_pre)*sin(u_post) + k_pre*w - k_post",
        "int(v_pre > 0.2)*w + int(u_post < v_post)",
        "clip(w, v_pre*u_pre, 1 + v_post**2)",
        "gain*(v_pre + u_pre) - own*v_post**3",
    ],
    where=["whole", "parts"],
)
def of_all_sorts(change, where):
    group = neurons(80)
    source, target = (group, group) if where == "whole" else (group[20:60], group[11:49])
    synapses = Synapses(
        source,
        target,
        f"""dw/dt = ({change})/(20*ms) : 1 (clock-driven)
            own : 1 (constant)
            gain : 1 (shared)""",
        method="euler",
        name="synapses",
    )
    synapses.connect()
    synapses.w, synapses.own, synapses.gain = "0.01*i - 0.003*j", "0.1*i", 0.3
    run(0.7 * ms)
    return observe(group=group, synapses=synapses)


@cases
def elements_that_read_each_other():
    """A sum goes to the neurons, and the weights follow it."""
    group = NeuronGroup(40, "v : 1\ntotal : 1", name="group")
    group.v = "0.1*i"
    synapses = Synapses(
        group,
        group,
        """dw/dt = (total_post*v_pre - w)/(2*ms) : 1 (clock-driven)
           total_post = 0.01*w*v_pre : 1 (summed)""",
        method="euler",
        name="synapses",
    )
    synapses.connect()
    synapses.w = 0.1
    run(0.7 * ms)
    return observe(group=group, synapses=synapses)


@cases.over(more=["same", "others"])
def connected_between_runs(more):
    group = neurons(50)
    synapses = Synapses(
        group, group, "dw/dt = (v_pre*u_pre - w*v_post*u_post)/(2*ms) : 1 (clock-driven)",
        method="euler", name="synapses",
    )  # fmt: skip
    synapses.connect(condition="i < 20")
    synapses.w = "0.01*i"
    network = Network(group, synapses)
    network.run(0.3 * ms)
    if more == "same":
        synapses.connect(condition="i >= 20")
    else:
        synapses.connect(i=[3, 49, 49, 1], j=[4, 2, 2, 49])
    network.run(0.3 * ms)
    return observe(group=group, synapses=synapses)


@cases.single
def in_single_precision():
    return of_all_shapes(70, "all", "(v_pre - v_post)*w - exp(-v_pre**2)")


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)


@pytest.mark.skipif(devices.BACKEND != "cpu", reason="about the processor")
@pytest.mark.parametrize("case", cases, ids=str)
@pytest.mark.parametrize("costs", [{"row": -9e9}, {"gathered": -99.0}], ids=["rows", "gathered"])
def test_in_rows_or_not(case, costs, monkeypatch):
    """Whatever it takes; with several threads the same, bit by bit."""
    check_any_threads(case, case.run("runtime"), monkeypatch, costs=Costs(**costs))
