"""With ``deterministic=True`` sums are the same, bit by bit, in whatever order threads run."""

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    PoissonGroup,
    SpikeGeneratorGroup,
    Synapses,
    TimedArray,
    linked_var,
    ms,
    seed,
    set_device,
)

import brian2genn
from tests import devices
from tests.cuda_shim.driver import ShimDriver
from tests.semantics.harness import compare, observe


@pytest.fixture
def results(shim):
    """Of a script: on the processor, then on devices whose threads run in different orders."""

    def run(script):
        set_device("genn", backend="cpu")
        seed(3)
        found = [script()]
        for order in (1, 2, 3):
            devices.use(ShimDriver(seed=order))
            set_device("genn", backend="cuda", deterministic=True)
            seed(3)
            found.append(script())
        return found

    return run


def same(found) -> None:
    """The devices' results are the same bit by bit, and the processor's but for rounding."""
    processor, first, *others = found
    compare(processor, first)
    for other in others:
        assert all(np.array_equal(values, other[name]) for name, values in first.items())


def noisy(n: int = 90):
    group = NeuronGroup(
        n, "dv/dt = (1.2 - v)/(5*ms) : 1\nx : 1\ny : 1\ncount : integer",
        threshold="v > 1", reset="v = 0.3*rand()", method="exact", name="cells",
    )  # fmt: skip
    group.v = "rand()"
    return group


def run_in_pieces(network: Network) -> None:
    for duration in (3, 0.1, 0.4, 4):
        network.run(duration * ms)


@pytest.mark.parametrize("delay", ["", "0.1*ms*(1 + (i + j) % 5)", "0.1*ms*((i*j) % 50)"])
def test_weights_that_are_added(results, delay):
    def script():
        group = noisy()
        synapses = Synapses(group, group, "w : 1", on_pre="x_post += w; count_post += 1")
        synapses.connect(p=0.4)
        synapses.w = "randn()/3"
        if delay:
            synapses.delay = delay
        run_in_pieces(Network(group, synapses))
        assert group.count[:].min() > 0
        return observe(group=group)

    same(results(script))


def test_plasticity_and_random_numbers(results):
    def script():
        inputs, group = PoissonGroup(70, 900 * 1000 / ms / 1e6), noisy()
        synapses = Synapses(
            inputs, group,
            """w : 1
            dz/dt = -z/(7*ms) : 1 (event-driven)""",
            on_pre="v_post += 0.01*w; z += rand()*0.1; w = clip(w - 0.01*z, 0, 1)",
            on_post="w = clip(w + 0.1*z, 0, 1)",
        )  # fmt: skip
        synapses.connect(p=0.5)
        synapses.w = "rand()"
        synapses.pre.delay = "0.1*ms*(i % 3)"
        run_in_pieces(Network(inputs, group, synapses))
        return observe(group=group, synapses=synapses)

    same(results(script))


@pytest.mark.parametrize("delay", ["2*ms", "0.1*ms*((i*j) % 50)"])
def test_runs_in_parts_are_the_run(shim, delay):
    """Also while spikes of the run before arrive, sums are made in the same order."""
    found = []
    for durations in ([8], [3, 0.1, 0.4, 4.5]):
        set_device("genn", backend="cuda", deterministic=True)
        seed(3)
        group = noisy()
        synapses = Synapses(group, group, "w : 1", on_pre="x_post += w", method="exact")
        synapses.connect(p=0.4)
        synapses.w = "randn()/3"
        synapses.delay = delay
        network = Network(group, synapses)
        for duration in durations:
            network.run(duration * ms)
        found.append(np.array(group.x))
    assert np.array_equal(*found)


def test_subgroups_several_synapses_for_a_pair_and_a_spike_generator(results):
    def script():
        group = noisy(60)
        inputs = SpikeGeneratorGroup(9, np.arange(9).repeat(7), np.arange(63) % 31 * 0.2 * ms)
        one = Synapses(inputs, group[11:47], "w : 1", on_pre="x_post += w")
        one.connect(p=0.7, n=3)
        one.w = "0.1*rand()"
        other = Synapses(group[20:], group[:30], on_pre="x_post += 0.1*v_pre; y_post -= 0.3")
        other.connect(condition="(i + j) % 3 == 0")
        run_in_pieces(Network(inputs, group, one, other))
        assert abs(group.x[:]).max() > 0
        return observe(group=group)

    same(results(script))


def test_sums_do_not_depend_on_how_brian_has_counted(shim):
    """It executes synapses by name, as text, and may use a name again whose object is gone."""
    found = []
    for counts in (("", "_1"), ("_1", "_2"), ("_9", "_10"), ("_4", "_1")):
        set_device("genn", backend="cuda", deterministic=True)
        seed(3)
        group = noisy(60)
        pathways = [
            Synapses(group, group, "w : 1", on_pre=code, name=f"synapses{count}")
            for code, count in zip(("x_post += w", "x_post -= 0.3*w"), counts, strict=True)
        ]
        for synapses in pathways:
            synapses.connect(p=0.5)
            synapses.w = "rand()"
        run_in_pieces(Network(group, pathways))
        found.append(np.array(group.x))
    for sums in found[1:]:
        assert np.array_equal(sums, found[0])


def test_sums_for_two_kinds_of_targets_are_made_one_by_one(results):
    def script():
        group = noisy(30)
        synapses = Synapses(group, group, "w : 1", on_pre="x_post += w; y_pre += 0.1*w")
        synapses.connect(p=0.5)
        synapses.w = "rand()"
        run_in_pieces(Network(group, synapses))
        return observe(group=group)

    same(results(script))
    assert "its sums are to be the same in every run" in str(brian2genn.explain())


def test_sums_of_a_reset(results):
    def script():
        group = NeuronGroup(
            40, "dv/dt = (1.2 + 0.01*i - v)/(5*ms) : 1\ntotal : 1 (linked)",
            threshold="v > 1", reset="v = 0; total += 0.1*(i + 1)", method="exact", name="cells",
        )  # fmt: skip
        group.v = "rand()"
        totals = NeuronGroup(3, "x : 1", name="totals")
        group.total = linked_var(totals, "x", index=np.arange(40) % 3)
        run_in_pieces(Network(group, totals))
        assert totals.x[:].min() > 0
        return observe(group=group, totals=totals)

    same(results(script))
    assert "its sums are to be the same in every run" in str(brian2genn.explain())


def test_whole_numbers_need_no_care(results):
    """They are added as without ``deterministic``: sums are exact."""

    def script():
        group = noisy(40)
        synapses = Synapses(group, group, on_pre="count_post += 1")
        synapses.connect()
        run_in_pieces(Network(group, synapses))
        assert group.count[:].min() > 0
        return observe(group=group)

    same(results(script))
    assert "by one thread" not in str(brian2genn.explain())


def test_an_effect_that_depends_on_time_and_conditions(results):
    def script():
        gain = TimedArray([0.1, 0.7, 0.2], dt=1 * ms, name="gain")
        group = noisy()
        synapses = Synapses(
            group, group, on_pre="x_post += gain(t)*int(v_post < 0.5)", namespace={"gain": gain}
        )
        synapses.connect(p=0.3)
        synapses.delay = "0.1*ms*(j % 4)"
        run_in_pieces(Network(group, synapses))
        return observe(group=group)

    same(results(script))
