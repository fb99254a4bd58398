"""Spikes whose synapses have neighbours for targets: nothing is looked up for each synapse."""

import numpy as np
import pytest
from brian2 import NeuronGroup, SpikeGeneratorGroup, Synapses, ms, run

from tests import devices
from tests.semantics.harness import Cases, check, check_any_threads, observe

cases = Cases()

#: From their names to arguments of ``connect``, and whether targets follow one another.
PATTERNS = {
    "all": {},
    "all_but_itself": {"condition": "i != j"},
    "a_band": {"condition": "abs(i - j) < 20"},
    "two_of_three": {"condition": "(i + j) % 3 != 0"},
    "first_half_then_the_other": {"condition": "(j < 60) == (i < 2)"},
    "none_of_some": {"condition": "i % 2 == 0"},
}


def source(n: int = 6) -> SpikeGeneratorGroup:
    random = np.random.default_rng(3)
    who, when = random.integers(0, n, 80), random.integers(0, 60, 80)
    once = np.unique(np.stack((who, when)), axis=1)
    return SpikeGeneratorGroup(n, once[0], once[1] * 0.1 * ms, name="source")


@cases.over(pattern=sorted(PATTERNS), n=[9, 133])
def weights(pattern, n):
    pre = source()
    target = NeuronGroup(n, "v : 1", name="target")
    synapses = Synapses(pre, target, "w : 1", on_pre="v_post += w", name="synapses")
    synapses.connect(**PATTERNS[pattern])
    synapses.w = "sin(1 + i + 0.7*j)"
    run(7 * ms)
    return observe(target=target)


@cases.over(pattern=["all", "all_but_itself"])
def not_while_refractory(pattern):
    """What is written under a condition stays as it is otherwise."""
    pre = source()
    target = NeuronGroup(
        133, "dv/dt = -v/(5*ms) : 1 (unless refractory)\nx : 1", threshold="v > 0.9", reset="v = 0",
        refractory=1 * ms, method="exact", name="target",
    )  # fmt: skip
    synapses = Synapses(
        pre, target, "w : 1", on_pre="v_post += w; x_post = x_post*0.9 + w", delay=0.3 * ms,
        name="synapses",
    )  # fmt: skip
    synapses.connect(**PATTERNS[pattern])
    synapses.w = "0.3 + 0.2*sin(1 + i + 0.7*j)"
    run(9 * ms)
    return observe(target=target)


@cases
def a_state_of_its_own():
    """Synapses change, too, by what the neurons on both sides have."""
    pre = source()
    target = NeuronGroup(90, "g : 1\nscale : 1", name="target")
    target.scale = "1 + 0.01*i"
    synapses = Synapses(
        pre, target, "w : 1\nn : 1", on_pre="g_post += w*scale_post; w *= 0.95; n += 1 + i",
        name="synapses",
    )  # fmt: skip
    synapses.connect()
    synapses.w = "cos(i*j)"
    run(7 * ms)
    return observe(target=target, synapses=synapses)


@cases
def within_one_group():
    """Sources and targets are parts of one group; one part is not at its beginning."""
    group = NeuronGroup(
        150, "dv/dt = (drive - v)/(3*ms) : 1\ndrive : 1", threshold="v > 1", reset="v = 0",
        method="exact", name="group",
    )  # fmt: skip
    group.drive = "1.1 + 0.003*i"
    synapses = Synapses(group[10:40], group[25:], "w : 1", on_pre="v_post += w", name="synapses")
    synapses.connect(condition="i != j")
    synapses.w = "0.001*(i + 1)"
    run(12 * ms)
    return observe(group=group)


@cases.over(pattern=["all", "all_but_itself"])
def exponentials(pattern):
    """What takes long is computed first, then added."""
    pre = source()
    target = NeuronGroup(133, "g : 1", name="target")
    synapses = Synapses(
        pre, target, "w : 1\nda/dt = -a/(4*ms) : 1 (event-driven)\nu : 1 (constant)",
        on_pre="a += u; g_post += w*a", name="synapses",
    )  # fmt: skip
    synapses.connect(**PATTERNS[pattern])
    synapses.w, synapses.u = "0.1 + 0.01*i", "0.2 + 0.003*j"
    run(7 * ms)
    return observe(target=target, synapses=synapses)


@cases
def connected_between_runs():
    """First each to all, then two synapses of the same neurons, then again one for each."""
    pre = source()
    target = NeuronGroup(40, "v : 1", name="target")
    synapses = Synapses(pre, target, "w : 1", on_pre="v_post += w", name="synapses")
    synapses.connect()
    synapses.w = "1 + 0.1*j"
    run(2 * ms)
    synapses.connect(i=[1, 1, 2], j=[3, 3, 5])
    synapses.w["i == 1"] = 0.3
    run(2 * ms)
    synapses.delay = "0.1*ms*(j % 3)"
    run(3 * ms)
    return observe(target=target)


@pytest.mark.parametrize("case", cases, ids=str)
def test_neighbours(case, monkeypatch):
    if devices.BACKEND == "cpu" and devices.DEVICE == "genn":
        check_any_threads(case, case.run("runtime"), monkeypatch)
    else:
        check(case)
