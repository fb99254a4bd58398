"""Equations of synapses, summed variables, gap junctions and plasticity."""

import numpy as np
import pytest
from brian2 import (
    NeuronGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    ms,
    mV,
    nS,
    run,
)

from tests.semantics.harness import Cases, check, observe

cases = Cases()

INDICES = [0, 1, 0, 1, 1, 0, 0]
TIMES = [0.1, 0.2, 0.4, 0.4, 0.7, 0.9, 2.3] * ms


@cases
def event_driven():
    """The variable is brought up to date when an event comes, and stands still in between."""
    source = SpikeGeneratorGroup(2, INDICES, TIMES)
    target = NeuronGroup(2, "v : 1", threshold="t_in_timesteps % 6 == 3 + i")
    synapses = Synapses(
        source,
        target,
        """dx/dt = -x/(0.7*ms) : 1 (event-driven)
           dy/dt = (level - y)/tau : 1 (event-driven)
           level : 1
           tau : second""",
        on_pre="x += 1\nv_post += x*y",
        on_post="y += 0.5\nx *= 0.9",
    )
    synapses.connect()
    synapses.level = "i - j"
    synapses.tau = "(1 + i + j)*ms"
    states = StateMonitor(synapses, ["x", "y", "lastupdate"], record=True)
    run(1.5 * ms)
    synapses.x[0, 0] = 7
    run(1.5 * ms)
    return observe(target=target, synapses=synapses, states=states)


@cases
def event_driven_with_delays():
    """The time since the last update counts arrivals, not spikes."""
    source = SpikeGeneratorGroup(2, INDICES, TIMES)
    target = NeuronGroup(2, "v : 1")
    synapses = Synapses(
        source, target, "dx/dt = -x/(0.7*ms) : 1 (event-driven)", on_pre="x += 1\nv_post += x"
    )
    synapses.connect()
    synapses.delay = "0.2*ms*(i + 2*j)"
    run(3 * ms)
    return observe(target=target, synapses=synapses)


@cases
def clock_driven():
    """Conductances of synapses that decay in every step."""
    source = SpikeGeneratorGroup(2, INDICES, TIMES)
    target = NeuronGroup(2, "v : 1")
    synapses = Synapses(
        source,
        target,
        """dg/dt = (h - g)/(0.8*ms) : 1 (clock-driven)
           dh/dt = -h/(1.3*ms) : 1 (clock-driven)""",
        on_pre="h += 1",
        method="exact",
    )
    synapses.connect()
    states = StateMonitor(synapses, ["g", "h"], record=True)
    run(2 * ms)
    return observe(synapses=synapses, states=states)


@cases
def clock_and_event_driven():
    """Both kinds in one model, and equations that read both ends."""
    source = NeuronGroup(
        2, "dv/dt = (1.1 + 0.2*i)/ms : 1", threshold="v > 1", reset="v = 0", method="euler"
    )
    target = NeuronGroup(3, "u : 1\ntotal : 1")
    target.u = [1, 2, 3]
    synapses = Synapses(
        source,
        target,
        """dg/dt = (-g + v_pre*u_post)/(2*ms) : 1 (clock-driven)
           dx/dt = -x/(0.7*ms) : 1 (event-driven)
           total_post = g : 1 (summed)""",
        on_pre="x += 1\ng += 0.1*x",
        method="euler",
    )
    synapses.connect(condition="i + j != 2")
    run(3 * ms)
    return observe(source=source, target=target, synapses=synapses)


@cases
def synaptic_subexpressions_and_constant_over_dt():
    source = SpikeGeneratorGroup(2, INDICES, TIMES)
    target = NeuronGroup(2, "u : 1\nv : 1\nx : 1")
    target.u = [0.5, 2]
    synapses = Synapses(
        source,
        target,
        """dg/dt = (rise - g)/(2*ms) : 1 (clock-driven)
           rise = w*(1 + u_post) : 1
           square = g**2 : 1
           frozen = square + t/ms : 1 (constant over dt)
           w : 1""",
        on_pre="v_post += rise\nx_post += frozen\ng += 0.5",
        method="euler",
    )
    synapses.connect()
    synapses.w = "0.1 + 0.2*i + 0.3*j"
    states = StateMonitor(synapses, ["g", "square", "frozen"], record=True)
    run(2 * ms)
    return observe(target=target, synapses=synapses, states=states, rise=synapses.rise[:])


@cases
def several_summed_variables():
    """Two sums onto the target and one onto the source, from two objects."""
    source = NeuronGroup(3, "dv/dt = (i - v)/ms : 1\nback : 1", method="euler")
    target = NeuronGroup(4, "a : 1\nb : 1\nc : 1\ndx/dt = (a + 2*b - c - x)/ms : 1", method="euler")
    first = Synapses(
        source,
        target,
        """w : 1
           a_post = w*v_pre : 1 (summed)
           b_post = w**2 : 1 (summed)
           back_pre = x_post : 1 (summed)""",
    )
    first.connect(condition="i != j and j < 3")
    first.w = "1 + i + 0.5*j"
    second = Synapses(source, target, "c_post = v_pre - v_pre**2 : 1 (summed)")
    second.connect(i=[0, 1, 2], j=[3, 3, 3])
    states = StateMonitor(target, ["a", "b", "c", "x"], record=True)
    run(1 * ms)
    first.w = 2
    run(0.5 * ms)
    return observe(source=source, target=target, first=first, second=second, states=states)


@cases
def summed_variables_onto_parts_of_a_group():
    """Two objects sum into one variable of two parts; the rest keeps its value."""
    source = NeuronGroup(3, "dv/dt = (i - v)/ms : 1", method="euler")
    target = NeuronGroup(8, "total : 1\ndx/dt = total/ms : 1", method="euler")
    target.total = 100
    low = Synapses(source, target[1:4], "total_post = v_pre : 1 (summed)")
    low.connect()
    high = Synapses(source[1:], target[5:7], "total_post = 10*v_pre : 1 (summed)")
    high.connect(condition="i == j")
    run(1 * ms)
    return observe(target=target)


@cases
def summed_variable_without_synapses_onto_some():
    """A target without synapses gets zero, also when it was set by hand."""
    source = NeuronGroup(2, "v : 1")
    source.v = 3
    target = NeuronGroup(3, "total : 1")
    target.total = 7
    synapses = Synapses(source, target, "total_post = v_pre : 1 (summed)")
    synapses.connect(i=[0, 1], j=[1, 1])
    none = NeuronGroup(2, "total : 1")
    none.total = 7
    empty = Synapses(source, none, "total_post = v_pre : 1 (summed)")
    empty.connect(condition="False")
    run(0.2 * ms)
    return observe(target=target, none=none)


@cases
def gap_junctions():
    """All cells are coupled by the difference of their voltages."""
    cells = NeuronGroup(
        4,
        "dv/dt = (v0 - v + coupling)/(3*ms) : 1\ncoupling : 1\nv0 : 1",
        threshold="v > 1",
        reset="v = 0",
        method="euler",
    )
    cells.v0 = [1.2, 0.4, 1.7, 0.9]
    junctions = Synapses(cells, cells, "w : 1\ncoupling_post = w*(v_pre - v_post) : 1 (summed)")
    junctions.connect(condition="i != j")
    junctions.w = 0.15
    spikes = SpikeMonitor(cells)
    states = StateMonitor(cells, ["v", "coupling"], record=True)
    run(8 * ms)
    return observe(cells=cells, spikes=spikes, states=states)


@cases
def summed_variable_of_a_subexpression_with_units():
    """A nonlinear conductance with both voltages in it."""
    source = NeuronGroup(3, "v : volt")
    source.v = [-70, -60, -20] * mV
    target = NeuronGroup(2, "dv/dt = (-50*mV - v)/(5*ms) : volt\ng : siemens", method="euler")
    target.v = [-60, -40] * mV
    synapses = Synapses(
        source,
        target,
        """open = 1/(1 + exp(-(v_pre + 40*mV)/(5*mV))) : 1
           g_post = open*gmax : siemens (summed)
           gmax : siemens""",
    )
    synapses.connect()
    synapses.gmax = "(1 + i)*nS"
    run(1 * ms)
    return observe(target=target, open=synapses.open[:], unit=float(nS))


STDP = """
w : 1
dApre/dt = -Apre/(2*ms) : 1 (event-driven)
dApost/dt = -Apost/(3*ms) : 1 (event-driven)
"""


@cases.over(delay=[0, 0.3, None])
def spike_timing_dependent_plasticity(delay):
    """Song and Abbott's rule, with no, one, and per-synapse delays."""
    source = NeuronGroup(4, "v : 1", threshold="(t_in_timesteps + 3*i) % (7 + i) == 1")
    target = NeuronGroup(
        2, "dv/dt = (0.6 + 0.1*i - 0.3*v)/ms : 1", threshold="v > 1", reset="v = 0", method="euler"
    )
    synapses = Synapses(
        source,
        target,
        STDP,
        on_pre="v_post += w\nApre += 0.02\nw = clip(w + Apost, 0, 0.3)",
        on_post="Apost -= 0.025\nw = clip(w + Apre, 0, 0.3)",
    )
    synapses.connect()
    synapses.w = "0.05 + 0.02*i + 0.01*j"
    synapses.pre.delay = "0.1*ms*(i + j)" if delay is None else delay * ms
    spikes = SpikeMonitor(target)
    states = StateMonitor(synapses, ["w", "Apre", "Apost"], record=[0, 3, 7])
    run(10 * ms)
    return observe(target=target, synapses=synapses, spikes=spikes, states=states)


@cases
def short_term_plasticity():
    """Tsodyks and Markram's synapse: use and recovery, event-driven, order of statements."""
    source = SpikeGeneratorGroup(2, [0, 1] * 10, np.repeat(np.arange(10) * 0.7, 2) * ms)
    target = NeuronGroup(2, "dv/dt = -v/(2*ms) : 1", method="exact")
    synapses = Synapses(
        source,
        target,
        """dx/dt = (1 - x)/(5*ms) : 1 (event-driven)
           du/dt = (0.2 - u)/(3*ms) : 1 (event-driven)
           w : 1""",
        on_pre="""u += 0.2*(1 - u)
                  release = u*x
                  x -= release
                  v_post += w*release""",
    )
    synapses.connect()
    synapses.x = 1
    synapses.u = 0.2
    synapses.w = "1 + i + j"
    states = StateMonitor(target, "v", record=True)
    run(8 * ms)
    return observe(target=target, synapses=synapses, states=states)


@cases
def homeostasis_by_run_regularly():
    """Regular operations on synapses, which read both ends."""
    source = SpikeGeneratorGroup(2, INDICES, TIMES)
    target = NeuronGroup(3, "v : 1\ngoal : 1")
    target.goal = [1, 2, 3]
    synapses = Synapses(source, target, "w : 1", on_pre="v_post += w")
    synapses.connect()
    synapses.w = 1
    synapses.run_regularly("w += 0.1*(goal_post - v_post)*(i + 1)", dt=0.5 * ms)
    run(3 * ms)
    return observe(target=target, synapses=synapses)


@cases
def three_factor_rule():
    """A third group modulates eligibility through a shared value and a linked one."""
    source = SpikeGeneratorGroup(2, INDICES, TIMES)
    target = NeuronGroup(2, "v : 1\nreward : 1", threshold="t_in_timesteps % 6 == 3 + i")
    dopamine = SpikeGeneratorGroup(1, [0, 0], [0.8, 2] * ms)
    synapses = Synapses(
        source,
        target,
        """delig/dt = -elig/(2*ms) : 1 (clock-driven)
           w : 1""",
        on_pre={"pre": "elig += 1\nv_post += w"},
        on_post={"post": "elig -= 0.4"},
        method="exact",
    )
    synapses.connect()
    signal = Synapses(dopamine, synapses, on_pre="w_post += 0.5*elig_post")
    signal.connect()
    run(3 * ms)
    return observe(target=target, synapses=synapses)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)
