"""What happens to pre, post and synaptic variables when an event arrives."""

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
    run,
)

from tests.semantics.harness import Cases, check, observe

cases = Cases()

#: Two sources that fire alone and together.
INDICES = [0, 1, 0, 1, 1, 0]
TIMES = [0.1, 0.2, 0.4, 0.4, 0.7, 0.9] * ms


#: A variable of each kind, and a value that is the same for all synapses that write to it.
PLACES = {
    "post": "x_post {} 1.5 + 0.25*j",
    "pre": "x_pre {} 1.5 + 0.25*i",
    "synapse": "w {} 1.5 + i",
}


@cases.over(operator=["=", "+=", "-=", "*=", "/="], where=list(PLACES))
def effects(operator, where):
    """Every operator on every kind of variable."""
    source = NeuronGroup(2, "x : 1", threshold="t_in_timesteps % (3 + i) == 1")
    target = NeuronGroup(3, "x : 1")
    synapses = Synapses(source, target, "w : 1", on_pre=PLACES[where].format(operator))
    synapses.connect()
    source.x, target.x = [3, 5], [7, 11, 13]
    synapses.w = "1 + i + j"
    run(1 * ms)
    return observe(source=source, target=target, synapses=synapses)


@cases
def several_statements():
    """Statements in order, through a temporary, with the values of both ends."""
    source = NeuronGroup(2, "x : 1", threshold="t_in_timesteps % (3 + i) == 1")
    target = NeuronGroup(3, "y : 1\nz : 1")
    synapses = Synapses(
        source,
        target,
        "w : 1\nu : 1\nn : integer",
        on_pre="""u = 0.9*u + w
                  change = u*(1 + x_pre)
                  y_post += change
                  n += 1
                  w = clip(w - 0.01*change + 0.001*n, 0, 2)
                  z_post -= w""",
    )
    synapses.connect()
    source.x = [1, 2]
    synapses.w = "0.5 + 0.1*i + 0.2*j"
    run(2 * ms)
    return observe(source=source, target=target, synapses=synapses)


@cases
def variable_read_and_written_in_one_pathway():
    """The target's variable is added to and used by the same effect; one synapse a target."""
    source = SpikeGeneratorGroup(3, [0, 1, 2, 1], [0.1, 0.1, 0.3, 0.5] * ms)
    target = NeuronGroup(3, "y : 1")
    synapses = Synapses(source, target, "w : 1", on_pre="w += y_post\ny_post += 1 + y_post*0.5")
    synapses.connect(j="i")
    target.y = [1, 2, 3]
    run(1 * ms)
    return observe(target=target, synapses=synapses)


@cases
def effect_that_depends_on_the_order_of_synapses():
    """Synapses onto one target act one after the other, each on what the one before has left."""
    source = SpikeGeneratorGroup(3, [0, 1, 2, 0, 2], [0.1, 0.1, 0.1, 0.3, 0.3] * ms)
    target = NeuronGroup(2, "y : 1")
    synapses = Synapses(source, target, "w : 1", on_pre="y_post += w*(2 - y_post)")
    synapses.connect()
    synapses.w = "0.1*(1 + i + 2*j)"
    run(1 * ms)
    return observe(target=target, synapses=synapses)


@cases
def pre_and_post_pathways():
    """Events from both sides in one step: those of the source first."""
    source = SpikeGeneratorGroup(2, INDICES, TIMES)
    target = NeuronGroup(
        2,
        "dv/dt = 1.13/ms : 1\nx : 1",
        threshold="v > 0.35 + 0.1*i",
        reset="v = 0",
        method="euler",
    )
    synapses = Synapses(
        source,
        target,
        "w : 1\ncount : integer",
        on_pre="v_post += 0.05\nw = 2*w + 1\ncount += 1",
        on_post="w = 3*w + 2\nx_post += w\ncount += 100",
    )
    synapses.connect()
    spikes = SpikeMonitor(target)
    states = StateMonitor(synapses, ["w", "count"], record=True)
    run(2 * ms)
    return observe(target=target, synapses=synapses, spikes=spikes, states=states)


@cases
def named_pathways_with_an_order():
    """Several pathways on each side, ordered by `order`, that do not commute."""
    source = SpikeGeneratorGroup(1, [0, 0, 0], [0.1, 0.2, 0.5] * ms)
    target = NeuronGroup(1, "v : 1", threshold="t_in_timesteps % 2 == 1")
    synapses = Synapses(
        source,
        target,
        "w : 1",
        on_pre={"second": "w = 2*w + 1", "first": "w = w - 3", "third": "w *= 1.5"},
        on_post={"later": "w = w*0.5", "earlier": "w += 7"},
    )
    synapses.connect()
    synapses.w = 1
    synapses.first.order = -3
    synapses.second.order = -2
    synapses.third.order = 5
    synapses.earlier.order = 2
    synapses.later.order = 4
    states = StateMonitor(synapses, "w", record=True, when="end")
    run(1 * ms)
    return observe(synapses=synapses, states=states)


@cases
def order_of_synapses_objects():
    """Two objects act on one variable in a set order, against their names' order."""
    source = SpikeGeneratorGroup(1, [0, 0], [0.1, 0.3] * ms)
    target = NeuronGroup(2, "v : 1")
    doubling = Synapses(source, target, on_pre="v_post *= 2", name="a_doubling")
    adding = Synapses(source, target, on_pre="v_post += 1", name="b_adding")
    doubling.connect()
    adding.connect()
    doubling.pre.order = 1
    adding.pre.order = 0
    run(1 * ms)
    return observe(target=target)


@cases
def pathway_in_another_slot():
    """An effect in another slot than `synapses`, after the reset."""
    group = NeuronGroup(
        2, "dv/dt = 1.13/ms : 1", threshold="v > 0.5 + 0.2*i", reset="v = 0", method="euler"
    )
    synapses = Synapses(group, group, on_pre="v_post = v_post*0.5 + 0.1")
    synapses.connect(condition="i != j")
    synapses.pre.when = "after_resets"
    states = StateMonitor(group, "v", record=True)
    run(2 * ms)
    return observe(group=group, states=states)


@cases
def self_connections_that_write_to_both_ends():
    """One group is source and target: pre and post variables are the same array."""
    group = NeuronGroup(
        4,
        "dv/dt = (0.93 + 0.11*i)/ms : 1\nsent : 1\ngot : 1",
        threshold="v > 1",
        reset="v = 0",
        method="euler",
    )
    synapses = Synapses(
        group, group, "w : 1", on_pre="sent_pre += 1\ngot_post += w\nv_post += w/50"
    )
    synapses.connect()
    synapses.w = "0.5 + 0.1*i"
    spikes = SpikeMonitor(group)
    run(4 * ms)
    return observe(group=group, synapses=synapses, spikes=spikes)


@cases
def custom_events():
    """Pathways that react to events other than spikes, each to its own."""
    source = NeuronGroup(
        3,
        "dv/dt = (0.93 + 0.21*i)/ms : 1",
        threshold="v > 1",
        reset="v = 0",
        events={"middle": "v > 0.5 and v < 0.7"},
        method="euler",
    )
    target = NeuronGroup(
        2,
        "x : 1\ny : 1\nz : 1",
        threshold="False",
        events={"full": "x > 4"},
    )
    target.run_on_event("full", "x = 0")
    synapses = Synapses(
        source,
        target,
        on_pre={"pre": "y_post += 1", "sub": "x_post += 1"},
        on_post="z_post += 1",
        on_event={"pre": "spike", "sub": "middle", "post": "full"},
    )
    synapses.connect()
    run(4 * ms)
    return observe(source=source, target=target, synapses=synapses)


@cases
def one_event_for_all_pathways():
    source = NeuronGroup(2, "v : 1", events={"tick": "t_in_timesteps % (2 + i) == 0"})
    target = NeuronGroup(2, "x : 1", events={"tick": "t_in_timesteps % 3 == 0"})
    synapses = Synapses(
        source, target, "w : 1", on_pre="x_post += 1", on_post="w += 1", on_event="tick"
    )
    synapses.connect()
    run(1 * ms)
    return observe(target=target, synapses=synapses)


@cases
def only_post_pathway():
    source = NeuronGroup(3, "x : 1")
    target = NeuronGroup(2, "v : 1", threshold="t_in_timesteps % (2 + i) == 0")
    synapses = Synapses(source, target, "w : 1", on_post="x_pre += w\nw += 0.5")
    synapses.connect(condition="i != j")
    synapses.w = "i + 10*j"
    run(1 * ms)
    return observe(source=source, synapses=synapses)


@cases
def boolean_and_integer_variables_of_synapses():
    source = SpikeGeneratorGroup(2, INDICES, TIMES)
    target = NeuronGroup(3, "n : integer\nx : 1\nflag : boolean")
    synapses = Synapses(
        source,
        target,
        "on : boolean\nuses : integer\nlimit : integer (constant)",
        on_pre="""uses += 1
                  on = uses <= limit
                  n_post += int(on)*(i + 1)
                  x_post += uses/limit
                  flag_post = True""",
    )
    synapses.connect(condition="j < 2")
    synapses.limit = "1 + i + j"
    run(1 * ms)
    return observe(target=target, synapses=synapses)


@cases
def units_and_shared_variables():
    source = SpikeGeneratorGroup(2, INDICES, TIMES)
    target = NeuronGroup(3, "dv/dt = -v/(3*ms) : volt", method="exact")
    synapses = Synapses(
        source,
        target,
        """w : volt (constant)
           gain : 1 (shared)
           effect = gain*w*(1 + t/ms) : volt""",
        on_pre="v_post += effect",
    )
    synapses.connect()
    synapses.w = "(1 + i + j)*mV"
    synapses.gain = 2
    states = StateMonitor(target, "v", record=True)
    run(0.5 * ms)
    synapses.gain = -1
    run(0.5 * ms)
    return observe(target=target, states=states, unit=float(mV))


@cases
def synapses_without_effect():
    """Nothing on an event, and a group that is neither source nor target."""
    source = SpikeGeneratorGroup(2, INDICES, TIMES)
    target = NeuronGroup(3, "v : 1")
    synapses = Synapses(source, target, "w : 1")
    synapses.connect()
    synapses.w = np.arange(6)
    run(1 * ms)
    return observe(target=target, synapses=synapses)


@cases
def no_synapses_at_all():
    """A condition that is never true, with both pathways, a delay and a monitor."""
    source = SpikeGeneratorGroup(2, INDICES, TIMES)
    target = NeuronGroup(3, "v : 1", threshold="v > 10")
    synapses = Synapses(
        source, target, "w : 1", on_pre="v_post += w", on_post="w += 1", delay=0.2 * ms
    )
    synapses.connect(condition="False")
    varying = Synapses(source, target, "w : 1", on_pre="v_post += w")
    varying.connect(condition="i > 5")
    varying.delay = "0.1*ms*i"
    run(1 * ms)
    return observe(target=target, synapses=synapses, varying=varying)


@cases
def neurons_without_synapses():
    """Some of the sources and targets have none."""
    source = NeuronGroup(6, "v : 1", threshold="True")
    target = NeuronGroup(6, "x : 1")
    synapses = Synapses(source, target, on_pre="x_post += 1 + i")
    synapses.connect(i=[1, 1, 4], j=[5, 0, 5])
    run(0.2 * ms)
    return observe(target=target, synapses=synapses)


@cases.over(delay=[0, 0.3])
def pathways_of_many_subgroups(delay):
    """Spikes of one list go into the queues of subgroups: overlapping, of one neuron, of all."""
    group = NeuronGroup(70, "x : 1\ny : 1", threshold="(t_in_timesteps + 7*i) % 11 < 1")
    slices = [(0, 20), (0, 20), (10, 40), (20, 70), (69, 70), (0, 70), (33, 34), (20, 70)]
    pathways = []
    for number, (start, stop) in enumerate(slices):
        source = group[start:stop]
        pathway = Synapses(source, group[5:60], "w : 1", on_pre="x_post += w; w += y_pre")
        pathway.connect(condition=f"(i + {number}*j) % 3 == 0")
        pathway.w = "0.5 + i + 0.25*j"
        pathway.delay = delay * ms if number % 2 else f"{delay}*ms + (i % 3)*0.1*ms"
        pathways.append(pathway)
    # comes between others by its name, and changes what they use
    group.run_regularly("y = x + 1", when="synapses", name="synapses_2_regularly")
    spikes = [SpikeMonitor(group[start:stop]) for start, stop in slices]
    run(1.5 * ms)
    names = {f"pathway_{k}": one for k, one in enumerate(pathways)}
    names |= {f"spikes_{k}": one for k, one in enumerate(spikes)}
    return observe(group=group, **names)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)
