"""Many runs of one network, with something changed between them.

The device keeps code and programs from one run to the next. Whatever they were made of can change,
and then they have to be made anew: each case is a change.
"""

import numpy as np
import pytest
from brian2 import (
    Function,
    Network,
    NeuronGroup,
    PoissonInput,
    PopulationRateMonitor,
    SpatialNeuron,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    amp,
    cm,
    defaultclock,
    linked_var,
    ms,
    mV,
    network_operation,
    ohm,
    prefs,
    seed,
    siemens,
    uF,
    um,
    volt,
)
from brian2.core.functions import implementation
from brian2.spatialneuron import Cylinder
from brian2.units import check_units
from brian2.units.fundamentalunits import DimensionMismatchError

from tests.semantics.harness import Cases, check, observe

cases = Cases()

NEURONS = """
dv/dt = (E - v + drive)/tau : volt (unless refractory)
drive : volt
"""


class Net:
    """Two neurons that drive three others, in a network that is run again and again."""

    def __init__(self, equations=NEURONS, **options):
        options.setdefault("method", "euler")
        self.source = SpikeGeneratorGroup(2, [0, 1, 0, 1], [0.3, 1.1, 2.3, 4.2] * ms, name="source")
        self.group = NeuronGroup(
            3,
            equations,
            threshold="v > limit",
            reset="v = E",
            refractory=options.pop("refractory", 0.5 * ms),
            name="group",
            **options,
        )
        self.synapses = Synapses(
            self.source, self.group, "w : volt", on_pre="v += w*scale", delay=0.2 * ms, name="syn"
        )
        self.synapses.connect()
        self.synapses.w = "(1 + i + 0.5*j)*mV"
        self.spikes = SpikeMonitor(self.group, name="spikes")
        self.states = StateMonitor(self.group, "v", record=True, name="states")
        self.network = Network(self.source, self.group, self.synapses, self.spikes, self.states)
        self.namespace = {"E": -70 * mV, "tau": 5 * ms, "limit": -66 * mV, "scale": 1.5}
        self.group.v = "-70*mV + i*mV"
        self.group.drive = 6 * mV

    def run(self, duration=1 * ms, **changed):
        self.namespace.update(changed)
        self.network.run(duration, namespace=self.namespace)

    def observe(self, **more):
        return observe(
            network=self.network, group=self.group, synapses=self.synapses, spikes=self.spikes,
            states=self.states, **more,
        )  # fmt: skip


@cases
def nothing_changes():
    """Five runs one after the other."""
    net = Net()
    for _ in range(5):
        net.run()
    return net.observe()


@cases.over(name=["E", "tau", "limit", "scale"])
def a_number_changes(name):
    """A number of the script has another value in each run."""
    net = Net()
    for k in range(5):
        net.run(**{name: net.namespace[name] * (1 + 0.01 * k)})
    return net.observe()


@cases
def the_integrator_knows_the_number():
    """The exact integrator has made other statements of the equations."""
    net = Net("dv/dt = (E - v + drive)/tau : volt (unless refractory)\ndrive : volt (constant)",
              method="exact")  # fmt: skip
    for k in range(4):
        net.run(tau=(3 + k) * ms)
    return net.observe()


@cases
def a_float_becomes_an_integer():
    """Arithmetic of integers is another."""
    net = Net("dv/dt = (E - v + drive*(scale//2))/tau : volt (unless refractory)\ndrive : volt")
    for scale in (3.7, 3, 5, np.float64(4.5), True, 2.0):
        net.run(scale=scale)
    return net.observe()


@cases
def states_change():
    """Values, weights and delays are set between the runs."""
    net = Net()
    for k in range(5):
        net.group.drive = (4 + k) * mV
        net.synapses.w = f"(1 + {k}*0.1)*mV"
        net.synapses.delay = 0.1 * (k + 1) * ms
        net.run()
    return net.observe()


@cases
def stored_and_restored():
    """As one fits parameters."""
    net = Net()
    net.network.store()
    seen = {}
    for k in range(4):
        net.network.restore()
        net.group.drive = (4 + k) * mV
        net.run(2 * ms, tau=(4 + k) * ms)
        seen[f"run_{k}"] = np.array(net.states.v_)
    return net.observe(**seen)


@cases
def the_time_step_changes():
    net = Net()
    for dt in (0.1, 0.2, 0.05, 0.1):
        defaultclock.dt = dt * ms
        net.run()
    return net.observe()


@cases
def the_time_step_changes_under_a_timed_array():
    course = TimedArray([0, 5, 1, 7, 3, 2] * mV, dt=0.4 * ms)
    net = Net(
        "dv/dt = (E - v + drive + course(t))/tau : volt\ndrive : volt (constant)",
        method=("exact", "euler"),
        refractory=False,
    )
    for dt in (0.4, 0.3, 0.2, 0.4):
        defaultclock.dt = dt * ms
        net.run(1.2 * ms, course=course)
    return net.observe()


@cases
def a_timed_array_changes():
    net = Net("dv/dt = (E - v + course(t))/tau : volt (unless refractory)\ndrive : volt")
    for k in range(4):
        net.run(course=TimedArray(np.arange(3 + k) * mV, dt=0.5 * ms))
    return net.observe()


@cases
def a_function_changes():
    """Two functions by the same name, one after the other."""
    net = Net("dv/dt = (E - v + drive + f(v))/tau : volt (unless refractory)\ndrive : volt")

    def make(factor):
        @implementation("cpp", f"double f(double v) {{ return {factor}*v; }}")
        @check_units(v=volt, result=volt)
        def f(v):
            return factor * v

        return f

    for k in (0.1, 0.3, 0.1):
        net.run(f=make(k))
    return net.observe()


@cases
def a_table_changes_its_length():
    net = Net("dv/dt = (E - v + drive*course(t))/tau : volt\ndrive : volt", refractory=False)
    for course in (TimedArray([1.0, 2.0], dt=ms), TimedArray([3.0], dt=ms)):
        net.run(course=course)
    return net.observe()


@cases
def objects_come_and_go():
    """Monitors and inputs are added to a network that has run, and removed from it."""
    seed(1)
    net = Net()
    net.run()
    late = StateMonitor(net.group, ["v", "drive"], record=[1], name="late")
    rate = PopulationRateMonitor(net.group, name="rate")
    net.network.add(late)
    net.run()
    net.network.add(rate)
    net.run()
    net.network.remove(late)
    net.run()
    kick = PoissonInput(net.group, "v", 1, 0.1 / ms, weight=0 * mV)
    net.network.add(kick)
    net.run()
    return net.observe(late=late, rate=rate)


@cases
def objects_are_switched_off_and_on():
    net = Net()
    for k in range(6):
        net.synapses.active = k % 2 == 0
        net.states.active = k % 3 != 1
        net.group.thresholder["spike"].active = k != 4
        net.run()
    return net.observe()


@cases
def the_schedule_changes():
    net = Net()
    net.run()
    net.network.schedule = ["start", "synapses", "thresholds", "groups", "resets", "end"]
    net.run()
    net.group.resetter["spike"].when = "start"
    net.run()
    net.synapses.pre.order = 5
    net.run()
    return net.observe()


@cases
def the_code_of_a_pathway_changes():
    net = Net()
    for code in ("v += w*scale", "v += 2*w*scale", "v = E + w", "v += w*scale"):
        net.synapses.pre.code = code
        net.run()
    return net.observe()


@cases
def threshold_reset_and_refractoriness_change():
    """Not an interface of Brian's, but it works there."""
    net = Net()
    net.run()
    net.group.events["spike"] = "v > limit + 1*mV"
    net.run()
    net.group.event_codes["spike"] = "v = E - 1*mV"
    net.run()
    net.group._refractory = 0.2 * ms
    net.run()
    return net.observe()


@cases
def a_refractory_period_by_name_changes():
    net = Net(refractory="silent")
    for k in range(4):
        net.run(silent=0.3 * (k + 1) * ms)
    return net.observe()


@cases
def a_preference_changes():
    net = Net()
    for old_timing in (False, True, False):
        prefs.legacy.refractory_timing = old_timing
        net.run()
    return net.observe()


@cases
def a_variable_is_linked_elsewhere():
    net = Net("dv/dt = (E - v + other)/tau : volt (unless refractory)\ndrive : volt\n"
              "other : volt (linked)")  # fmt: skip
    inputs = NeuronGroup(3, "x : volt\ny : volt", name="inputs")
    inputs.x = "5*mV + i*mV"
    inputs.y = "-i*mV"
    net.network.add(inputs)
    for name in "xyx":
        net.group.other = linked_var(inputs, name)
        net.run()
    return net.observe()


@cases
def synapses_are_added():
    net = Net()
    net.run()
    net.synapses.connect(i=0, j=[0, 1, 2, 2])
    net.synapses.w = "(1 + j)*mV"
    net.run()
    net.run()
    return net.observe()


@cases
def brian_runs_a_part():
    """A function in Python only, whose constants change too."""
    net = Net("dv/dt = (E - v + f(drive)*gain)/tau : volt (unless refractory)\ndrive : volt")

    f = Function(lambda x: 0.5 * x, arg_units=[volt], return_unit=volt)
    for gain in (1.0, 2.0, 3.0):
        net.run(f=f, gain=gain)
    return net.observe()


@cases
def an_operation_between_two_steps():
    """A network operation changes what it likes between two steps."""
    net = Net()

    @network_operation(dt=0.3 * ms)
    def disturb():
        net.group.drive = net.group.drive + 0.5 * mV

    net.network.add(disturb)
    for k in range(4):
        net.run(scale=1.0 + k)
    return net.observe()


@cases
def a_cable_changes():
    """The capacitance, the conductance and the time step of a neuron with compartments."""
    neuron = SpatialNeuron(
        Cylinder(length=100 * um, diameter=1 * um, n=5),
        "Im = g*(E - v) : amp/meter**2\ng : siemens/meter**2",
        Cm=1 * uF / cm**2,
        Ri=100 * ohm * cm,
        method="exponential_euler",
        name="neuron",
    )
    states = StateMonitor(neuron, "v", record=True, name="states")
    network = Network(neuron, states)
    neuron.v = "-60*mV + 5*i*mV"
    for k in range(4):
        neuron.Cm = (1 + k) * uF / cm**2
        neuron.g = 1e-4 * k * siemens / cm**2
        defaultclock.dt = (0.05, 0.05, 0.1, 0.1)[k] * ms
        network.run(0.5 * ms, namespace={"E": -(60 + k) * mV})
    return observe(neuron=neuron, states=states)


@cases
def two_networks_take_turns():
    """Each has its own arrays, though both are the same model."""
    seen = {}
    nets = []
    for drive in (3, 8):
        group = NeuronGroup(2, "dv/dt = (drive - v)/tau : 1\ndrive : 1", method="euler")
        group.drive = drive
        states = StateMonitor(group, "v", record=True)
        nets.append((Network(group, states), states))
    for k in range(3):
        for network, _ in nets:
            network.run(0.5 * ms, namespace={"tau": (1 + k) * ms})
    for k, (_, states) in enumerate(nets):
        seen[f"v_{k}"] = np.array(states.v)
    return seen


@cases
def the_same_names_again():
    """New objects by the names of old ones, with other equations."""
    seen = {}
    for k, equation in enumerate(["-v/tau", "-v/tau + 1/tau", "-2*v/tau", "-v/tau"]):
        group = NeuronGroup(2, f"dv/dt = {equation} : 1", method="euler", name="again")
        group.v = "i + 1"
        Network(group).run(1 * ms, namespace={"tau": (2 + k) * ms})
        seen[f"v_{k}"] = np.array(group.v)
        del group
    return seen


@pytest.mark.parametrize("case", cases, ids=str)
def test_runs_as_brian_does(case):
    check(case)


def test_units_are_checked_in_each_run(device):
    from brian2 import set_device
    from brian2.core.base import BrianObjectException

    set_device(device)
    net = Net()
    net.run()
    with pytest.raises(BrianObjectException) as error:
        net.run(limit=-66 * amp)
    assert isinstance(error.value.__cause__, DimensionMismatchError)
    net.run(limit=-66 * mV)


def test_an_exponent_decides_on_units(device):
    from brian2 import set_device
    from brian2.core.base import BrianObjectException

    set_device(device)
    group = NeuronGroup(1, "v : volt\nw : volt**2", name="powers")
    group.run_regularly("w = v**n")
    network = Network(group)
    network.run(1 * ms, namespace={"n": 2.0})
    with pytest.raises(BrianObjectException):
        network.run(1 * ms, namespace={"n": 3.0})


def test_a_name_that_is_gone(device):
    from brian2 import set_device
    from brian2.core.base import BrianObjectException

    set_device(device)
    net = Net()
    net.run()
    del net.namespace["limit"]
    with pytest.raises(BrianObjectException) as error:
        net.run()
    assert isinstance(error.value.__cause__, KeyError)
