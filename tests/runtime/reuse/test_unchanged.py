"""Runs in which nothing is new: Brian does not look again, and what a script changes is seen."""

import ast
import gc
import inspect
import random
import textwrap
import weakref

import numpy as np
import pytest
from brian2 import (
    Clock,
    Network,
    NeuronGroup,
    PoissonGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    defaultclock,
    magic_network,
    ms,
    network_operation,
    prefs,
    run,
    second,
    seed,
    set_device,
)
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.magic import MagicNetwork

import brian2genn
from brian2genn.frontend import network as frontend
from brian2genn.runtime.reuse import unchanged
from brian2genn.runtime.reuse.unchanged import CHECKING, set_interval


@pytest.fixture
def looks(monkeypatch):
    """How often Brian has prepared a network, and we have translated one, since the last look."""
    counts = {"brian": 0, "translated": 0}

    def counted(name, function):
        def call(*args, **kwds):
            counts[name] += 1
            return function(*args, **kwds)

        return call

    monkeypatch.setattr(Network, "before_run", counted("brian", Network.before_run))
    monkeypatch.setattr(
        "brian2genn.runtime.network.compilation.translate",
        counted("translated", frontend.translate),
    )
    set_device("genn", backend="cpu")

    def take():
        seen = counts["brian"], counts["translated"]
        counts.update(brian=0, translated=0)
        return seen

    return take


def parts(prefix=""):
    """A network with something of each kind, and no random numbers."""
    neurons = NeuronGroup(
        6,
        "dv/dt = (drive(t) + gain*x - v)/tau : 1\nx : 1\ntau : second (constant, shared)",
        threshold="v > limit", reset="v = 0", refractory=1 * ms, method="euler",
        name=prefix + "cells",
        namespace={"drive": TimedArray(np.linspace(1, 2, 200), dt=0.1 * ms)},
    )  # fmt: skip
    neurons.x = "i"
    neurons.tau = 5 * ms
    inputs = SpikeGeneratorGroup(2, [0, 1, 0, 1], [0.5, 2.5, 4.5, 6.5] * ms, name=prefix + "inputs")
    synapses = Synapses(inputs, neurons, "w : 1", on_pre="v_post += w", name=prefix + "wires")
    synapses.connect(True)
    synapses.w = 0.1
    synapses.delay = "(j % 3)*0.2*ms"
    spikes = SpikeMonitor(neurons, name=prefix + "spikes")
    trace = StateMonitor(neurons, "v", record=True, name=prefix + "trace")
    return {"neurons": neurons, "inputs": inputs, "synapses": synapses,
            "spikes": spikes, "trace": trace}  # fmt: skip


NAMES = {"gain": 0.3, "limit": 1.1}


def repeat(times, change=None, names=NAMES, keep=True):
    """What is recorded in so many runs, with a change before the last one."""
    things = parts()
    network = Network(*things.values())
    for number in range(times):
        if number == times - 1 and change is not None:
            names = change(things, network, dict(names)) or names
        if not keep:
            brian2genn.genn_device._prepared.forget(network)
        network.run(1 * ms, namespace=names)
    return np.array(things["trace"].v), np.array(things["spikes"].t / ms)


def test_brian_looks_twice_and_no_more(looks):
    network = Network(*parts().values())
    network.run(1 * ms, namespace=NAMES)
    assert looks() == (1, 1)
    network.run(1 * ms, namespace=NAMES)
    assert looks() == (1, 0)
    for _ in range(3):
        network.run(1 * ms, namespace=dict(NAMES))
        assert looks() == (0, 0)


def test_magic_runs(looks):
    things = parts()
    neurons, inputs, synapses, spikes, trace = things.values()
    for expected in ((1, 1), (1, 0), (0, 0), (0, 0)):
        run(1 * ms, namespace=NAMES)
        assert looks() == expected
    assert magic_network.t == 4 * ms
    assert len(trace.t) == 40
    again = SpikeMonitor(neurons)
    run(1 * ms, namespace=NAMES)
    assert looks() == (1, 1)
    assert len(again.t) == np.sum(spikes.t >= 4 * ms)
    assert inputs.name == "inputs"
    assert len(synapses) == 12


# -- what a script can change -------------------------------------------------------
def _connect(things, network, names):
    things["synapses"].connect(i=[0, 1], j=[2, 2])
    things["synapses"].w["True"] = "0.1 + 0.05*j"


def _delays(things, network, names):
    things["synapses"].delay = "0.1*ms*j"


def _array(things, network, names):
    things["synapses"].variables["_synaptic_post"].get_value()[3] = 5


def _time_step(things, network, names):
    defaultclock.dt = 0.05 * ms
    things["inputs"].set_spikes([0], [5.5] * ms)


def _number(things, network, names):
    names["gain"] = 0.5
    return names


def _integer(things, network, names):
    names["gain"] = 1
    return names


def _table_in_place(things, network, names):
    things["neurons"].namespace["drive"].values[:] *= 1.5


def _other_table(things, network, names):
    things["neurons"].namespace["drive"] = TimedArray([3.0, 1.0], dt=2 * ms)


def _inactive(things, network, names):
    things["synapses"].active = False


def _inactive_part(things, network, names):
    things["neurons"].resetter["spike"].active = False


def _order(things, network, names):
    things["trace"].when = "end"


def _schedule(things, network, names):
    network.schedule = ["start", "groups", "synapses", "thresholds", "resets", "end"]


def _removed(things, network, names):
    network.remove(things["inputs"], things["synapses"])


def _added(things, network, names):
    @network_operation(dt=0.1 * ms)
    def push():
        things["neurons"].v[0] += 0.2

    network.add(push)


def _state(things, network, names):
    things["neurons"].x = "0.5*i"
    things["neurons"].tau = 3 * ms


def _spikes(things, network, names):
    things["inputs"].set_spikes([1, 1], [4.3, 4.6] * ms)


def _restored(things, network, names):
    network.store()
    network.run(0.3 * ms, namespace=names)
    network.restore()


def _code(things, network, names):
    things["synapses"].pre.code = "v_post += 2*w"


def _function(things, network, names):
    names["limit"] = 0.9
    names["x"] = 3.0  # means nothing: the group has one
    return names


CHANGES = [
    _connect, _delays, _array, _time_step, _number, _integer, _table_in_place, _other_table,
    _inactive, _inactive_part, _order, _schedule, _removed, _added, _state, _spikes, _restored,
    _code, _function,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_is_seen(looks, change):
    kept = repeat(5, change)
    defaultclock.dt = 0.1 * ms
    anew = repeat(5, change, keep=False)
    defaultclock.dt = 0.1 * ms
    unchanged_one = repeat(5)
    for one, other in zip(kept, anew, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not all(
        a.shape == b.shape and np.array_equal(a, b)
        for a, b in zip(kept, unchanged_one, strict=True)
    ) or change in (_restored, _order)


def test_a_sweep_takes_numbers_only(looks):
    """Whatever happens to values, Brian does not look again; results are those of new networks."""
    gains = [0.3, 0.5, 1e-3, 0.7]
    things = parts()
    network = Network(*things.values())
    network.store()
    for gain in [1.0, 2.0, *gains]:
        network.restore()
        network.run(2 * ms, namespace={**NAMES, "gain": gain})
        if gain in gains:
            assert looks() == (0, 0)
            other = parts_anew({**NAMES, "gain": gain})
            looks()
            np.testing.assert_array_equal(things["trace"].v, other)
        else:
            looks()


def parts_anew(names):
    things = parts(prefix="other_")
    Network(*things.values()).run(2 * ms, namespace=names)
    return np.array(things["trace"].v)


def test_units_that_hang_on_a_number_are_checked(looks):
    group = NeuronGroup(1, "dv/dt = w**n/(volt**2*second) : 1\nw : volt", method="euler")
    network = Network(group)
    for _ in range(3):
        network.run(1 * ms, namespace={"n": 2.0})
    looks()
    with pytest.raises(Exception, match="preparing an object"):
        network.run(1 * ms, namespace={"n": 3.0})


def test_numbers_that_overflow_make_another_program(looks):
    def make():
        group = NeuronGroup(1, "dv/dt = ((x*a)*b)*c/second : 1\nx : 1\n", method="euler")
        group.x = 1e-200
        return group, Network(group)

    group, network = make()
    usual = {"a": 1.0, "b": 1.0, "c": 1.0}
    for names in (usual, usual, usual, dict(usual, a=1e200, b=1e200), usual,
                  dict(usual, a=1e200, b=1e-200, c=1e-200), dict(usual, a=1e200)):  # fmt: skip
        other, anew = make()
        group.v = 0
        network.run(1 * ms, namespace=names)
        anew.run(1 * ms, namespace=names)
        np.testing.assert_array_equal(group.v, other.v)


def _again(things, network, names):
    things["synapses"].active = True
    things["neurons"].resetter["spike"].active = True
    things["trace"].when = "start"


@pytest.mark.parametrize("number", range(4))
def test_any_sequence_of_changes(looks, number):
    """Runs with changes between some of them are those of a network that is always made anew."""
    left_out = (_time_step, _removed, _added, _array)
    choices = [change for change in CHANGES if change not in left_out]
    order = random.Random(number).choices([*choices, _again, *[None] * 8], k=15)
    results = []
    for keep in (True, False):
        names, things = dict(NAMES), parts(prefix=f"of_{keep}_")
        network = Network(*things.values())
        for change in order:
            if change is not None:
                names = change(things, network, dict(names)) or names
            if not keep:
                brian2genn.genn_device._prepared.forget(network)
            network.run(1 * ms, namespace=names)
        results.append((np.array(things["trace"].v), np.array(things["spikes"].t)))
    for kept, anew in zip(*results, strict=True):
        np.testing.assert_array_equal(kept, anew)


@pytest.mark.parametrize("change", [_number, _state, _delays, _restored, _connect])
def test_what_is_no_part_of_a_model_is_not_translated(looks, change):
    things = parts()
    network = Network(*things.values())
    for _ in range(3):
        network.run(1 * ms, namespace=NAMES)
    names = change(things, network, dict(NAMES)) or NAMES
    looks()
    network.run(1 * ms, namespace=names)
    assert looks()[1] == 0


def test_indices_that_do_not_fit_are_an_error(looks):
    things = parts()
    network = Network(*things.values())
    for _ in range(3):
        network.run(1 * ms, namespace=NAMES)
    things["synapses"].variables["_synaptic_post"].get_value()[3] = 6
    with pytest.raises(ValueError, match="has the value 6"):
        network.run(1 * ms, namespace=NAMES)
    things["synapses"].variables["_synaptic_post"].get_value()[3] = 1
    network.run(1 * ms, namespace=NAMES)
    assert len(things["trace"].t) == 40


def test_a_name_that_is_gone_is_an_error(looks):
    network = Network(*parts().values())
    for _ in range(3):
        network.run(1 * ms, namespace=NAMES)
    with pytest.raises(Exception, match="preparing an object") as caught:
        network.run(1 * ms, namespace={"gain": 1.0})
    assert "limit" in str(caught.value.__cause__)


def test_units_are_checked_when_a_number_gets_another_one(looks):
    network = Network(*parts().values())
    for _ in range(3):
        network.run(1 * ms, namespace=NAMES)
    with pytest.raises(Exception, match="preparing an object"):
        network.run(1 * ms, namespace={**NAMES, "gain": 1 * ms})


def test_a_quantity_that_is_changed_in_place(looks):
    rate = np.array(2.0) / second
    group = NeuronGroup(1, "dv/dt = rate : 1", method="euler")
    network = Network(group)
    for _ in range(3):
        network.run(1 * ms, namespace={"rate": rate})
    assert group.v[0] == pytest.approx(0.006)
    rate *= 10
    network.run(1 * ms, namespace={"rate": rate})
    assert group.v[0] == pytest.approx(0.026)


def test_a_function_of_brian_that_is_replaced(looks, monkeypatch):
    group = NeuronGroup(1, "dv/dt = exp(0*v)/second : 1", method="euler")
    network = Network(group)
    for _ in range(3):
        network.run(1 * ms)
    looks()
    monkeypatch.setitem(DEFAULT_FUNCTIONS, "exp", DEFAULT_FUNCTIONS["sin"])
    network.run(1 * ms)
    assert looks()[0] == 1


def test_preferences_and_profiling(looks):
    network = Network(*parts().values())
    for _ in range(3):
        network.run(1 * ms, namespace=NAMES)
    looks()
    prefs["core.default_float_dtype"] = np.float32
    network.run(1 * ms, namespace=NAMES)
    assert looks() == (1, 1)
    prefs["core.default_float_dtype"] = np.float64
    network.run(1 * ms, namespace=NAMES, profile=True)
    assert {name for name, _ in network.profiling_info} >= {"cells_stateupdater", "trace"}
    network.run(1 * ms, namespace=NAMES)
    assert network._profiling_info is None


def test_random_numbers_go_on(looks):
    def spikes(runs, length):
        seed(3)
        group = PoissonGroup(20, "rate*(i + 1)", namespace={"rate": 30 / second})
        monitor = SpikeMonitor(group)
        network = Network(group, monitor)
        for _ in range(runs):
            network.run(length)
        return np.array(monitor.t / ms), np.array(monitor.i)

    for short, long in zip(spikes(8, 2 * ms), spikes(1, 16 * ms), strict=True):
        np.testing.assert_array_equal(short, long)


def test_another_backend_and_back(looks):
    things = parts()
    network = Network(*things.values())
    for _ in range(3):
        network.run(1 * ms, namespace=NAMES)
    looks()
    set_device("genn", backend="cpu", threads=1)
    network.run(1 * ms, namespace=NAMES)
    network.run(1 * ms, namespace=NAMES)
    expected, _ = repeat(5)
    np.testing.assert_array_equal(things["trace"].v, expected)


def test_a_class_of_the_scripts_may_do_anything_before_a_run(looks):
    class Group(NeuronGroup):
        def before_run(self, run_namespace=None):
            self.v = 2.0
            super().before_run(run_namespace)

    group = Group(1, "dv/dt = 1/second : 1", method="euler")
    network = Network(group)
    for _ in range(4):
        network.run(1 * ms)
        assert group.v[0] == pytest.approx(2.001)


def test_a_run_that_fails_is_not_kept(looks):
    things, failed = parts(), []

    @network_operation(dt=0.5 * ms)
    def fail(t):
        if 3.2 * ms < t < 3.7 * ms and not failed:
            failed.append(t)
            raise RuntimeError("told to")

    network = Network(*things.values(), fail)
    for _ in range(3):
        network.run(1 * ms, namespace=NAMES)
    looks()
    with pytest.raises(RuntimeError, match="told to"):
        network.run(1 * ms, namespace=NAMES)
    assert len(things["trace"].t) == 35
    network.run(1 * ms, namespace=NAMES)
    assert looks()[1] == 1
    assert len(things["trace"].t) == 45


def test_what_is_kept_goes_with_the_objects(looks):
    things = parts()
    network = Network(*things.values())
    for _ in range(3):
        network.run(1 * ms, namespace=NAMES)
    references = [weakref.ref(thing) for thing in (*things.values(), network)]
    del things, network
    gc.collect()
    assert not any(reference() is not None for reference in references)


# -- what is in place of Brian's own code ----------------------------------------------
#: What the methods may call that are left out before a run, beside their base classes' methods.
#: They read, raise errors, warn, and make code.
_READ_ONLY = {
    "check_units", "check_subexpressions", "create_code_objects", "before_run", "super",
    "resolve_all", "parse_expression_dimensions", "fail_for_dimension_mismatch", "Quantity",
    "get_identifiers", "isinstance",
}  # fmt: skip


@pytest.mark.parametrize("method", sorted(CHECKING, key=lambda method: method.__qualname__))
def test_methods_that_are_left_out_only_check(method):
    """Where Brian's methods do more some day, this fails, and `Routine` has to do it, too."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(method))))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = {f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "?") for f in calls}
    names.discard("device_override")
    written = [
        target
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AugAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    ]
    assert names <= _READ_ONLY
    assert all(isinstance(target, ast.Name) for target in written), ast.dump(tree)


def test_what_networks_do_before_a_run():
    """The attributes that Brian's network sets: `Routine` sets the first two, the last is set."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(Network.before_run))))
    written = {
        target.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Attribute)
    }
    assert written == {"_stopped", "_globally_stopped", "_network"}


@pytest.mark.parametrize("kind", [Network, MagicNetwork])
def test_what_networks_do_after_a_run(kind):
    source = inspect.getsource(inspect.unwrap(Network.after_run))
    assert "for obj in self.sorted_objects:\n            if obj.active:\n" in source
    assert issubclass(kind, Network)


@pytest.mark.parametrize("dt", [0.1, 0.05, 1 / 3, 1e-3, 0.30000000000000004])
@pytest.mark.parametrize("start", [0.0, 0.1, 0.25, 1 / 3, 99.99999, 1e5 + 0.05])
@pytest.mark.parametrize("length", [0.0, 0.1, 1.0, 7.77])
def test_intervals_of_clocks_are_brians(dt, start, length):
    one, other = Clock(dt * ms), Clock(dt * ms)
    one.set_interval(start * ms, (start + length) * ms)
    set_interval(other, start * ms, (start + length) * ms)
    for name in ("t", "timestep", "dt"):
        values = [clock.variables[name].get_value() for clock in (one, other)]
        assert values[0].item() == values[1].item()
    assert one._i_end == other._i_end
    assert type(one._i_end) is type(other._i_end)


def test_an_interval_after_another_time_step_is_brians(monkeypatch):
    clock = Clock(0.1 * ms)
    clock.dt = 0.2 * ms
    with pytest.raises(ValueError, match="not a multiple"):
        set_interval(clock, 0.1 * ms, 1 * ms)
    assert unchanged.Clock is Clock
