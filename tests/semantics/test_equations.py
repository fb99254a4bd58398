"""Variables of neuron groups: their kinds, types and expressions."""

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    StateMonitor,
    TimedArray,
    defaultclock,
    ms,
    mV,
    run,
)

from tests.semantics.harness import Cases, check, observe

cases = Cases()

RATE_FROM_MODULE = 250.0


@cases
def nested_subexpressions():
    group = NeuronGroup(
        3,
        """dv/dt = drive/(4*ms) : 1
           drive = inner*2 - v : 1
           inner = scale*(1 + v**2) : 1
           scale : 1""",
        method="euler",
    )
    group.scale = [0, 0.1, -0.3]
    monitor = StateMonitor(group, ["v", "drive", "inner"], record=True)
    run(2 * ms)
    return observe(group=group, monitor=monitor, drive=group.drive[:], inner=group.inner[:])


@cases
def floor_of_a_third():
    """Brian's integrators write m//3 as floor(m/3): a third with a digit less is no third."""
    group = NeuronGroup(
        7,
        """dv/dt = (i/(1 + abs(m//3)) - v)/(3*ms) : 1
           m : integer (constant)""",
        method="euler",
    )
    group.m = "3*(i + 1)"
    group.run_regularly("v += int(m/7 - 0.1)*0.01 + floor(m/21)*0.1")
    run(1 * ms)
    return observe(group=group)


@cases
def subexpression_constant_over_dt():
    """It is fixed at the start of the step, so that the integrator does not see it change."""
    group = NeuronGroup(
        2,
        """dv/dt = (frozen - v)/ms : 1
           dw/dt = (live - w)/ms : 1
           frozen = 1 + v*v + t/ms : 1 (constant over dt)
           live = 1 + v*v + t/ms : 1""",
        method="rk2",
    )
    monitor = StateMonitor(group, ["v", "w", "frozen"], record=True)
    run(1.5 * ms)
    return observe(group=group, monitor=monitor)


@cases
def shared_variables():
    """Scalars of a group: a parameter and a subexpression."""
    group = NeuronGroup(
        3,
        """dv/dt = (both - v)/(3*ms) : 1
           common : 1 (shared)
           level : 1 (shared, constant)
           both = common*level + t/(5*ms) : 1 (shared)""",
        method="euler",
        threshold="v > 0.7",
        reset="v = 0",
    )
    group.common = 1.25
    group.level = 0.75
    group.run_regularly("common += 0.125", dt=0.5 * ms)
    monitor = StateMonitor(group, ["v", "common", "both"], record=True)
    run(4 * ms)
    return observe(group=group, monitor=monitor)


@cases
def shared_variable_alone():
    """A scalar is written once a step, however many elements there are."""
    group = NeuronGroup(7, "x : integer (shared)\ny : 1")
    group.run_regularly("x += 2\ny += x")
    run(1 * ms)
    return observe(group=group)


@cases
def integer_variables():
    """Counting, integer division and remainder, with negative numbers as in Python."""
    group = NeuronGroup(
        9,
        """n : integer
           quotient : integer
           remainder : integer
           true_quotient : 1
           float_remainder : 1
           float_quotient : 1
           power : 1
           truncated : integer
           k : integer (constant)""",
    )
    group.k = np.arange(-4, 5)
    group.run_regularly(
        """n += 3 - k
           quotient = n//7 + (-n)//3
           remainder = n%5 + (k - 9)%4 + (-k)%3
           true_quotient = n/8 + k/3
           float_remainder = (n*0.37)%1.1 + (-0.7*k)%0.4
           float_quotient = (n*0.37)//1.1
           power = (k + 0.5)**2 + 2**(k + 4) + k**2 + 2.0**k + (n + 20.)**-1
           truncated = int(1.7*k)""",
    )
    run(1 * ms)
    return observe(group=group)


@cases
def boolean_variables():
    """Booleans set, negated, combined, and used as numbers."""
    group = NeuronGroup(
        6,
        """on : boolean
           odd : boolean (constant)
           x : 1
           n : integer""",
    )
    group.odd = "i%2 == 1"
    group.run_regularly(
        """on = (not on and x < 3) or (odd and x > 4)
           x += 1 + int(on)*i
           n += int(not (on or odd)) + int(x >= 2 and x <= 5 or x == 9 or x != x)""",
    )
    monitor = StateMonitor(group, ["on", "x", "n"], record=True)
    run(1 * ms)
    return observe(group=group, monitor=monitor)


@cases
def variables_of_chosen_dtypes():
    """The width of each variable as the user asks for it."""
    group = NeuronGroup(
        3,
        """dx/dt = 0.3/ms - x/(2*ms) : 1
           single : 1
           short : integer
           long : integer
           flag : boolean""",
        dtype={"single": np.float32, "short": np.int32, "long": np.int64},
        method="euler",
    )
    group.run_regularly(
        """single += 0.25
           short += i + 1
           long = 3*long + 1
           flag = single > 0.6""",
    )
    run(1 * ms)
    return observe(group=group)


@cases
def dtype_of_all_variables():
    """One dtype for all floats of a group among others in double precision."""
    single = NeuronGroup(2, "dx/dt = -x/(2*ms) : 1", dtype=np.float32, method="euler")
    double = NeuronGroup(2, "dx/dt = -x/(2*ms) : 1", method="euler")
    single.x = double.x = [0.5, 0.25]
    run(0.2 * ms)
    # Single precision is compared to its own accuracy
    return observe(double=double, single=np.round(single.x[:].astype(float), 6))


@cases
def names_every_group_has():
    """i, N, t, dt and t_in_timesteps in equations and statements."""
    group = NeuronGroup(
        4,
        """dx/dt = (i + N*t/ms)/ms : 1
           steps : integer
           time : second
           width : second""",
        method="euler",
    )
    group.run_regularly("steps = t_in_timesteps + i\ntime = t + i*dt\nwidth = dt")
    run(0.7 * ms)
    return observe(group=group)


@cases
def external_names_from_everywhere():
    """Locals, module globals, a group's namespace, and units and constants by name."""
    group = NeuronGroup(
        2,
        "dx/dt = own*Hz + pi/second - e*kHz : 1",
        namespace={"own": 7},
        method="euler",
    )
    other = NeuronGroup(2, "dx/dt = local_rate + RATE_FROM_MODULE*hertz : 1", method="euler")
    local_rate = 5 / ms
    run(0.5 * ms)
    after_first = np.array(other.x)
    local_rate = 11 / ms
    run(0.5 * ms)
    return observe(group=group, other=other, after_first=after_first)


@cases
def namespace_given_to_run():
    group = NeuronGroup(2, "dx/dt = (target - x)/tau : 1", method="euler")
    run(0.5 * ms, namespace={"target": 3, "tau": 2 * ms})
    run(0.5 * ms, namespace={"target": -3, "tau": 1 * ms})
    return observe(group=group)


@cases
def constants_are_folded_with_their_units():
    """Values in the equations that are large, small, negative or far apart."""
    group = NeuronGroup(
        2,
        """dv/dt = (E - v)/tau + kick*1e-12*volt/second : volt
           kick : 1""",
        namespace={"E": -65.3 * mV, "tau": 13.7 * ms},
        method="exact",
    )
    group.v = [-70.1, 30] * mV
    group.kick = [1e12, -3.5e11]
    run(2 * ms)
    return observe(group=group)


@cases
def statements_that_depend_on_each_other():
    """A swap through a temporary, repeated writes, and reads after writes."""
    group = NeuronGroup(3, "a : 1\nb : 1\nc : 1")
    group.a, group.b = [1, 2, 3], [10, 20, 30]
    group.run_regularly(
        """temporary = a
           a = b
           b = temporary
           c = a - b
           c *= 2
           c -= temporary
           a /= 1 + c**2
           b = b**1.5"""
    )
    run(0.5 * ms)
    return observe(group=group)


@cases
def not_a_number_and_infinity():
    """They spread and compare as IEEE says."""
    group = NeuronGroup(
        5,
        """x : 1
           u : 1
           y : 1
           less : boolean
           same : boolean
           clipped : 1""",
        threshold="x > 1",
        reset="y += 1",
    )
    group.x = group.u = [np.nan, np.inf, -np.inf, 2, 0]
    group.run_regularly(
        """less = x < 3
           same = x == x
           clipped = clip(x, -1, 1)
           y += x - u""",
    )
    run(0.3 * ms)
    return observe(group=group)


@cases
def assignments_between_runs():
    """Values read and written by index, slice, string, condition, and by name with underscore."""
    group = NeuronGroup(6, "dv/dt = -v/(10*ms) : volt\nw : 1", method="exact")
    group.v = "i*mV"
    group.w[:3] = 1
    run(0.5 * ms)
    middle = np.array(group.v / mV)
    group.v[2] = 5 * mV
    group.v["i > 3"] = "v*2 + w*mV"
    group.w["v > 4*mV"] = "w + 0.5"
    group.v_[0] = 0.25
    group.w[[1, 4]] = [7, 8]
    run(0.5 * ms)
    group.v[:] *= 2
    run(0.5 * ms)
    return observe(
        group=group,
        middle=middle,
        by_string=group.v["w > 0"],
        expression=group.w["v < 8*mV"],
        # floats from Brian's NumPy target, integers from its compiled one
        indices=group.indices["v > 8*mV"].astype(int),
    )


@cases
def states_of_all_variables_between_runs():
    group = NeuronGroup(3, "dv/dt = -v/(10*ms) : volt\nw : 1\nb : boolean", method="exact")
    group.set_states({"v": [1, 2, 3] * mV, "w": [4, 5, 6], "b": [True, False, True]})
    run(1 * ms)
    states = group.get_states(["v", "w", "b"], units=False)
    group.set_states({"v": states["w"] * mV})
    run(1 * ms)
    return observe(group=group, **states)


@cases
def run_regularly_of_several_steps_and_slots():
    """Operations with their own dt, when and order, on several groups."""
    defaultclock.dt = 0.1 * ms
    first = NeuronGroup(2, "dx/dt = 1/ms : 1\ntrace : 1", method="euler")
    second = NeuronGroup(2, "y : 1")
    first.run_regularly("trace = 10*trace + 1", when="start", order=1, name="one")
    first.run_regularly("trace = trace + 2", when="start", order=0, name="two")
    first.run_regularly("trace = trace*0.5 + x", dt=0.3 * ms, when="end")
    second.run_regularly("y = y + t/ms", dt=0.2 * ms, when="before_groups")
    second.run_regularly("y *= 1.5", dt=0.5 * ms, when="after_resets")
    run(1.3 * ms)
    run(0.4 * ms)
    return observe(first=first, second=second)


@cases
def run_regularly_with_a_timed_array():
    values = TimedArray([1, 5, 2, 8], dt=0.2 * ms)
    group = NeuronGroup(2, "x : 1", namespace={"values": values})
    group.run_regularly("x = x/2 + values(t) + i")
    run(1 * ms)
    return observe(group=group)


@cases
def many_groups_of_very_different_sizes():
    """Sizes around the widths of vector registers and blocks."""
    groups = {
        f"group_{size}": NeuronGroup(
            size,
            "dx/dt = (1 + 0.01*i - x)/ms : 1",
            threshold="x > 0.6",
            reset="x = 0",
            method="euler",
        )
        for size in (1, 2, 3, 8, 17, 64, 1025)
    }
    network = Network(*groups.values())
    network.run(1.5 * ms)
    return observe(network=network, **groups)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)
