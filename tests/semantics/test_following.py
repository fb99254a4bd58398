"""Synapses that read of neurons which follow one another: nothing is looked up."""

import numpy as np
import pytest
from brian2 import NeuronGroup, SpikeGeneratorGroup, Synapses, ms, run

from brian2genn.codegen.c import steps
from brian2genn.codegen.c.following import print_following
from tests import devices
from tests.semantics.harness import Cases, check, check_any_threads, observe

cases = Cases()

N_SOURCES, N_TARGETS = 40, 133


def pairs(pattern: str) -> tuple[np.ndarray, np.ndarray]:
    """The synapses' neurons on both sides."""
    i, j = np.indices((N_SOURCES, N_TARGETS)).reshape(2, -1)
    if pattern == "all_but_one":
        some = (i + j) % 90 != 0
        return i[some], j[some]
    if pattern == "ends_fit":
        # the last target is where it would be if none were left out, and none there twice
        j = np.where(j == 50, 51, j)
    elif pattern == "others_between":
        some = (i % 3 != 1) & (j > 3)
        return i[some], j[some]
    elif pattern == "backwards":
        j = j[::-1]
    return i, j


def source(seed: int = 7) -> SpikeGeneratorGroup:
    random = np.random.default_rng(seed)
    who, when = random.integers(0, N_SOURCES, 500), random.integers(0, 1000, 500)
    once = np.unique(np.stack((who, when)), axis=1)
    return SpikeGeneratorGroup(N_SOURCES, once[0], once[1] * 0.1 * ms, name="source")


def target() -> NeuronGroup:
    group = NeuronGroup(
        N_TARGETS + 5,
        """dv/dt = (drive - v)/(9*ms) : 1 (unless refractory)
           drive : 1
           scale : 1""",
        threshold="v > 1", reset="v = 0", refractory=2 * ms, method="exact", name="target",
    )  # fmt: skip
    group.drive, group.scale = "0.6 + 0.005*i", "1 + 0.01*sin(i)"
    return group


PLASTIC = """w : 1
             da/dt = -a/(5*ms) : 1 (event-driven)
             db/dt = -b/(8*ms) : 1 (event-driven)"""

PATTERNS = ["all", "all_but_one", "ends_fit", "others_between", "backwards"]


@cases.over(pattern=PATTERNS, delay=["none", "one", "each"])
def kept_by_neurons(pattern, delay):
    """Long enough for neurons to keep what their synapses have in common, on both sides."""
    pre, post = source(), target()
    synapses = Synapses(
        pre, post[5:], PLASTIC,
        on_pre="v_post += 0.01*w*scale_post; a += 0.1; w = clip(w - 0.1*b, 0, 1)",
        on_post="b += 0.1; w = clip(w + a, 0, 1)", name="synapses",
    )  # fmt: skip
    i, j = pairs(pattern)
    synapses.connect(i=i, j=j)
    synapses.w = "0.5 + 0.4*sin(i + 0.3*j)"
    if delay == "one":
        synapses.delay = 0.7 * ms
    elif delay == "each":
        synapses.delay = "0.1*ms*(j % 2)"
    run(101 * ms)
    return observe(synapses=synapses)


@cases.over(pattern=PATTERNS)
def of_each_synapse(pattern):
    """In a short run each synapse has its own variables; neurons are looked up all the same."""
    pre, post = source(), target()
    synapses = Synapses(
        pre, post, PLASTIC, on_pre="a += 0.1*exp(-scale_post*b); v_post += 0.02*a*exp(-scale_post)",
        on_post="b += exp(-drive_post*a)", name="synapses",
    )  # fmt: skip
    i, j = pairs(pattern)
    synapses.connect(i=i, j=j)
    synapses.w = 1
    run(30 * ms)
    return observe(target=post, synapses=synapses)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case, monkeypatch):
    if devices.BACKEND == "cpu" and devices.DEVICE == "genn":
        check_any_threads(case, case.run("runtime"), monkeypatch)
    else:
        check(case)


@pytest.mark.skipif(
    devices.BACKEND != "cpu" or devices.DEVICE != "genn", reason="it is of the processor's programs"
)
@pytest.mark.parametrize("pattern", ["all", "others_between"])
def test_is_the_same_bit_by_bit(pattern, monkeypatch):
    (case,) = (
        one
        for one in cases
        if one.function.__name__ == "kept_by_neurons"
        and one.arguments == {"pattern": pattern, "delay": "none"}
    )
    printed = []

    def counted(*arguments):
        printed.append(print_following(*arguments))
        return printed[-1]

    monkeypatch.setattr(steps, "print_following", counted)
    following = case.run("genn")
    assert any(one is not None and not one.by_number for one in printed)
    monkeypatch.setattr(steps, "print_following", lambda *_: None)
    looked_up = case.run("genn")
    for name, values in looked_up.items():
        np.testing.assert_array_equal(following[name], values, err_msg=name)
