"""Values of synapses in the order of delivery, beside those in Brian's."""

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    Synapses,
    ms,
    network_operation,
    seed,
    set_device,
)

from brian2genn.backends.cuda.memory import arranged
from tests import devices
from tests.semantics.harness import compare, observe

N = 40


def network(on_pre: str = "x_post += w"):
    """Many delays, and connections that are in no order; sums of weights are exact."""
    random = np.random.default_rng(2)
    source = SpikeGeneratorGroup(N, np.arange(N).repeat(4), np.arange(4 * N) % 31 * 0.1 * ms)
    target = NeuronGroup(N, "x : 1\ny : 1")
    synapses = Synapses(source, target, "w : 1\nk : integer", on_pre=on_pre)
    synapses.connect(i=random.integers(0, N, 300), j=random.integers(0, N, 300))
    synapses.delay = "0.1*ms*((i*j) % 43)"
    synapses.w = random.integers(1, 64, 300) / 64
    synapses.k = random.integers(1, 9, 300)
    return Network(source, target, synapses), target, synapses


def on_both(script):
    """What a script sees on the processor and on the device."""
    found = []
    for backend in ("cpu", "cuda"):
        set_device("genn", backend=backend)
        seed(5)
        found.append(script())
    return found


def copies(program) -> list[int]:
    """The addresses of the copies that a program works with."""
    return [
        program.deployment._own[name]
        for names in program.source.arranged.values() for name in names
    ]  # fmt: skip


@pytest.mark.parametrize("part", [0.0, 1.0])
def test_what_synapses_have_is_read_in_the_order_of_delivery(shim, made, monkeypatch, part):
    """Also where there is no memory for it, and then it is read where it is."""
    monkeypatch.setattr(arranged, "_PART", part)

    def script():
        net, target, synapses = network("x_post += w; y_post += k*w")
        for duration in (1, 0.3, 6):
            net.run(duration * ms)
        for program in made:
            found = copies(program)
            assert len(found) == 3  # w, k, and the target
            assert all(found) == bool(part)
        return observe(target=target, synapses=synapses)

    first, second = on_both(script)
    assert made
    assert first["target.x"].min() > 0
    compare(first, second)


def test_copies_follow_what_the_script_changes(shim, monkeypatch):
    """Between runs: on the processor, by code that the device executes, and new synapses."""
    devices.set_defaults(monkeypatch, setup_from=0)

    def script():
        net, target, synapses = network()
        seen = []
        net.run(1 * ms)
        synapses.w[::2] = 2
        net.run(1 * ms)
        seen.append(np.array(target.x))
        synapses.w = "(i % 8)/8.0"
        net.run(1 * ms)
        seen.append(np.array(target.x))
        synapses.connect(i=[3, 30, 4], j=[4, 4, 4])
        synapses.w = "(j % 4 + 1)/4.0"
        net.run(5 * ms)
        return observe(target=target, synapses=synapses) | {"seen": np.array(seen)}

    compare(*on_both(script))


def test_copies_follow_what_brian_changes_within_a_run(shim):
    def script():
        net, target, synapses = network()

        @network_operation(dt=0.5 * ms)
        def grow():
            synapses.w = synapses.w[:] + 1

        net.add(grow)
        net.run(4 * ms)
        return observe(target=target, synapses=synapses)

    compare(*on_both(script))


def test_another_program_changes_what_this_one_reads(shim, made):
    def script():
        net, target, synapses = network()
        grow = synapses.run_regularly("w += 1", dt=0.5 * ms)
        net.add(grow)
        grown = []
        for active in (False, True, False):
            grow.active = active
            net.run(1.2 * ms)
            grown.append([len(copies(program)) for program in made])
        # w is written by the second one
        assert grown in ([[]] * 3, [[2], [2, 1], [2, 1]])
        return observe(target=target, synapses=synapses)

    compare(*on_both(script))


def test_only_what_no_step_changes_is_copied(shim, made):
    def script():
        net, target, synapses = network("x_post += k; w += 1")
        net.run(4 * ms)
        names = [{a.split("_")[-1] for a in p.source.arranged[0].values()} for p in made]
        assert names in ([], [{"k", "post"}])
        return observe(target=target, synapses=synapses)

    compare(*on_both(script))


def test_random_numbers_are_those_of_the_synapse(shim):
    def script():
        net, target, synapses = network("x_post += w*int(16*rand())")
        net.run(5 * ms)
        return observe(target=target, synapses=synapses)

    compare(*on_both(script))


def test_another_order_takes_no_more_memory(shim):
    set_device("genn", backend="cuda")
    net, _, synapses = network()
    net.run(1 * ms)
    with_one_order = shim.memory()[0]
    synapses.delay = "0.1*ms*((i + j) % 43)"
    net.run(1 * ms)
    assert abs(shim.memory()[0] - with_one_order) < 2000
