"""Late steps: a time step that begins with the end of the one before gives the same results."""

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    PopulationRateMonitor,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    defaultclock,
    ms,
    network_operation,
    seed,
    set_device,
)

from brian2genn.model.network import Update
from brian2genn.transforms.rotate import rotate
from brian2genn.transforms.stages import Planner
from tests.semantics.harness import compare, number, observe


@pytest.fixture
def programs(shim, made):
    """The programs that are built."""
    return made


def same_on_both(script, programs, *late: str) -> None:
    """Run on the CPU and on the shim; what is executed late is as said."""
    results = []
    for backend in ("cpu", "cuda"):
        set_device("genn", backend=backend)
        seed(3)
        results.append(script())
    found = sorted({text.partition(" '")[0] for text in programs[-1].source.late_steps})
    assert found == sorted(late)
    compare(*results)


def recurrent(reset: str = "v = 0.1*rand()", delay: bool = False, **kwds):
    group = NeuronGroup(
        20, "dv/dt = (1.2 - v)/(5*ms) + 0.1*xi/ms**0.5 : 1\nn : integer\nlast : second",
        threshold="v > 1", reset=f"{reset}; n += 1; last = t", method="euler", name="cells", **kwds,
    )  # fmt: skip
    group.v = "i/20"
    synapses = Synapses(group, group, on_pre="v_post += 0.05", name="between")
    synapses.connect(condition="i != j")
    if delay:
        synapses.delay = "0.1*ms*((i + j) % 4)"
    return group, synapses


@pytest.mark.parametrize("delay", [False, True])
def test_time_and_random_numbers_are_those_of_the_step_it_was_due_in(programs, delay):
    def script():
        group, synapses = recurrent(delay=delay)
        spikes = SpikeMonitor(group, "v")
        network = Network(group, synapses, spikes)
        for duration in (7, 0.1, 0.3, 5):
            network.run(duration * ms)
        assert group.n[:].min() > 0
        return observe(group=group, spikes=spikes)

    same_on_both(script, programs, "reset")


def test_monitors_see_what_is_there_between_the_steps(programs):
    def script():
        group, synapses = recurrent()
        states = StateMonitor(group, ["v", "n"], record=[7, 3, 3, 12])
        late_states = StateMonitor(group, "v", record=True, when="end", dt=0.3 * ms)
        rates = PopulationRateMonitor(group)
        network = Network(group, synapses, states, late_states, rates)
        network.run(3 * ms)
        network.run(2 * ms)
        return observe(group=group, states=states, late_states=late_states, rates=rates)

    same_on_both(script, programs, "reset", "state monitor")


def test_recorders_of_late_steps_are_emptied_before_they_are_full(programs, monkeypatch):
    monkeypatch.setattr("brian2genn.backends.cuda.memory.recorder._BYTES", 1000)

    def script():
        group, synapses = recurrent()
        states = StateMonitor(group, "v", record=True, when="end")
        spikes = SpikeMonitor(group)
        Network(group, synapses, states, spikes).run(8 * ms)
        return observe(states=states, spikes=spikes)

    same_on_both(script, programs, "reset", "state monitor")


@pytest.mark.parametrize("dt", [0.1, 0.5])
def test_objects_of_the_host_see_a_finished_step(programs, dt):
    def script():
        group, synapses = recurrent()
        seen = []

        @network_operation(dt=dt * ms, when="after_synapses")
        def operation(t):
            seen.append([number(t), *group.v[:], *group.n[:]])
            group.v[3] = 0.5

        @network_operation(dt=dt * ms, when="end")
        def at_the_end(t):
            seen.append([number(t), *group.v[:], *group.n[:]])

        Network(group, synapses, operation, at_the_end).run(4 * ms)
        return observe(group=group, seen=np.array(seen))

    same_on_both(script, programs, "reset")


def test_an_error_of_the_host_in_the_middle_of_a_step(programs):
    def script():
        group, synapses = recurrent()

        @network_operation(dt=0.7 * ms, when="after_thresholds")
        def operation(t):
            if t > 2 * ms:
                raise ValueError("enough")

        network = Network(group, synapses, operation)
        with pytest.raises(ValueError, match="enough"):
            network.run(4 * ms)
        return observe(group=group)

    same_on_both(script, programs, "reset")


def test_an_error_after_a_network_of_the_same_kind_was_run(programs):
    def script():
        group, synapses = recurrent()
        inner = NeuronGroup(
            20, "dv/dt = (1.2 - v)/(5*ms) + 0.1*xi/ms**0.5 : 1\nn : integer\nlast : second",
            threshold="v > 1", reset="v = 0.1*rand(); n += 1; last = t", method="euler",
            name="inner",
        )  # fmt: skip
        links = Synapses(inner, inner, on_pre="v_post += 0.05", name="inner_links")
        links.connect(condition="i != j")
        within = Network(inner, links)

        @network_operation(dt=0.7 * ms, when="after_thresholds")
        def operation(t):
            within.run(0.5 * ms)
            if t > 2 * ms:
                raise ValueError("enough")

        network = Network(group, synapses, operation)
        with pytest.raises(ValueError, match="enough"):
            network.run(4 * ms)
        network.remove(operation)
        network.run(1 * ms)
        return observe(group=group, inner=inner)

    same_on_both(script, programs, "reset")


def test_a_run_that_is_stopped_and_goes_on(programs):
    def script():
        group, synapses = recurrent(delay=True)
        network = Network(group, synapses)

        def report(elapsed, completed, start, duration):
            pass

        @network_operation(dt=1 * ms)
        def stopping(t):
            if t > 2.5 * ms:
                network.stop()

        network.add(stopping)
        network.run(5 * ms)
        network.remove(stopping)
        network.store()
        network.run(2 * ms, report=report)
        first = np.array(group.v)
        network.restore()
        network.run(2 * ms)
        return observe(group=group, first=first)

    same_on_both(script, programs, "reset")


def test_plasticity_sees_the_time_of_its_events(programs):
    def script():
        current = TimedArray(np.linspace(1, 2, 100), dt=0.1 * ms, name="current")
        group, synapses = recurrent("v = 0")
        plastic = Synapses(
            group, group,
            """w : 1
            dpre/dt = -pre/(4*ms) : 1 (event-driven)
            dpost/dt = -post/(3*ms) : 1 (event-driven)""",
            on_pre="pre += current(t); w = clip(w - post, 0, 5)",
            on_post="post += current(t); w = clip(w + pre, 0, 5)",
            name="plastic",
        )  # fmt: skip
        plastic.connect(condition="abs(i - j) < 4")
        plastic.w = 1
        plastic.post.delay = "0.1*ms*(j % 3)"
        network = Network(group, synapses, plastic)
        network.run(6 * ms)
        network.run(3 * ms)
        return observe(group=group, plastic=plastic)

    same_on_both(script, programs, "reset", "synaptic pathway")


def test_several_clocks(programs):
    def script():
        group, synapses = recurrent(dt=0.2 * ms)
        other = NeuronGroup(5, "dx/dt = -x/ms : 1", method="exact", dt=0.3 * ms, name="other")
        other.x = "1 + i"
        onto = Synapses(group, other, on_pre="x_post += 0.1", name="onto")
        onto.connect(p=1)
        states = StateMonitor(other, "x", record=True, dt=0.5 * ms, when="end")
        network = Network(group, synapses, other, onto, states)
        network.run(2.9 * ms)
        network.run(3.1 * ms)
        return observe(group=group, other=other, states=states)

    set_device("genn", backend="cuda")
    results = []
    for backend in ("cpu", "cuda"):
        set_device("genn", backend=backend)
        seed(3)
        results.append(script())
    compare(*results)


def test_a_spike_generator_and_what_its_spikes_do_are_one_block(programs):
    def script():
        n = 200
        rng = np.random.default_rng(4)
        pairs = np.unique(rng.integers([n, 60], size=(500, 2)), axis=0)
        source = SpikeGeneratorGroup(
            n, pairs[:, 0], pairs[:, 1] * defaultclock.dt, period=6.2 * ms, name="source"
        )
        group = NeuronGroup(n, "v : 1", name="group")
        synapses = Synapses(source, group, on_pre="v_post += 1 + i", name="synapses")
        synapses.connect(j="(i + 3) % N_post")
        spikes = SpikeMonitor(source)
        rates = PopulationRateMonitor(source)
        network = Network(source, group, synapses, spikes, rates)
        network.run(8 * ms)
        network.run(5 * ms)
        return observe(group=group, spikes=spikes, rates=rates)

    # the synapses work beside the spikes of the next time step
    same_on_both(script, programs, "synaptic pathway")
    source = programs[-1].source
    assert len(source.loop) == 1
    assert "one" in [task.kind for task in source.tasks]


def test_nothing_is_late_that_others_of_its_step_wait_for():
    """A chain that has to be three stages long remains one, whatever comes first."""
    from brian2genn.model.expr import make
    from brian2genn.model.kernel import Access, Kernel, Store
    from brian2genn.model.network import Network as Model

    def step(name: str, reads: str, writes: str) -> Update:
        kernel = Kernel(f"{name}_kernel", name)
        # of other elements than the thread's own
        kernel.accesses["index"] = Access("index", "index", "int32")
        kernel.accesses["r"] = Access("r", reads, "float64", "index")
        kernel.accesses["w"] = Access("w", writes, "float64")
        kernel.stores = [Store("w", make("load", attr="r"))]
        return Update(name, name, name, 0, kernel=kernel, size="N")

    chain = [step("one", "c", "a"), step("two", "a", "b"), step("three", "b", "c")]
    stages, late = rotate(Planner(Model(steps=list(chain))), chain)
    assert len(stages) == 3
    assert late == []
