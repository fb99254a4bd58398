"""What goes wrong in our own passes for one object: Brian runs it, and everything else goes on."""

import functools
import importlib
import logging
import sys

import numpy as np
import pytest
from brian2 import (
    Function,
    Network,
    NeuronGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    ms,
    prefs,
    set_device,
)

import brian2genn
from brian2genn.backends.host import interpreter
from brian2genn.frontend.builder import NetworkBuilder
from brian2genn.model.network import Host
from brian2genn.runtime.network.connection import Connection
from tests import devices
from tests.backends.pygenn import double


def run_network() -> dict[str, np.ndarray]:
    """A network with a piece of everything that passes treat differently."""
    cells = NeuronGroup(
        5,
        "dv/dt = (1.5 - v)/(2*ms) : 1 (unless refractory)\nn : 1",
        threshold="v > 1",
        reset="v = 0",
        refractory=0.3 * ms,
        method="euler",
        name="cells",
    )
    cells.v = "i/5.0"
    synapses = Synapses(
        cells, cells, "w : 1", on_pre="n_post += w", delay=0.2 * ms, name="synapses"
    )
    synapses.connect(j="(i + 1) % 5")
    synapses.w = "i + 0.5"
    spikes = SpikeMonitor(cells, name="spikes")
    values = StateMonitor(cells, ["v", "n"], record=True, name="values")
    Network(cells, synapses, spikes, values).run(6 * ms)
    found = {
        "spikes.i": spikes.i[:],
        "spikes.t": spikes.t[:],
        "values": values.v[:],
        "n": cells.n[:],
        "recorded n": values.n[:],
    }
    # Brian's arrays go with their monitors
    return {name: np.array(value) for name, value in found.items()}


OBJECTS = ("cells_stateupdater", "cells_spike_thresholder", "cells_spike_resetter", "synapses_pre",
           "spikes", "values")  # fmt: skip

#: Functions that work on one object at a time, by backend.
PASSES = {
    "cpu": (
        "brian2genn.frontend.network._read",
        "brian2genn.model.verify._Seen.of_step",
        "brian2genn.transforms.specialise.specialise_kernel",
        "brian2genn.transforms.simplify.simplify_kernel",
        "brian2genn.transforms.shares._can_follow",
        "brian2genn.codegen.c.steps.StepsPrinter._print",
    ),
    "cuda": (
        "brian2genn.frontend.network._read",
        "brian2genn.transforms.scatter.separate_additions",
        "brian2genn.transforms.stages.Planner._place",
        "brian2genn.codegen.cuda.program.declare",
        "brian2genn.codegen.cuda.program._Printer._print_step",
    ),
}


def _is_about(argument: object, name: str) -> bool:
    if isinstance(argument, Host):
        return False
    owner = getattr(argument, "owner", None)
    origin = getattr(argument, "origin", "")
    return name in (owner, getattr(argument, "name", "")) or f"'{name}'" in str(origin)


@pytest.fixture
def fail(monkeypatch):
    """Makes a function fail when it works on an object (on any, without a name)."""

    def patch(place, name="", error=ZeroDivisionError):
        module = place
        while module not in sys.modules:
            module = module.rpartition(".")[0]
            if "." not in module:
                importlib.import_module(place.rpartition(".")[0])
        *between, last = place.removeprefix(f"{module}.").split(".")
        holder = functools.reduce(getattr, between, sys.modules[module])
        original = getattr(holder, last)

        @functools.wraps(original)
        def failing(*arguments, **options):
            if not name or any(_is_about(argument, name) for argument in arguments):
                raise error("a fault")
            return original(*arguments, **options)

        monkeypatch.setattr(holder, last, failing)

    return patch


@pytest.fixture(scope="module")
def expected():
    devices.reset()
    set_device("runtime")
    prefs.codegen.target = "numpy"
    result = run_network()
    devices.reset()
    return result


def select(backend):
    if backend == "cuda":
        from tests.cuda_shim.driver import ShimDriver

        devices.use(ShimDriver())
    set_device("genn", backend=backend)


@pytest.fixture(autouse=True)
def _another_device_afterwards():
    yield
    brian2genn.genn_device.build_options = {}
    set_device("runtime")
    devices.reset()
    devices.use(None)


CASES = [
    (backend, place, OBJECTS[number % len(OBJECTS)])
    for backend, places in PASSES.items()
    for number, place in enumerate(places)
]
CASES += [("cpu", PASSES["cpu"][0], name) for name in OBJECTS[1:]]


@pytest.mark.parametrize(("backend", "place", "name"), CASES)
def test_a_pass_that_fails_for_one_object(backend, place, name, fail, expected):
    select(backend)
    fail(place, name)
    found = run_network()
    for what, values in expected.items():
        np.testing.assert_allclose(found[what], values, rtol=1e-12, err_msg=what)
    explanation = brian2genn.explain()
    by_brian = {p.name: p.reason for p in explanation.placements if p.where == "Brian"}
    assert by_brian == {name: "the compiler has failed (ZeroDivisionError: a fault)"}
    assert explanation.where(
        "cells_stateupdater" if name != "cells_stateupdater" else "spikes"
    ) == ("compiled")


@pytest.mark.parametrize(
    "place", ["brian2genn.codegen.c.program.tidy", "brian2genn.codegen.c.program.declarations"]
)
def test_what_fails_for_the_whole_network_leaves_all_of_it_to_brian(
    place, fail, expected, monkeypatch
):
    select("cpu")
    module = sys.modules["brian2genn.codegen.c.program"]
    name = place.rpartition(".")[2]
    original, calls = getattr(module, name), []

    def failing_once(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise KeyError("a fault")
        return original(*arguments)

    monkeypatch.setattr(module, name, failing_once)
    found = run_network()
    np.testing.assert_allclose(found["values"], expected["values"], rtol=1e-12)
    explanation = brian2genn.explain()
    assert explanation.count("compiled") == 0
    assert explanation.count("Brian") == len(OBJECTS)


def test_what_fails_without_any_object_is_an_error(fail):
    select("cpu")
    fail("brian2genn.codegen.c.program.tidy")
    cells = NeuronGroup(5, "dv/dt = 1/ms : 1", method="euler")
    with pytest.raises(ZeroDivisionError, match="a fault"):
        Network(cells).run(1 * ms)


@pytest.mark.parametrize(
    "place", ["brian2genn.frontend.network._read", "brian2genn.transforms.simplify.simplify_kernel"]
)
def test_developers_get_the_error(place, fail):
    select("cpu")
    prefs["devices.genn.debug"] = True
    fail(place, "cells_stateupdater")
    with pytest.raises(ZeroDivisionError, match="a fault"):
        run_network()


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("place", PASSES["cpu"][:4])
def test_what_is_no_defect_passes_through(place, error, fail):
    select("cpu")
    fail(place, "cells_stateupdater", error)
    with pytest.raises(error):
        run_network()


def test_it_is_told_once_with_what_to_report(fail, caplog):
    select("cpu")
    fail("brian2genn.transforms.simplify.simplify_kernel", "told_once_stateupdater")
    cells = NeuronGroup(5, "dv/dt = 1/(3*ms) : 1", method="euler", name="told_once")
    network = Network(cells)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            network.run(0.5 * ms)
    told = [record.getMessage() for record in caplog.records if "has failed" in record.getMessage()]
    assert len(told) == 1
    assert "Please report it" in told[0]
    np.testing.assert_allclose(cells.v[:], 0.5)


@pytest.mark.parametrize(
    "place",
    [
        "brian2genn.runtime.code.setup.translate_setup",
        "brian2genn.model.verify._Seen.of_step",
        "brian2genn.codegen.c.setup.user_arrays",
        "brian2genn.codegen.c.setup.SetupPrinter._print",
        "brian2genn.codegen.instructions._Writer.write",
    ],
)
def test_set_up_code(place, fail, monkeypatch):
    select("cpu")
    if "codegen.c.setup" in place:
        monkeypatch.setattr(interpreter, "_MOST", -1)
    fail(place)
    cells = NeuronGroup(4, "v : 1", name="cells")
    cells.v = "2*i"
    synapses = Synapses(cells, cells, "w : 1", name="synapses")
    synapses.connect("i < j")
    synapses.w = "v_pre + 1"
    assert list(cells.v) == [0, 2, 4, 6]
    assert list(synapses.w) == [1, 1, 1, 3, 3, 5]
    Network(cells, synapses).run(0 * ms)
    setup = brian2genn.explain().setup
    assert {p.where for p in setup} == {"Brian"}
    assert {p.reason for p in setup} == {"the compiler has failed (ZeroDivisionError: a fault)"}


def test_genn_leaves_a_monitor_to_brian(fail, monkeypatch):
    monkeypatch.setitem(sys.modules, "pygenn", double.module())
    set_device("genn", backend="pygenn")
    fail("brian2genn.backends.pygenn.translate.Translator._attempt", "values")
    run_network()
    explanation = brian2genn.explain()
    assert explanation.where("values") == "Brian"
    assert explanation.where("cells_stateupdater") == "compiled"


def test_all_that_a_builder_has_is_put_back():
    """A new attribute of a builder has to be one that a transaction can keep."""
    builder = NetworkBuilder()
    before = {name: repr(value) for name, value in vars(builder).items()}
    with pytest.raises(ZeroDivisionError), builder.transaction():
        for value in vars(builder).values():
            _spoil(value)
        builder.added = 1
        raise ZeroDivisionError
    assert {name: repr(value) for name, value in vars(builder).items()} == before


def _spoil(value):
    if isinstance(value, dict):
        value["something"] = "new"
    elif isinstance(value, list):
        value.append("new")
    elif isinstance(value, set):
        value.add("new")
    elif hasattr(value, "__dict__"):
        for part in vars(value).values():
            _spoil(part)


def test_a_builder_refuses_what_it_cannot_put_back():
    builder = NetworkBuilder()
    builder.strange = object()
    with pytest.raises(TypeError, match="how to keep"), builder.transaction():
        pass


def test_what_a_builder_holds_is_not_changed_in_place(monkeypatch):
    """Transactions keep collections, not what is in them."""
    seen = []
    original = NetworkBuilder.user_text

    def look(builder):
        seen.append(builder)
        return original(builder)

    monkeypatch.setattr(NetworkBuilder, "user_text", look)
    select("cpu")
    run_network()
    for value in vars(seen[-1]).values():
        for collection in (
            (value, *vars(value).values()) if hasattr(value, "__dict__") else (value,)
        ):
            if isinstance(collection, dict | list | set):
                items = collection.values() if isinstance(collection, dict) else collection
                assert not any(isinstance(item, dict | list | set) for item in items)


only_python = Function(lambda x: 2 * x, arg_units=[1], return_unit=1)


@pytest.mark.parametrize("backend", ["cpu", "cuda", "pygenn"])
def test_what_was_half_read_leaves_nothing_behind(backend, monkeypatch):
    if backend == "pygenn":
        monkeypatch.setitem(sys.modules, "pygenn", double.module())
    select(backend)
    group = NeuronGroup(
        3, "dv/dt = rate : 1\nrate : Hz\ny = only_python(v + offset) : 1", method="euler",
        namespace={"only_python": only_python, "offset": 2.5}, name="cells",
    )  # fmt: skip
    group.rate = "i/ms"
    monitor = StateMonitor(group, ["rate", "y"], record=True, name="half")
    taken = StateMonitor(group, "v", record=True, name="taken")
    seen = []
    original = Connection.connect

    def look(connection, net, prepared, *rest):
        seen.append(prepared.translation)
        return original(connection, net, prepared, *rest)

    monkeypatch.setattr(Connection, "connect", look)
    Network(group, monitor, taken).run(0.3 * ms)
    (translation,) = seen
    assert brian2genn.explain().where("half") == "Brian"
    assert "offset" not in translation.network.params
    assert not any(array.owner == "half" for array in translation.network.arrays.values())
    assert [plan.monitor for plan in translation.bindings.recorders] == [taken]
    if backend != "pygenn":  # the double simulates nothing
        np.testing.assert_allclose(monitor.y[:], 2 * (taken.v[:] + 2.5))
