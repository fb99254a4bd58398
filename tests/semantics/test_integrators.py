"""Every integrator but GSL's, on equations it is made for."""

import numpy as np
import pytest
from brian2 import NeuronGroup, StateMonitor, Synapses, defaultclock, ms, mV, nS, pA, run

from tests.semantics.fixed_noise import fixed_randn
from tests.semantics.harness import Cases, check, observe

cases = Cases()


@cases.over(
    method=["exact", "linear", "euler", "rk2", "rk4", "heun", "milstein", "exponential_euler"]
)
def linear_equations(method):
    """Coupled linear equations with parameters."""
    equations = """
    dv/dt = (I - v + w)/(7*ms) : volt
    dw/dt = -w/(3*ms) : volt
    I : volt (constant)
    """
    group = NeuronGroup(4, equations, method=method)
    group.I = [1, 5, -3, 0] * mV
    group.v = "i*2*mV"
    group.w = "10*mV - i*mV"
    monitor = StateMonitor(group, ["v", "w"], record=True)
    run(3 * ms)
    return observe(group=group, monitor=monitor)


@cases
def method_of_brians_choice():
    """Brian takes the exact integrator where it can, Euler's or Heun's elsewhere."""
    linear = NeuronGroup(2, "dv/dt = -v/(5*ms) : 1")
    nonlinear = NeuronGroup(2, "dv/dt = (1 - v**3)/(5*ms) : 1")
    linear.v = nonlinear.v = [0.5, 2]
    run(2 * ms)
    return observe(linear=linear, nonlinear=nonlinear)


@cases.over(method=["euler", "rk2", "rk4", "heun", "milstein"])
def nonlinear_equations(method):
    """Quadratic, exponential and trigonometric terms, with t in them."""
    equations = """
    dx/dt = (x*(1 - x) + 0.2*sin(t*200*Hz) - y)/ms : 1
    dy/dt = (exp(-x) - tanh(y)*k)/(2*ms) : 1
    k : 1
    """
    group = NeuronGroup(3, equations, method=method)
    group.k = [0.5, 1, 2]
    group.x = [0.1, 0.5, 0.9]
    monitor = StateMonitor(group, ["x", "y"], record=True)
    run(3 * ms)
    return observe(group=group, monitor=monitor)


@cases.over(method=["independent", "exact"])
def time_dependent_decay(method):
    """Equations that do not depend on each other."""
    equations = """
    dx/dt = -x/(3*ms) : 1
    dy/dt = -2*y/(5*ms) : 1
    """
    group = NeuronGroup(2, equations, method=method)
    group.x = [1, 2]
    group.y = [3, -4]
    run(2 * ms)
    return observe(group=group)


HODGKIN_HUXLEY = """
dv/dt = (gl*(El - v) + gna*m**3*h*(Ena - v) + gk*n**4*(Ek - v) + I)/(200*pF) : volt
dm/dt = alpha_m*(1 - m) - beta_m*m : 1
dn/dt = alpha_n*(1 - n) - beta_n*n : 1
dh/dt = alpha_h*(1 - h) - beta_h*h : 1
alpha_m = 0.32*(mV**-1)*4*mV/exprel((13*mV - v + VT)/(4*mV))/ms : Hz
beta_m = 0.28*(mV**-1)*5*mV/exprel((v - VT - 40*mV)/(5*mV))/ms : Hz
alpha_h = 0.128*exp((17*mV - v + VT)/(18*mV))/ms : Hz
beta_h = 4./(1 + exp((40*mV - v + VT)/(5*mV)))/ms : Hz
alpha_n = 0.032*(mV**-1)*5*mV/exprel((15*mV - v + VT)/(5*mV))/ms : Hz
beta_n = .5*exp((10*mV - v + VT)/(40*mV))/ms : Hz
I : amp
"""
CHANNELS = {
    "gl": 10 * nS,
    "gna": 20000 * nS,
    "gk": 6000 * nS,
    "El": -60 * mV,
    "Ena": 50 * mV,
    "Ek": -90 * mV,
    "VT": -63 * mV,
}


@cases.over(method=["exponential_euler", "rk4", "euler"])
def hodgkin_huxley(method):
    """A spike of a conductance-based neuron; one starts where exprel is called with zero."""
    defaultclock.dt = 0.02 * ms
    group = NeuronGroup(3, HODGKIN_HUXLEY, method=method, namespace=CHANNELS)
    group.v = [-60 * mV, -65 * mV, (13 - 63) * mV]
    group.I = [200, 500, 0] * pA
    monitor = StateMonitor(group, ["v", "m", "h", "n"], record=[0, 2])
    run(4 * ms)
    return observe(group=group, monitor=monitor)


@cases.over(method=["euler", "heun"])
def additive_noise(method):
    """Two sources of noise in one equation, one of them shared with another equation."""
    equations = """
    dx/dt = -x/(5*ms) + 0.3*xi_a/ms**0.5 + 0.1*xi_b/ms**0.5 : 1
    dy/dt = (x - y)/(2*ms) + 0.2*xi_b*ms**-0.5 : 1
    """
    with fixed_randn():
        group = NeuronGroup(2, equations, method=method)
        group.x = [0, 1]
        run(2 * ms)
        return observe(group=group)


@cases
def additive_noise_of_one_source_each():
    """What Milstein's method allows: one source of noise in an equation."""
    equations = """
    dx/dt = -x/(5*ms) + 0.3*xi_a/ms**0.5 : 1
    dy/dt = (x - y)/(2*ms) + 0.2*xi_b*ms**-0.5 : 1
    """
    with fixed_randn():
        group = NeuronGroup(2, equations, method="milstein")
        group.x = [0, 1]
        run(2 * ms)
        return observe(group=group)


@cases.over(method=["heun", "milstein"])
def multiplicative_noise(method):
    """Ito and Stratonovich integration of noise scaled by the state."""
    equations = "dx/dt = -x/(5*ms) + 0.5*x*xi*ms**-0.5 : 1"
    with fixed_randn():
        group = NeuronGroup(2, equations, method=method)
        group.x = [0.3, 2]
        run(2 * ms)
        return observe(group=group)


@cases.over(method=["exact", "euler", "rk4", "exponential_euler"])
def equations_of_synapses(method):
    """Clock-driven equations integrated for each synapse."""
    group = NeuronGroup(3, "v : 1")
    group.v = [1, 2, 3]
    synapses = Synapses(
        group,
        group,
        """dx/dt = (v_pre - x + y)/(4*ms) : 1 (clock-driven)
           dy/dt = -y/(2*ms) : 1 (clock-driven)
           w : 1""",
        method=method,
    )
    synapses.connect(condition="i != j")
    synapses.y = "i + 10*j"
    run(2 * ms)
    return observe(group=group, synapses=synapses)


@cases.over(simplify=[True, False])
def exact_with_options(simplify):
    """The exact integrator told whether to simplify its result."""
    group = NeuronGroup(
        2,
        "dv/dt = (I - v)/tau : 1\nI : 1 (constant)\ntau : second (constant)",
        method="exact",
        method_options={"simplify": simplify},
    )
    group.I = [1, 2]
    group.tau = [5, 7] * ms
    run(2 * ms)
    return observe(group=group)


@cases
def exponential_euler_of_conditionally_linear_equations():
    """Each equation is linear in its own variable, and not in the others."""
    group = NeuronGroup(
        2,
        "dv/dt = (-v*(1 + w**2) + 1)/(4*ms) : 1\ndw/dt = (v**2 - w)/(9*ms) : 1",
        method="exponential_euler",
    )
    group.v = [0, 3]
    run(2 * ms)
    return observe(group=group)


@cases
def no_equations_but_parameters():
    """A group with nothing to integrate."""
    group = NeuronGroup(2, "v : 1")
    group.v = np.array([1.5, -2])
    run(1 * ms)
    return observe(group=group)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)
