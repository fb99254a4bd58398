"""Compiled objects and Python code in one network: the schedule, its price, and the arrays.

That values agree with Brian's runtime at each moment has more tests in
semantics/test_network_operations.py; here is the whole trail of a step.
"""

from collections import Counter

import numpy as np
import pytest
from brian2 import (
    Hz,
    Network,
    NetworkOperation,
    NeuronGroup,
    PoissonGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    defaultclock,
    ms,
    prefs,
    seed,
    set_device,
    start_scope,
)
from brian2.core.variables import ArrayVariable

import brian2genn
from brian2genn.backends.cpu.program import CpuProgram, Outcome
from tests import devices
from tests.semantics.harness import Cases, check, number, observe

cases = Cases()

SLOTS = [
    f"{prefix}{slot}"
    for slot in ["start", "groups", "thresholds", "synapses", "resets", "end"]
    for prefix in ("before_", "", "after_")
]


def parts() -> dict:
    """One object for each slot: update, threshold, delivery, reset, regular code, monitors."""
    source = SpikeGeneratorGroup(2, [0, 1, 0, 1], [0.1, 0.2, 0.4, 0.5] * ms, name="source")
    group = NeuronGroup(
        3,
        "dv/dt = (0.9 + 0.2*i)/ms : 1\nn : integer\nx : 1",
        threshold="v > 0.35",
        reset="v = 0\nn += 1",
        method="euler",
        name="group",
    )
    group.run_regularly("x = x*0.5 + v", when="before_synapses", order=2, name="regular")
    synapses = Synapses(
        source,
        group,
        "w : 1",
        on_pre={"first": "v_post += w", "second": "w += 0.01"},
        delay={"first": 0.1 * ms},
        name="synapses",
    )
    synapses.connect()
    synapses.w = "0.05*(1 + i + j)"
    return {
        "source": source,
        "group": group,
        "synapses": synapses,
        "spikes": SpikeMonitor(group, name="spikes"),
        "states": StateMonitor(group, ["v", "x"], record=True, name="states"),
    }


def look(objects: dict) -> list[float]:
    """All that an operation can see."""
    group, synapses, spikes, states = (
        objects[name] for name in ("group", "synapses", "spikes", "states")
    )
    return [
        number(defaultclock.t),
        *group.v[:],
        *group.x[:],
        *group.n[:],
        *synapses.w[:],
        float(np.sum(group.spikes)),
        float(len(group.spikes)),
        float(spikes.num_spikes),
        float(len(states.t)),
        float(np.sum(states.x[-1])) if len(states.t) else 0.0,
    ]


@cases.over(writing=[False, True], order=[-1, 0, 1, 5])
def an_operation_in_each_slot(writing, order):
    """Eighteen operations a step; each sees what is before it and what is behind has not begun."""
    objects = parts()
    trail = []

    def operation(place):
        def function(t):
            trail.append([float(place), *look(objects)])
            if writing:
                objects["group"].v[place % 3] += 0.001 * (place + 1)
                objects["synapses"].w[place % 6] *= 1.01

        return NetworkOperation(function, when=SLOTS[place], order=order, name=f"op_{place}")

    network = Network(objects.values(), [operation(place) for place in range(len(SLOTS))])
    network.run(1 * ms)
    return observe(network=network, trail=np.array(trail), **objects)


@cases.over(dt=[0.05, 0.1, 0.25, 0.3, 1.0])
def operations_with_clocks_of_their_own(dt):
    objects = parts()
    trail = []

    def operation(place, dt):
        def function(t):
            trail.append([float(place), number(t), *look(objects)])
            objects["group"].v[0] += 0.01

        return NetworkOperation(function, when=SLOTS[place], dt=dt, name=f"op_{place}")

    network = Network(
        objects.values(),
        operation(0, dt * ms),
        operation(7, 0.2 * ms),
        operation(11, dt * ms),
        operation(17, 0.5 * ms),
    )
    network.run(0.7 * ms)
    network.run(1.3 * ms)
    return observe(network=network, trail=np.array(trail), **objects)


@cases
def operations_among_equal_orders():
    """Equal slot and order: by name, compiled or not."""
    group = NeuronGroup(1, "x : 1", name="group")
    for name, code in {"b_regular": "x = x*2", "d_regular": "x = x + 3"}.items():
        group.run_regularly(code, when="groups", order=1, name=name)
    trail = []

    def operation(name):
        def function():
            trail.append(group.x[0])
            group.x = group.x + 1

        return NetworkOperation(function, when="groups", order=1, name=name)

    network = Network(group, [operation(name) for name in ("a", "c", "e")])
    network.run(0.5 * ms)
    return observe(network=network, group=group, trail=np.array(trail))


@cases
def another_network_in_an_operation():
    """With a clock of its own, as Brian needs it; the outer run goes on as if it had not been."""
    objects = parts()
    inner_group = NeuronGroup(
        2, "dv/dt = 1/ms : 1", threshold="v > 0.3", reset="v = 0", method="euler", dt=0.05 * ms
    )
    inner_spikes = SpikeMonitor(inner_group)
    inner = Network(inner_group, inner_spikes)
    trail = []

    def function(t):
        inner.run(0.25 * ms)
        trail.append([*look(objects), inner_spikes.num_spikes, number(inner.t_)])

    network = Network(
        objects.values(), NetworkOperation(function, dt=0.3 * ms, when="synapses", name="op")
    )
    network.run(2 * ms)
    return observe(
        network=network, trail=np.array(trail), inner=inner_group, spikes_in=inner_spikes, **objects
    )


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)


@pytest.fixture
def on_genn():
    if devices.DEVICE != "genn":
        pytest.skip("of the device's own programs")
    set_device("genn")
    prefs.codegen.target = "numpy"
    start_scope()


def noisy(name: str) -> NeuronGroup:
    return NeuronGroup(4, "dv/dt = xi*ms**-0.5 : 1", method="euler", name=name)


def test_a_network_in_an_operation_draws_its_own_numbers(on_genn):
    """The streams of two runs, one inside the other, have nothing in common; all is repeatable."""

    def draw():
        start_scope()
        seed(5)
        outer = noisy("outer")
        inner = NeuronGroup(4, "dv/dt = xi*ms**-0.5 : 1", method="euler", dt=0.1 * ms, name="inner")
        inner_network = Network(inner)
        values = []

        def function():
            before = np.array(inner.v)
            inner_network.run(0.1 * ms)
            values.append(np.array(inner.v) - before)

        states = StateMonitor(outer, "v", record=True, when="before_groups", name="outer_states")
        network = Network(outer, states, NetworkOperation(function, dt=0.2 * ms, name="op"))
        network.run(2 * ms)
        return np.diff(np.array(states.v), axis=1).ravel(), np.concatenate(values)

    outer, inner = draw()
    assert len(outer) == 4 * 19 and len(inner) == 4 * 10
    numbers = np.abs(np.concatenate([outer, inner]))
    distances = np.diff(np.sort(numbers))
    assert np.min(distances) > 1e-9
    for again, first in zip(draw(), (outer, inner), strict=True):
        np.testing.assert_array_equal(again, first)


def test_a_seed_in_an_operation(on_genn):
    """It takes effect with the next step."""

    def draw(first_seed):
        start_scope()
        seed(first_seed)
        group = noisy("group")
        states = StateMonitor(group, "v", record=True)

        def function(t):
            if abs(number(t) - 0.001) < 1e-9:
                seed(77)

        network = Network(group, states, NetworkOperation(function, when="end", name="op"))
        network.run(2 * ms)
        return np.diff(np.array(states.v), axis=1)

    one, other = draw(1), draw(2)
    np.testing.assert_allclose(one[:, 11:], other[:, 11:], rtol=1e-6)
    assert not np.any(np.isclose(one[:, :10], other[:, :10]))


@pytest.fixture
def calls(monkeypatch):
    """How often a program is called, and why it came back."""
    # there is one program only, which is bound once
    devices.set_defaults(monkeypatch, processor=devices.processor(fitted_from=10**9))
    counted: Counter = Counter()
    run_, block, bind = CpuProgram.run, CpuProgram.block, CpuProgram._take

    def counting_run(self, seconds):
        outcome = run_(self, 1000.0)  # how long a stay may be does not matter here
        counted[outcome] += 1
        return outcome

    def counting_block(self, number):
        counted["blocks"] += 1
        block(self, number)

    def counting_bind(self, arrays):
        counted["bindings"] += 1
        bind(self, arrays)

    monkeypatch.setattr(CpuProgram, "run", counting_run)
    monkeypatch.setattr(CpuProgram, "block", counting_block)
    monkeypatch.setattr(CpuProgram, "_take", counting_bind)
    return counted


def network_with_operations(*dts) -> Network:
    objects = parts()
    operations = [
        NetworkOperation(lambda: None, dt=dt, when="groups", order=-1, name=f"op_{k}")
        for k, dt in enumerate(dts)
    ]
    return Network(objects.values(), operations)


def test_without_python_the_program_is_called_once(on_genn, calls):
    network_with_operations().run(100 * ms)
    assert calls == {Outcome.FINISHED: 1, "bindings": 1}


def test_steps_between_operations_are_not_slowed(on_genn, calls):
    """Of 10,000 steps, Python has a part in the 10 in which the operation is due, and in no other;
    such a step is two stretches."""
    network_with_operations(100 * ms).run(1000 * ms)
    assert calls == {Outcome.HOST_IS_NEXT: 10, Outcome.FINISHED: 1, "blocks": 20, "bindings": 1}


def test_operations_that_meet_share_a_step(on_genn, calls):
    """Every 1 ms and every 1.5 ms: 20 + 14 in 20 ms, of which 7 are the same step."""
    network_with_operations(1 * ms, 1.5 * ms).run(20 * ms)
    assert calls[Outcome.HOST_IS_NEXT] == 20 + 14 - 7
    assert calls[Outcome.FINISHED] == 1
    assert calls["bindings"] == 1


def test_an_operation_that_is_switched_off_costs_nothing(on_genn, calls):
    network = network_with_operations(0.1 * ms)
    network["op_0"].active = False
    network.run(10 * ms)
    assert calls == {Outcome.FINISHED: 1, "bindings": 1}


def addresses(network: Network) -> dict[str, int]:
    """Where the arrays of all objects lie."""
    return {
        f"{obj.name}.{name}": variable.get_value().__array_interface__["data"][0]
        for obj in network.sorted_objects
        if hasattr(obj, "variables")
        for name, variable in obj.variables.items()
        if isinstance(variable, ArrayVariable) and np.size(variable.get_value())
    }


def place_of(array) -> int:
    """Where a Brian variable or an array of the program's own lies."""
    return (array if isinstance(array, np.ndarray) else array.get_value()).ctypes.data


def test_a_program_works_on_brians_own_arrays(on_genn, monkeypatch):
    """What is bound is the memory of Brian's variables, at each binding; nothing is copied."""
    bound: list[dict[str, int]] = []
    bind = CpuProgram._take

    def watched(self, arrays):
        bind(self, arrays)
        pointers = self._context.arrays
        bound.append({name: pointers[k] for k, name in enumerate(self.source.arrays)})
        assert bound[-1] == {name: place_of(arrays[name]) for name in self.source.arrays}

    monkeypatch.setattr(CpuProgram, "move", watched)
    objects = parts()
    poisson = PoissonGroup(3, 1000 * Hz, name="poisson")
    more = Synapses(poisson, objects["group"], on_pre="v_post += 0.01", name="more")
    more.connect(p=0.5)
    seen = []

    def operation():
        seen.append(addresses(network))

    network = Network(
        objects.values(), poisson, more, NetworkOperation(operation, dt=1 * ms, name="op")
    )
    before = addresses(network)
    objects["group"].v = 0.1  # a value written is written into the same memory
    network.run(5 * ms)
    after = addresses(network)
    monitors = ("spikes", "states")  # these grow
    for at in [*seen, after]:
        for name, address in before.items():
            if not name.startswith(monitors):
                assert at[name] == address, name
    addresses_bound = bound[0]  # again where the operation has asked for indices: these are checked
    assert all(again == addresses_bound for again in bound)
    known = set(before.values())
    names = {name for name, address in addresses_bound.items() if address in known}
    for expected in ("v", "n", "x", "w", "synaptic_post"):
        assert any(name.split("__")[-1].strip("_").endswith(expected) for name in names), (
            expected,
            sorted(addresses_bound),
        )
    assert network["group"].variables["v"].get_value().ctypes.data in addresses_bound.values()
    assert network["synapses"].variables["w"].get_value().ctypes.data in addresses_bound.values()


def test_arrays_that_an_operation_moves(on_genn):
    """The rest of that very step writes into the new ones."""
    group = NeuronGroup(3, "v : 1", threshold="True", name="group")
    synapses = Synapses(group, group, "w : 1", on_pre="v_post += 1\nw += 1", name="synapses")
    synapses.connect(j="i")

    def operation(t):
        if abs(number(t) - 0.0005) < 1e-9:
            array = synapses.variables["w"]
            array.resize(5000)
            array.resize(3)

    run_network = Network(group, synapses, NetworkOperation(operation, name="op"))
    run_network.run(1 * ms)
    np.testing.assert_array_equal(group.v, [10, 10, 10])
    np.testing.assert_array_equal(synapses.w, [10, 10, 10])


def test_explain_counts_both(on_genn):
    network = network_with_operations(1 * ms)
    network.run(1 * ms)
    explanation = brian2genn.explain(network)
    assert explanation.count("Brian") == 1
    assert explanation.count("compiled") >= 8
