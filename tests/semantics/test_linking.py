"""Linked variables, and subgroups as sources, targets and things to record."""

import numpy as np
import pytest
from brian2 import (
    Cylinder,
    Hz,
    Network,
    NeuronGroup,
    PoissonGroup,
    PoissonInput,
    PopulationRateMonitor,
    SpatialNeuron,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    cm,
    linked_var,
    ms,
    mV,
    run,
    uF,
    um,
)

from tests.semantics.harness import Cases, check, observe

cases = Cases()


@cases
def linked_one_to_one():
    """The linked value is live: read in the middle of a step, and by the user."""
    source = NeuronGroup(3, "dx/dt = (1 + i - x)/ms : 1", method="euler", name="source")
    target = NeuronGroup(
        3, "dy/dt = (drive - y)/ms : 1\ndrive : 1 (linked)", method="euler", name="target"
    )
    target.drive = linked_var(source, "x")
    states = StateMonitor(target, ["y", "drive"], record=True)
    run(1 * ms)
    source.x = 7
    run(1 * ms)
    return observe(source=source, target=target, states=states, drive=target.drive[:])


@cases
def linked_by_an_array_of_indices():
    source = NeuronGroup(2, "dx/dt = (1 + i - x)/ms : 1", method="euler")
    target = NeuronGroup(
        5,
        "dy/dt = (drive - y)/ms : 1\ndrive : 1 (linked)",
        threshold="y > 0.4",
        reset="y = drive/10",
        method="euler",
    )
    target.drive = linked_var(source, "x", index=np.array([1, 0, 1, 1, 0]))
    spikes = SpikeMonitor(target, "y")
    states = StateMonitor(target, "drive", record=[0, 1, 4])
    run(2 * ms)
    return observe(source=source, target=target, spikes=spikes, states=states)


@cases
def linked_by_an_index_variable():
    source = NeuronGroup(3, "x : 1")
    source.x = [10, 20, 30]
    target = NeuronGroup(
        4,
        """dy/dt = (drive - y)/ms : 1
           which : integer (constant)
           drive : 1 (linked)""",
        method="euler",
    )
    target.which = [2, 2, 0, 1]
    target.drive = linked_var(source, "x", index="which")
    run(1 * ms)
    return observe(target=target)


@cases
def linked_to_a_shared_variable_and_a_single_neuron():
    source = NeuronGroup(1, "dx/dt = 1/ms : 1\ncommon : 1 (shared)", method="euler")
    source.common = 3
    target = NeuronGroup(
        3,
        "y : 1\nfrom_neuron : 1 (linked)\nfrom_scalar : 1 (linked)",
    )
    target.from_neuron = linked_var(source, "x")
    target.from_scalar = linked_var(source, "common")
    target.run_regularly("y = from_neuron*10 + from_scalar + i")
    source.run_regularly("common += 1")
    run(1 * ms)
    return observe(source=source, target=target)


@cases
def linked_to_a_subexpression():
    source = NeuronGroup(3, "dx/dt = (i - x)/ms : 1\nsquare = x**2 + t/ms : 1", method="euler")
    target = NeuronGroup(3, "dy/dt = s/ms : 1\ns : 1 (linked)", method="euler")
    target.s = linked_var(source, "square")
    states = StateMonitor(target, ["y", "s"], record=True)
    run(1 * ms)
    return observe(target=target, states=states)


@cases
def linked_to_a_subgroup():
    source = NeuronGroup(6, "dx/dt = (i - x)/ms : 1", method="euler")
    part = source[2:5]
    target = NeuronGroup(3, "dy/dt = s/ms : 1\ns : 1 (linked)", method="euler")
    target.s = linked_var(part, "x")
    run(1 * ms)
    return observe(target=target, part=part.x[:])


@cases
def linked_in_a_chain():
    first = NeuronGroup(2, "dx/dt = (1 + i - x)/ms : 1", method="euler", name="a_first")
    middle = NeuronGroup(2, "x : 1 (linked)\ndz/dt = x/ms : 1", method="euler", name="b_middle")
    last = NeuronGroup(2, "x : 1 (linked)\ndz/dt = x/ms : 1", method="euler", name="c_last")
    middle.x = linked_var(first, "x")
    last.x = linked_var(middle, "x")
    run(1 * ms)
    return observe(first=first, middle=middle, last=last)


@cases
def linked_to_other_kinds_of_groups():
    """A neuron that reads a compartment, and one that reads the rates of a Poisson group."""
    cable = SpatialNeuron(
        Cylinder(diameter=1 * um, length=50 * um, n=2),
        "Im = 1e-4*siemens/cm**2*(-70*mV - v) : amp/meter**2",
        Cm=1 * uF / cm**2,
        method="exponential_euler",
    )
    cable.v = [-60, -65] * mV
    reader = NeuronGroup(2, "dy/dt = level/ms : volt\nlevel : volt (linked)", method="euler")
    reader.level = linked_var(cable, "v")
    poisson = PoissonGroup(2, rates=[0, 1e5] * Hz)
    rates = NeuronGroup(2, "y : 1\nr : Hz (linked)")
    rates.r = linked_var(poisson, "rates")
    rates.run_regularly("y += r*dt")
    run(1 * ms)
    return observe(cable=cable, reader=reader, rates=rates)


@cases
def linked_in_a_reset_and_threshold():
    source = NeuronGroup(3, "level : 1")
    source.level = [0.5, 1, 2]
    source.run_regularly("level *= 0.97")
    group = NeuronGroup(
        3,
        "dv/dt = 1.13/ms : 1\nlevel : 1 (linked)",
        threshold="v > level",
        reset="v -= 0.8*level",
        method="euler",
    )
    group.level = linked_var(source, "level")
    spikes = SpikeMonitor(group, ["v", "level"])
    run(3 * ms)
    return observe(group=group, spikes=spikes)


@cases
def subgroups_as_sources_and_targets():
    """The part of a group sends, the part of another receives; offsets on both sides."""
    source = NeuronGroup(
        8, "dv/dt = (0.83 + 0.1*i)/ms : 1", threshold="v > 1", reset="v = 0", method="euler"
    )
    target = NeuronGroup(6, "x : 1\ny : 1")
    synapses = Synapses(source[3:7], target[2:5], "w : 1", on_pre="x_post += w\ny_post += i + 10*j")
    synapses.connect(condition="i != j + 1")
    synapses.w = "1 + i + 0.1*j"
    run(4 * ms)
    return observe(source=source, target=target, synapses=synapses)


@cases
def parts_of_a_group_change_themselves():
    """Long enough to be computed side by side, and shared out; with what they read elsewhere."""
    group = NeuronGroup(400, "v : 1\nw : 1\nn : integer\nfirst : 1 (shared)")
    group.v, group.first = "0.001*i", 0.25
    part, inner, last = group[70:271], group[70:271][30:150], group[399:]
    part.run_regularly("v = 0.5*v + 0.01*i; w += v + first; n += i", dt=0.2 * ms)
    inner.run_regularly("w = 0.9*w + 0.1*v*exp(-v)", when="end")
    last.run_regularly("w = 3 + i + v; n -= 1")
    silent = PoissonInput(inner, "v", 10, 0 * Hz, 1)
    states = StateMonitor(part, ["v", "w"], record=[0, 35, 200])
    run(1 * ms)
    return observe(group=group, states=states)


@cases
def subgroups_of_subgroups():
    source = NeuronGroup(
        12, "dv/dt = (0.83 + 0.1*i)/ms : 1", threshold="v > 1", reset="v = 0", method="euler"
    )
    part = source[2:11][3:8]
    spikes = SpikeMonitor(part)
    rate = PopulationRateMonitor(part)
    states = StateMonitor(part, "v", record=[0, 3])
    back = Synapses(source[8:], part[1:3], on_pre="v += 0.05", on_post="v_pre += 0.01")
    back.connect()
    run(3 * ms)
    return observe(
        source=source, spikes=spikes, rate=rate, states=states, back=back, v=part.v[:], i=part.i[:]
    )


@cases
def subgroups_written_and_run_regularly():
    """Assignments and regular operations touch the part and nothing else."""
    group = NeuronGroup(7, "x : 1\nn : integer")
    low, high = group[:3], group[3:]
    low.x = "i + 1"
    high.x = "10*i"
    high.x["i > 1"] = "x + 0.5"
    low.run_regularly("x += 100 + i")
    high.run_regularly("n += i\nx -= 1", dt=0.2 * ms)
    run(0.5 * ms)
    high.x[1] = -1
    run(0.5 * ms)
    return observe(group=group, low=low.x[:], high=high.x[:])


@cases
def subgroup_by_contiguous_indices():
    group = NeuronGroup(6, "v : 1", threshold="i % 2 == 0")
    part = group[[2, 3, 4]]
    spikes = SpikeMonitor(part)
    run(0.3 * ms)
    return observe(spikes=spikes)


@cases
def many_pathways_between_subgroups():
    """Each pair of parts of one group is connected with its own weight and delay."""
    group = NeuronGroup(
        6, "dv/dt = (0.93 + 0.1*i)/ms : 1", threshold="v > 1", reset="v = 0", method="euler"
    )
    parts = group[:2], group[2:5], group[5:]
    network = Network(group)
    for a, source in enumerate(parts):
        for b, target in enumerate(parts):
            synapses = Synapses(
                source,
                target,
                on_pre=f"v_post += {0.001 * (1 + a + 3 * b)}",
                delay=0.1 * (a + b) * ms,
                name=f"from_{a}_to_{b}",
            )
            synapses.connect()
            network.add(synapses)
    spikes = SpikeMonitor(group)
    network.add(spikes)
    network.run(4 * ms)
    return observe(group=group, spikes=spikes, network=network)


@cases
def timed_array_through_a_link():
    stimulus = TimedArray([1, 3, 2], dt=0.4 * ms)
    source = NeuronGroup(2, "level = stimulus(t)*(i + 1) : 1", namespace={"stimulus": stimulus})
    target = NeuronGroup(2, "dy/dt = level/ms : 1\nlevel : 1 (linked)", method="euler")
    target.level = linked_var(source, "level")
    run(1.5 * ms)
    return observe(target=target)


@cases
def refractory_neurons_that_look_at_each_other():
    """Brian looks at the refractoriness of the neuron that is linked to."""
    group = NeuronGroup(
        5,
        "dv/dt = (nb - v)/(2*ms) : 1 (unless refractory)\nnb : 1 (linked)",
        method="rk2",
        threshold="nb > 1",
        reset="v -= nb",
        refractory=1 * ms,
    )
    group.nb = linked_var(group, "v", index=[4, 4, 1, 2, 3])
    group.v = "i*0.4"
    spikes, states = SpikeMonitor(group), StateMonitor(group, "v", record=True)
    run(3 * ms)
    return observe(group=group, spikes=spikes, states=states)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)
