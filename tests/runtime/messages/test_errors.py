"""What goes wrong goes wrong as in Brian: the same type of error, with the same words."""

import os
import re

import numpy as np
import pytest
from brian2 import (
    Clock,
    EventMonitor,
    Hz,
    Network,
    NeuronGroup,
    PoissonInput,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    check_units,
    defaultclock,
    implementation,
    linked_var,
    ms,
    mV,
    network_operation,
    prefs,
    profiling_summary,
    restore,
    run,
    set_device,
    start_scope,
)

from tests import devices

MISTAKES = []


def mistake(function):
    """Add a script that fails to the table."""
    MISTAKES.append(function)
    return function


def cells(**options) -> NeuronGroup:
    arguments = {"threshold": "v > 1", "reset": "v = 0", "method": "euler", **options}
    return NeuronGroup(2, "dv/dt = 1/ms : 1\nw : volt\nc : 1 (constant)", **arguments)


@mistake
def unknown_name_in_an_equation():
    group = NeuronGroup(2, "dv/dt = -v/unheard_of : 1", method="euler")
    run(1 * ms)
    return group


@mistake
def unknown_name_in_a_threshold():
    group = cells(threshold="v > unheard_of")
    run(1 * ms)
    return group


@mistake
def unknown_name_in_a_reset():
    group = cells(reset="v = unheard_of")
    run(1 * ms)
    return group


@mistake
def unknown_name_in_an_effect():
    group = cells()
    synapses = Synapses(group, group, on_pre="v_post += unheard_of")
    synapses.connect()
    run(1 * ms)


@mistake
def unknown_name_in_an_assignment():
    group = cells()
    group.v = "unheard_of + 1"


@mistake
def unknown_function():
    group = NeuronGroup(2, "dv/dt = unheard_of(v)/ms : 1", method="euler")
    run(1 * ms)
    return group


@mistake
def wrong_number_of_arguments():
    group = NeuronGroup(2, "dv/dt = sin(v, v)/ms : 1", method="euler")
    run(1 * ms)
    return group


@mistake
def wrong_units_of_an_external_value():
    group = NeuronGroup(2, "dv/dt = drive : 1", method="euler", namespace={"drive": 3 * mV})
    run(1 * ms)
    return group


@mistake
def wrong_units_in_a_threshold():
    group = cells(threshold="v > w")
    run(1 * ms)
    return group


@mistake
def wrong_units_in_a_reset():
    group = cells(reset="v = w")
    run(1 * ms)
    return group


@mistake
def wrong_units_in_an_effect():
    group = cells()
    synapses = Synapses(group, group, on_pre="v_post += w_pre")
    synapses.connect()
    run(1 * ms)


@mistake
def wrong_units_in_an_assignment():
    cells().v = 3 * mV


@mistake
def wrong_units_in_a_string_assignment():
    cells().v = "i*mV"


@mistake
def wrong_units_in_a_summed_variable():
    group = cells()
    synapses = Synapses(group, group, "w_post = v_pre : volt (summed)")
    synapses.connect()
    run(1 * ms)


@mistake
def threshold_that_is_no_condition():
    group = cells(threshold="v + 1")
    run(1 * ms)
    return group


@mistake
def reset_without_threshold():
    NeuronGroup(2, "v : 1", reset="v = 0")


@mistake
def unknown_event():
    EventMonitor(cells(), "unheard_of")


@mistake
def spikes_of_a_group_without_threshold():
    SpikeMonitor(NeuronGroup(2, "v : 1"))


@mistake
def unknown_integrator():
    group = NeuronGroup(2, "dv/dt = -v/ms : 1", method="unheard_of")
    run(1 * ms)
    return group


@mistake
def exact_integration_of_a_nonlinear_equation():
    group = NeuronGroup(2, "dv/dt = -v**2/ms : 1", method="exact")
    run(1 * ms)
    return group


@mistake
def integrator_without_noise_of_a_noisy_equation():
    group = NeuronGroup(2, "dv/dt = -v/ms + xi*ms**-0.5 : 1", method="rk4")
    run(1 * ms)
    return group


@mistake
def event_driven_nonlinear_equation():
    group = cells()
    synapses = Synapses(group, group, "dx/dt = -x**2/ms : 1 (event-driven)", on_pre="x += 1")
    synapses.connect()
    run(1 * ms)


@mistake
def synapses_without_connect():
    group = cells()
    synapses = Synapses(group, group, on_pre="v_post += 1")
    run(1 * ms)
    return synapses


@mistake
def values_of_synapses_without_connect():
    group = cells()
    synapses = Synapses(group, group, "w : 1")
    synapses.w = 1


@mistake
def synapses_between_neurons_that_do_not_exist():
    group = cells()
    synapses = Synapses(group, group)
    synapses.connect(i=[0, 5], j=[1, 1])


@mistake
def delay_that_is_no_time():
    group = cells()
    Synapses(group, group, on_pre="v_post += 1", delay=3 * mV)


@mistake
def two_sums_into_one_variable():
    group = cells()
    first = Synapses(group, group, "w_post = 1*mV : volt (summed)")
    second_ = Synapses(group, group, "w_post = 2*mV : volt (summed)")
    first.connect()
    second_.connect()
    run(1 * ms)


@mistake
def linked_variable_that_is_not_linked():
    group = NeuronGroup(2, "dv/dt = x/ms : 1\nx : 1 (linked)", method="euler")
    run(1 * ms)
    return group


@mistake
def linked_variable_of_another_size():
    group = NeuronGroup(3, "x : 1 (linked)")
    group.x = linked_var(cells(), "v")


@mistake
def negative_duration():
    group = cells()
    run(-1 * ms)
    return group


@mistake
def duration_without_units():
    group = cells()
    run(1)
    return group


@mistake
def unknown_report():
    group = cells()
    run(1 * ms, report="by mail")
    return group


@mistake
def report_that_is_no_function():
    group = cells()
    run(1 * ms, report=3)
    return group


@mistake
def two_objects_of_one_name():
    Network(cells(name="twin"), cells(name="twin")).run(1 * ms)


@mistake
def object_of_another_network():
    group = cells()
    Network(group).run(1 * ms)
    Network(group).run(1 * ms)


@mistake
def magic_network_of_old_and_new_objects():
    group = cells()
    run(1 * ms)
    other = cells()
    run(1 * ms)
    return group, other


@mistake
def object_without_what_it_depends_on():
    group = cells()
    Network(SpikeMonitor(group)).run(1 * ms)


@mistake
def unknown_slot():
    group = cells()
    group.run_regularly("v = 0", when="tomorrow")
    run(1 * ms)


@mistake
def dt_that_does_not_meet_the_time():
    group = cells()
    run(0.3 * ms)
    defaultclock.dt = 0.2 * ms
    run(1 * ms)
    return group


@mistake
def spikes_of_a_neuron_twice_in_a_step():
    generator = SpikeGeneratorGroup(1, [0, 0], [0.1, 0.12] * ms)
    run(1 * ms)
    return generator


@mistake
def period_that_is_no_multiple_of_dt():
    generator = SpikeGeneratorGroup(1, [0], [0.1] * ms, period=0.55 * ms)
    run(1 * ms)
    return generator


@mistake
def period_below_dt():
    generator = SpikeGeneratorGroup(1, [], [] * ms, period=0.05 * ms)
    run(1 * ms)
    return generator


@mistake
def spikes_of_neurons_that_do_not_exist():
    SpikeGeneratorGroup(1, [0], [0.1] * ms).set_spikes([3], [1] * ms)


@mistake
def poisson_input_and_change_of_dt():
    group = cells()
    inputs = PoissonInput(group, "v", N=1, rate=1 * Hz, weight=1)
    defaultclock.dt = 0.05 * ms
    run(1 * ms)
    return inputs


@mistake
def unknown_snapshot():
    group = cells()
    run(1 * ms)
    restore("unheard_of")
    return group


@mistake
def profile_of_a_run_without_profiling():
    network = Network(cells())
    network.run(1 * ms)
    profiling_summary(network)


@mistake
def assignment_of_a_wrong_number_of_values():
    cells().v = [1, 2, 3]


@mistake
def recorded_element_that_does_not_exist():
    group = cells()
    monitor = StateMonitor(group, "v", record=[5])
    run(1 * ms)
    return monitor


@mistake
def error_in_an_operation():
    group = cells()

    @network_operation
    def operation():
        raise ZeroDivisionError("of the user's own")

    run(1 * ms)
    return group


@mistake
def error_in_a_python_function():
    @check_units(x=1, result=1)
    def picky(x):
        raise ValueError("not this one")

    group = NeuronGroup(2, "dv/dt = picky(v)/ms : 1", method="euler")
    run(1 * ms)
    return group


@mistake
def clock_without_dt():
    Clock(dt=3)


def words(text: str) -> str:
    """A message without what may differ: the numbers in the names of objects."""
    return re.sub(r"_\d+(?=\b|_)", "", text)


def failure(device: str, script) -> list[tuple[str, str]]:
    """The error a script ends with, and those it was raised from."""
    devices.reset()
    set_device(device)
    prefs.codegen.target = "numpy"
    start_scope()
    chain = []
    try:
        script()
    except Exception as error:
        while error is not None:
            chain.append((type(error).__name__, words(str(error))))
            error = error.__cause__
    finally:
        devices.reset()
    return chain


@pytest.mark.parametrize("script", MISTAKES, ids=lambda script: script.__name__)
def test_error_is_brians_own(script):
    reference = failure("runtime", script)
    assert reference, "Brian does not mind"
    assert failure(devices.DEVICE, script) == reference


@pytest.fixture
def on_device(device):
    set_device(device)
    prefs.codegen.target = "numpy"


def test_state_after_an_error_in_preparation(on_device):
    """A run that cannot start changes nothing, and the next one starts where it would have."""
    group = NeuronGroup(2, "dv/dt = drive/ms : 1", method="euler")
    states = StateMonitor(group, "v", record=True)
    network = Network(group, states)
    network.run(1 * ms, namespace={"drive": 1})
    before = np.array(group.v), np.array(states.v), network.t_
    with pytest.raises(Exception, match="preparing an object"):
        network.run(1 * ms, namespace={"drive": 3 * mV})
    np.testing.assert_array_equal(group.v, before[0])
    np.testing.assert_array_equal(states.v, before[1])
    assert network.t_ == before[2]
    network.run(1 * ms, namespace={"drive": 2})
    np.testing.assert_allclose(group.v, 3)
    assert len(states.t) == 20


def test_more_spikes_than_neurons_in_one_step(on_device):
    """Brian's check sees only neighbours in its list; nothing else may be overwritten."""
    inputs = SpikeGeneratorGroup(2, [0, 1, 0, 1], [1.2, 1.2, 1.3, 1.3] * ms)
    group = NeuronGroup(2, "v : 1")
    synapses = Synapses(inputs, group, on_pre="v_post += 1")
    synapses.connect(j="i")
    network = Network(inputs, group, synapses)
    network.run(1 * ms)
    defaultclock.dt = 0.5 * ms
    with pytest.raises(Exception) as info:
        network.run(1 * ms)
    said = everything_said(info.value)
    assert "could not broadcast" in said or "more spikes for one time step" in said
    np.testing.assert_array_equal(group.v, 0)


def test_recorded_link_to_fewer_neurons(on_device):
    """Brian's event monitor reads the link with the index of the group that spikes."""
    source = NeuronGroup(1, "x : 1")
    group = NeuronGroup(3, "y : 1 (linked)", threshold="i == 2", reset="")
    group.y = linked_var(source, "x", index=np.array([0, 0, 0]))
    spikes = SpikeMonitor(group, "y")
    with pytest.raises(Exception) as info:
        Network(source, group, spikes).run(0.1 * ms)
    assert "out of bounds" in everything_said(info.value)


def everything_said(error: BaseException | None) -> str:
    """The text of an error with its notes, and of all it was raised from."""
    parts = []
    while error is not None:
        parts += [str(error), *getattr(error, "__notes__", [])]
        error = error.__cause__ or error.__context__
    return "\n".join(parts)


def test_a_compile_that_fails(on_device):
    """It shows the compiler's message, the file and the object, and loses nothing."""
    if devices.DEVICE == "plain":
        pytest.skip("Brian's NumPy target compiles nothing")

    @implementation("cpp", "double broken(double x) { return x + never_declared; }")
    @check_units(x=1, result=1)
    def broken(x):
        return x

    @implementation("cpp", "double broken(double x) { return x + 1; }")
    @check_units(x=1, result=1)
    def mended(x):
        return x + 1

    group = NeuronGroup(2, "dv/dt = broken(v)/ms : 1", method="euler", name="delicate_cells")
    states = StateMonitor(group, "v", record=True)
    network = Network(group, states)
    network.run(1 * ms, namespace={"broken": mended})
    before = np.array(group.v), network.t_

    with pytest.raises(Exception) as info:
        network.run(1 * ms, namespace={"broken": broken})
    said = everything_said(info.value)
    assert "never_declared" in said
    assert "delicate_cells" in said
    files = re.findall(r"/[^\s'\":]+\.(?:c|cc|cpp|cxx)\b", said)
    assert any(os.path.exists(file) for file in files), said

    np.testing.assert_array_equal(group.v, before[0])
    assert network.t_ == before[1]
    network.run(1 * ms, namespace={"broken": mended})
    assert network.t_ == pytest.approx(0.002)
    assert len(states.t) == 20
    assert np.all(np.asarray(group.v) > before[0])


@pytest.mark.parametrize("duration", [np.nan, np.inf, -np.inf, -1])
def test_durations_that_are_none(device, duration):
    """Brian lets NaN and infinity pass, and the network has no time any more."""
    set_device(device)
    group = NeuronGroup(2, "dv/dt = 1/ms : 1", method="euler")
    net = Network(group)
    with pytest.raises(ValueError, match="non-negative duration"):
        net.run(duration * ms)
    net.run(0.2 * ms)
    assert np.allclose(group.v, 0.2) and np.allclose(net.t / ms, 0.2)


def test_a_time_step_that_an_operation_changes_ends_the_run():
    """Brian goes on with it at once; compiled code would silently go on without."""
    set_device(devices.DEVICE)
    group = NeuronGroup(1, "dv/dt = 1/ms : 1", method="euler")
    trace = StateMonitor(group, "v", record=True)

    @network_operation(dt=0.5 * ms, name="changes")
    def change(t):
        if t > 0 * ms:
            defaultclock.dt = 0.25 * ms

    network = Network(group, trace, change)
    with pytest.raises(
        NotImplementedError, match=r"'changes' has changed the time step .* stop\(\)"
    ):
        network.run(4 * ms)
    assert len(trace.t) == 5
    network.run(1 * ms)
    assert len(trace.t) > 7
