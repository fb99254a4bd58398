"""Variables set by strings, in every form. The values are Brian's."""

import brian2
import numpy as np
import pytest
from brian2 import (
    Cylinder,
    NeuronGroup,
    Soma,
    SpatialNeuron,
    Synapses,
    TimedArray,
    check_units,
    implementation,
    linked_var,
    ms,
    mV,
    run,
    second,
    siemens,
    um,
)

from tests.semantics.harness import Cases, check, observe

cases = Cases()

EQUATIONS = """
v : volt
x : 1
y = 2*x + 1 : 1
whole : integer
flag : boolean
total : 1 (shared)
number : integer (shared)
"""


def cells(n=8):
    group = NeuronGroup(n, EQUATIONS, threshold="x > 100")
    group.x = np.linspace(-2, 3, n)
    return group


#: What is set, where (nothing: everywhere), and to what.
ASSIGNMENTS = {
    "a_formula": ("x", None, "i**2 - 3*x + 0.5"),
    "with_units": ("v", None, "(i - 3)*10*mV + v"),
    "integers": ("whole", None, "i // 3 + 2*(i % 3)"),
    "integers_from_floats": ("whole", None, "2.7*x"),
    "booleans": ("flag", None, "x > 0 and not (i == 5)"),
    "booleans_from_numbers": ("flag", None, "i % 2"),
    "floats_from_booleans": ("x", None, "1.5*int(x > 0)"),
    "powers": ("x", None, "x**2 + x**3 + (x*x)**0.5 + 2**i + i**2 + abs(x)**1.3"),
    "negative_divisors": ("x", None, "i // (-3) + i % (-3) + x // 0.7 + x % 0.7"),
    "functions": ("x", None, "exp(-x**2)*sin(x) + clip(x, -1, 1) + sign(x)*sqrt(abs(x)) + tanh(x)"),
    "a_subexpression": ("x", None, "y*0.25"),
    "a_constant": ("x", None, "7"),
    "pi_and_e": ("x", None, "pi*i + e"),
    "infinity": ("x", None, "inf*(i - 3)"),
    "time": ("v", None, "t/second*volt + dt/second*volt"),
    "the_size": ("x", None, "1.0*i/N"),
    "a_slice": ("x", slice(2, 6), "i + 100"),
    "a_slice_with_a_step": ("x", slice(None, None, 3), "x*2"),
    "backwards": ("x", slice(6, 1, -2), "x + i"),
    "one_element": ("x", 3, "x + 1"),
    "the_last_element": ("x", -1, "x + 1"),
    "a_list": ("x", [5, 1, 6], "i*x"),
    "an_index_repeatedly": ("x", [1, 1, 4, 1], "x + 1"),
    "an_array_from_the_end": ("x", np.array([-2, 0, -8]), "x + 1"),
    "a_mask": ("x", np.arange(8) > 5, "10*i"),
    "nothing": ("x", np.array([], dtype=int), "10*i"),
    "a_condition": ("x", "i > 2 and x < 2", "-i"),
    "a_condition_on_what_is_set": ("x", "x > 0", "-x"),
    "a_condition_on_a_subexpression": ("x", "y > 0", "-x"),
    "a_condition_that_never_holds": ("x", "i > 100", "1"),
    "a_condition_that_holds": ("x", "True", "i"),
    "a_condition_and_a_number": ("x", "i >= 4", 2.5),
    "a_condition_and_a_quantity": ("v", "i >= 4", 3 * mV),
    "a_flag": ("flag", "x > 0", "True"),
    "a_shared_variable": ("total", None, "2.5*N"),
    "a_shared_integer": ("number", None, "N // 3"),
}


@cases.over(name=list(ASSIGNMENTS))
def assignment(name):
    variable, where, value = ASSIGNMENTS[name]
    group = cells()
    if where is None:
        setattr(group, variable, value)
    else:
        getattr(group, variable)[where] = value
    return observe(group=group)


@cases.single
def in_single_precision():
    group = cells()
    group.x = "0.1*i + sqrt(i)"
    group.v["x > 1.05"] = "exp(-x)*mV"
    group.whole = "10*x"
    synapses = Synapses(group, group, "w : 1", on_pre="x_post += w")
    synapses.connect(condition="abs(x_pre - x_post) < 1.01")
    synapses.w = "x_pre*0.3 + j"
    synapses.delay = "0.15137*ms*(i + j)"  # computed in double precision, then rounded
    return observe(group=group, synapses=synapses)


@cases
def names_from_around():
    scale, offset, many = 3 * mV, 2, 10**6
    group = cells()
    group.v = "scale*(i + offset)"
    group.x["i > offset"] = "many*i"
    group.set_states({"whole": np.arange(8)})
    return observe(group=group)


@cases
def names_given():
    group = NeuronGroup(4, "x : 1", namespace={"a": 2.5})
    group.x = "a*i"
    group.x.set_item("i > 1", "a + b", namespace={"a": 1.0, "b": 5})
    return observe(group=group)


@cases
def subgroups():
    """Indices count from the beginning of the subgroup."""
    group = cells(10)
    middle = group[3:7]
    middle.x = "i*10"
    middle.v["i > 1"] = "i*mV"
    middle[1:3].whole = "i + 5"
    middle.flag = "x > 15"
    group[8:].x = "x - 1"
    return observe(group=group, middle=middle.x[:])


@cases
def only_where_not_refractory():
    group = NeuronGroup(
        6, "dv/dt = 1/ms : 1 (unless refractory)", threshold="v > 0.45 + 0.1*i",
        reset="v = 0", refractory=1 * ms, method="euler",
    )  # fmt: skip
    run(0.8 * ms)
    group.v = "-1 - i"
    return observe(group=group)


@cases
def linked_variables():
    source = NeuronGroup(3, "x : 1")
    source.x = "i + 0.5"
    target = NeuronGroup(6, "x : 1 (linked)\ny : 1")
    target.x = linked_var(source, "x", index=np.array([2, 1, 0, 0, 1, 2]))
    target.y = "x*10 + i"
    target.y["x > 2"] = "-x"
    return observe(y=target.y[:], source=source)


@cases
def neighbours_by_a_linked_variable():
    """All values are computed before any is written."""
    group = NeuronGroup(5, "x : 1\nleft : 1 (linked)")
    group.left = linked_var(group, "x", index=np.array([4, 0, 1, 2, 3]))
    group.x = "i"
    group.x = "left"
    group.x["left > 1"] = "10*left + x"
    return observe(x=group.x[:])


@cases
def timed_arrays():
    samples = TimedArray(np.arange(10) * 0.5, dt=0.3 * ms)
    table = TimedArray(np.arange(12).reshape(3, 4) * 1.0, dt=1 * ms)
    group = NeuronGroup(4, "x : 1\nz : 1")
    group.x = "samples(i*0.4*ms)"
    group.z = "table(t, i) + samples(t + 1*ms)"
    run(1.2 * ms)
    group.z["i > 1"] = "table(t, i)"
    synapses = Synapses(group, group, "w : 1")
    synapses.connect(condition="samples(i*0.4*ms) > 0.6*j")
    synapses.w = "table(2*ms, j)"
    return observe(group=group, synapses=synapses, unit=float(1 * second))


@implementation("cpp", "static double twice(double x) { return 2*x; }")
@check_units(x=1, result=1)
def twice(x):
    return 2 * x


@check_units(x=1, result=1)
def thrice(x):
    return 3 * x


@cases
def functions():
    """One in C++, and one that only Python knows."""
    group = cells()
    group.x = "twice(x) + 1"
    group.x["twice(x) > 1"] = "-x"
    group.v = "thrice(i)*mV"
    return observe(group=group)


def connected():
    group = cells(4)
    synapses = Synapses(
        group, group, "w : 1\nn : integer\ng : siemens\nb : boolean", on_pre="x += 1"
    )
    synapses.connect(condition="i != j")
    return group, synapses


#: The same for synapses.
SYNAPTIC = {
    "indices": ("w", None, "10*i + j"),
    "both_sides": ("w", None, "x_pre - 2*x_post + x"),
    "units": ("g", None, "(i + 1)*nS/(j + 1)"),
    "integers": ("n", None, "i - j"),
    "booleans": ("b", None, "x_pre > x_post"),
    "a_condition": ("w", "i > j and w < 1", "5"),
    "counts": ("w", None, "N_incoming + 10*N_outgoing"),
    "a_slice_of_pairs": ("w", (slice(1, 3), slice(None)), "i + 100*j"),
    "one_row": ("w", (2, slice(None)), "w + j"),
    "some_synapses": ("w", [0, 3, 3, 5], "w + 1"),
    "delays": ("delay", None, "(1 + i + 0.5*j)*ms"),
    "some_delays": ("delay", "i == 1", "0.3*ms"),
    "a_target_once_for_each_synapse": ("x_post", None, "x_post + 1"),
    "a_target_with_a_condition": ("x_post", "x_post < 1.1", "x_post + 1"),
    "a_target_and_its_sources": ("x_post", None, "x_pre"),
}  # fmt: skip


@cases.over(name=list(SYNAPTIC))
def synaptic(name):
    variable, where, value = SYNAPTIC[name]
    nS = brian2.nS
    group, synapses = connected()
    if where is None:
        setattr(synapses, variable, value)
    else:
        getattr(synapses, variable)[where] = value
    return observe(group=group, synapses=synapses, unit=float(nS / siemens))


@cases
def delays_of_a_pathway():
    group = cells(4)
    synapses = Synapses(group, group, "w : 1", on_pre={"up": "x += 1", "down": "x -= 1"})
    synapses.connect()
    synapses.up.delay = "j*ms"
    synapses.down.delay["i > 1"] = "0.1*ms*(i + j)"
    return observe(up=synapses.up.delay[:], down=synapses.down.delay[:])


@cases
def cables():
    morphology = Soma(diameter=30 * um)
    morphology.axon = Cylinder(length=100 * um, diameter=1 * um, n=5)
    morphology.dendrite = Cylinder(length=50 * um, diameter=2 * um, n=3)
    morphology.dendrite.tip = Cylinder(length=50 * um, diameter=1 * um, n=2)
    neuron = SpatialNeuron(
        morphology,
        "Im = gl*(El - v) : amp/meter**2\ngl : siemens/meter**2\nx : 1",
        method="exponential_euler",
        namespace={"El": -70 * mV},
    )
    neuron.v = "-65*mV + distance/um*0.01*mV"
    neuron.gl["distance > 60*um"] = "1e-4*siemens/cm**2*(1 + i)"
    neuron.axon.gl = "3e-4*siemens/cm**2*length/um"
    neuron.axon.x = "distance/um"
    dendrite = neuron.dendrite
    dendrite.x["diameter > 1.5*um"] = "area/um**2"
    neuron.dendrite.tip.x = "-1"
    neuron.x[morphology.axon[1:3]] = "100 + i"
    run(0.2 * ms)
    return observe(neuron=neuron)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)
