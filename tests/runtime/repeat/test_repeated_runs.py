"""``device.run(run_args=...)``: what a script has run is repeated with other values."""

import multiprocessing
import warnings

import brian2
import numpy as np
import pytest
from brian2 import (
    DimensionMismatchError,
    Hz,
    Network,
    NeuronGroup,
    PoissonGroup,
    PopulationRateMonitor,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    defaultclock,
    magic_network,
    ms,
    mV,
    nA,
    network_operation,
    run,
    seed,
    set_device,
    siemens,
    volt,
)
from brian2.devices import device_module

import brian2genn
from brian2genn.backends.host import toolchain
from tests import devices

pytestmark = pytest.mark.skipif(devices.DEVICE != "genn", reason="what the device genn can do")


@pytest.fixture(autouse=True)
def _recorded():
    set_device("genn", build_on_run=False)


def again(run_args=None, **arguments):
    brian2.device.run(run_args=run_args, **arguments)


# -- the same results as from a standalone program -------------------------------------
def program():
    """A script with three runs, what is changed between them, and its results.

    Yields the objects once everything is recorded, then results as often as it is asked.
    """
    stimulus = TimedArray([1, 2, 3, 4] * nA, dt=1 * ms, name="stimulus")
    cells = NeuronGroup(
        4,
        """dv/dt = (I + stimulus(t)/nA - v)/(5*ms) : 1
        I : 1
        n : integer
        shared : 1 (shared)
        on : boolean""",
        threshold="v > 0.9",
        reset="v = 0",
        method="euler",
        name="cells",
    )
    cells.v, cells.I = "i*0.1", 1
    synapses = Synapses(cells, cells, "w : 1", on_pre="v_post += w", name="synapses")
    synapses.connect(condition="i != j")
    synapses.w, synapses.delay = "0.01*(i + 1)", "(j + 1)*0.2*ms"
    generator = SpikeGeneratorGroup(2, [0, 1], [0.5, 1.5] * ms, name="generator")
    input_ = Synapses(generator, cells, on_pre="v_post += 0.3", name="input")
    input_.connect(j="i")
    spikes = SpikeMonitor(cells, name="spikes")
    values = StateMonitor(cells, ["v", "I"], record=True, name="values")
    rate = PopulationRateMonitor(cells, name="rate")
    network = Network(cells, synapses, generator, input_, spikes, values, rate)
    w0 = 0.3
    network.run(2 * ms)
    w0 = 0.4
    cells.I[1:3] = 0.5
    cells.v["i > 2"] = "w0*I"
    synapses.w["i == 1"] = 0.2
    network.run(2 * ms)
    w0 = 100  # it is 0.4 where it was used
    spikes.active = False
    cells.I = 1
    cells.n = "i + 2"
    network.run(1 * ms)
    cells.shared = 7
    yield {"stimulus": stimulus, "cells": cells, "synapses": synapses}
    while True:
        yield {
            "spike times": np.array(spikes.t / ms),
            "spikes": np.array(spikes.i),
            "values": np.array(values.v),
            "input": np.array(values.I),
            "rate": np.array(rate.rate / Hz),
            "n": np.array(cells.n),
            "on": np.array(cells.on),
            "shared": np.array(cells.shared),
            "w": np.array(synapses.w),
            "t": network.t / ms,
        }


def given(objects):
    """Values to run with, in all their forms."""
    cells, synapses, stimulus = objects["cells"], objects["synapses"], objects["stimulus"]
    return [
        {cells.I: 2},
        {stimulus: [1, 0, 0, 9] * nA},
        {synapses.w: np.linspace(0, 1, 12), cells.shared: [3.0]},
        {cells.v: [0.5, 0.6, 0.7, 0.8], cells.n: 3.0, cells.on: True},
        ["cells.I=2", "stimulus.values=2e-9", "cells.on=True", "cells.n=-3"],
        None,
    ]


def check_equal(found, expected):
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-12, err_msg=name)


def test_a_repetition_without_values_is_the_same_run():
    results = program()
    next(results)
    first = next(results)
    brian2.device.build(run=False)
    for _ in range(3):
        again()
        check_equal(next(results), first)


def test_values_make_the_difference_that_they_make_in_a_script():
    """The same program, with the value set before the first run."""
    results = program()
    objects = next(results)
    first = next(results)
    again({objects["synapses"].w: 0.5, objects["cells"].shared: 3, objects["cells"].I: 2})
    other = next(results)
    assert len(other["spikes"]) != len(first["spikes"])
    np.testing.assert_allclose(other["input"][:, 0], 2)
    np.testing.assert_allclose(other["input"][1:3, 25], 0.5)  # set between the runs
    np.testing.assert_allclose(other["input"][[0, 3], 25], 2)
    np.testing.assert_allclose(other["input"][:, 45], 1)
    assert other["w"].tolist() == [0.5] * 3 + [0.2] * 3 + [0.5] * 6
    assert other["shared"] == 7  # set after the last run
    again()
    check_equal(next(results), first)


@pytest.mark.slow
def test_results_are_those_of_a_standalone_program(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results = program()
    objects = next(results)
    found = []
    for run_args in given(objects):
        again(run_args, results_directory="results_1", with_output=False)
        found.append(next(results))
    set_device("cpp_standalone", build_on_run=False)
    results = program()
    objects = next(results)
    brian2.device.build(run=False, directory=str(tmp_path / "code"), with_output=False)
    try:
        for ours, run_args in zip(found, given(objects), strict=True):
            again(run_args, results_directory="results_1", with_output=False)
            check_equal(ours, next(results))
    finally:
        brian2.device.reinit()


def test_nothing_is_compiled_again(monkeypatch):
    results = program()
    objects = next(results)
    calls = []
    monkeypatch.setattr(toolchain, "_compile", lambda *args: calls.append(args))
    if devices.shim is not None:
        monkeypatch.setattr(devices.shim, "build", lambda *args, **kwargs: calls.append(args))
    for run_args in given(objects):
        again(run_args)
    assert not calls


def test_a_loop_can_collect_arrays():
    """What was taken of one repetition does not become what the next one gives."""
    cells = NeuronGroup(3, "dv/dt = I/ms : 1\nI : 1", method="euler")
    monitor = StateMonitor(cells, "v", record=True)
    network = Network(cells, monitor)
    network.run(1 * ms)
    kept, recorded = [], []
    for value in (1, 2, 3):
        again({cells.I: value})
        kept.append(cells.v[:])
        recorded.append(monitor.v)
    for value, values, rows in zip((1, 2, 3), kept, recorded, strict=True):
        np.testing.assert_allclose(values, value)
        np.testing.assert_allclose(rows[:, 5], value / 2)


# -- what is repeated ------------------------------------------------------------------------
def test_the_script_in_brians_examples():
    """standalone_multiplerun.py: one network for many time constants."""
    source = PoissonGroup(100, rates=100 * Hz)
    cell = NeuronGroup(
        1, "dv/dt = -v/tau : 1\ntau : second (constant)", threshold="v > 1", reset="v = 0",
        method="euler",
    )  # fmt: skip
    synapses = Synapses(source, cell, on_pre="v += 0.1")
    synapses.connect()
    spikes = SpikeMonitor(cell)
    network = Network(source, cell, synapses, spikes)
    network.run(200 * ms)
    brian2.device.build(run=False)
    counts = []
    for tau in np.array([0.2, 3, 30]) * ms:
        again({cell.tau: tau})
        counts.append(spikes.num_spikes)
    assert counts[0] < counts[1] < counts[2]


def test_rates_of_a_poisson_group():
    source = PoissonGroup(50, rates=np.full(50, 10) * Hz)
    spikes = SpikeMonitor(source)
    network = Network(source, spikes)
    network.run(100 * ms)
    brian2.device.build(run=False)
    again({source.rates: np.full(50, 1000) * Hz})
    assert spikes.num_spikes > 1000
    again({source.rates: 0 * Hz})
    assert spikes.num_spikes == 0


def test_random_numbers_are_new_ones_unless_they_are_seeded():
    def times(seeded):
        brian2.device.reinit()
        seed(17 if seeded else None)
        source = PoissonGroup(20, rates=200 * Hz)
        spikes = SpikeMonitor(source)
        network = Network(source, spikes)
        network.run(20 * ms)
        found = [list(spikes.t / ms)]
        for _ in range(2):
            again()
            found.append(list(spikes.t / ms))
        return found

    first, second, third = times(seeded=False)
    assert first != second != third != first
    first, second, third = times(seeded=True)
    assert first == second == third


def test_a_seed_between_runs_is_repeated():
    cells = NeuronGroup(5, "x : 1")
    cells.run_regularly("x = rand()")
    network = Network(cells)
    network.run(1 * ms)
    seed(3)
    network.run(1 * ms)
    first = cells.x[:].copy()
    for _ in range(2):
        again()
        np.testing.assert_array_equal(cells.x, first)


def test_from_apply_run_args_on_everything_is_repeated():
    """As Brian's test of dependencies, and with synapses that depend on values."""
    cells = NeuronGroup(6, "v : volt\nw : 1", name="cells")
    cells.v = np.arange(6) * volt
    brian2.device.apply_run_args()
    cells.w = "v/volt*2"
    synapses = Synapses(cells, cells, "x : 1")
    synapses.connect(j="i", skip_if_invalid=True)
    synapses.connect("v_pre > 3*volt and i == j")
    synapses.x = "w_post + 1"
    target = NeuronGroup(1, "s : 1")
    into = Synapses(cells, target, "u : 1\ns_post = u*w_pre : 1 (summed)")
    into.connect("v_pre > 1*volt")
    into.u = 1
    monitor = StateMonitor(target, "s", record=0)
    Network(cells, synapses, target, into, monitor).run(0.2 * ms)

    def results():
        return len(synapses), list(synapses.x), len(into), monitor.s[0, -1], list(cells.w)

    first = results()
    assert first == (8, [1, 3, 5, 7, 9, 11, 9, 11], 4, 28, [0, 2, 4, 6, 8, 10])
    again({cells.v: 5 * volt})
    assert results() == (12, [11] * 12, 6, 60, [10] * 6)
    again(["cells.v=0"])
    assert results() == (6, [1] * 6, 0, 0, [0] * 6)
    again()
    assert results() == first
    with pytest.raises(RuntimeError, match="can only be called once"):
        brian2.device.apply_run_args()


def test_what_brian_has_no_hook_for_is_put_back():
    """Spikes of a generator, time steps, settings and contents of a network, namespaces."""
    generator = SpikeGeneratorGroup(2, [0, 1], [0.5, 0.6] * ms)
    cells = NeuronGroup(1, "dv/dt = rate : 1", method="euler", namespace={"rate": 1 / ms})
    spikes = SpikeMonitor(generator)
    values = StateMonitor(cells, "v", record=0, dt=0.5 * ms)
    network = Network(generator, cells, spikes, values)
    network.run(1 * ms)
    generator.set_spikes([1, 0, 1], [1.2, 1.4, 1.6] * ms)
    cells.namespace["rate"] = 10 / ms
    values.clock.dt = 0.25 * ms
    network.run(1 * ms)
    late = SpikeMonitor(generator)
    network.add(late)
    cells.run_regularly("v = 0", dt=0.5 * ms)
    spikes.active = False
    generator.set_spikes([0], [2.5] * ms)
    network.run(1 * ms)

    def results():
        return [
            list(np.round(spikes.t / ms, 6)), list(spikes.i), list(np.round(late.t / ms, 6)),
            list(np.round(values.t / ms, 6)), list(np.round(values.v[0], 6)), len(network.objects),
            list(np.round(cells.v, 6)),
        ]  # fmt: skip

    first = results()
    assert first[0] == [0.5, 0.6, 1.2, 1.4, 1.6]
    assert first[2] == [2.5]
    for _ in range(2):
        again()
        assert results() == first


def test_store_and_restore_are_repeated():
    cells = NeuronGroup(1, "dv/dt = I/ms : 1\nI : 1", method="euler")
    values = StateMonitor(cells, "v", record=0)
    network = Network(cells, values)
    network.run(1 * ms)
    network.store()
    network.run(1 * ms)
    network.restore()
    cells.I = 1
    network.run(1 * ms)
    again({cells.I: 3, cells.v: 1})
    assert network.t == 2 * ms
    np.testing.assert_allclose(cells.v, 5)
    np.testing.assert_allclose(values.v[0, [0, 10, 15]], [1, 4, 4.5])


def test_simulations_of_the_magic_network():
    """The second one begins at 0 with objects of its own."""

    def simulate(rate):
        cells = NeuronGroup(1, "dv/dt = x*rate/ms : 1\nx : 1", method="euler")
        cells.x = 1
        monitor = StateMonitor(cells, "v", record=0)
        run(1 * ms)
        return cells, monitor

    one, one_monitor = simulate(1)
    two, two_monitor = simulate(2)
    for x in (1, 5):
        again({one.x: x})
        assert magic_network.t == 1 * ms
        np.testing.assert_allclose([one.v[0], two.v[0]], [x, 2])
        np.testing.assert_allclose([one_monitor.v[0, 5], two_monitor.v[0, 5]], [x / 2, 1])
        assert [len(one_monitor.t), len(two_monitor.t)] == [10, 10]


def test_what_python_does_in_a_run_is_repeated():
    cells = NeuronGroup(1, "x : 1")
    seen = []

    @network_operation(dt=1 * ms)
    def watch(t):
        seen.append((float(t / ms), float(cells.x[0])))
        cells.x += 1  # by a run, not by the script between runs
        if cells.x[0] > 11:
            network.stop()

    network = Network(cells, watch)
    network.run(3 * ms)
    cells.x = 10
    network.run(2 * ms)
    first = [(0, 0), (1, 1), (2, 2), (3, 10), (4, 11)]
    assert seen == first
    seen.clear()
    again()
    assert seen == first
    seen.clear()
    again({cells.x: 10.5})  # stops the first run
    assert seen == [(0, 10.5), (1, 10)] or seen[0] == (0, 10.5)


def test_values_of_a_timed_array_are_the_scripts_afterwards():
    values = np.array([1.0, 2.0])
    current = TimedArray(values, dt=1 * ms)
    table = TimedArray(np.arange(6.0).reshape(2, 3), dt=1 * ms)
    cells = NeuronGroup(3, "x = current(t) + table(t, i) : 1")
    monitor = StateMonitor(cells, "x", record=True)
    Network(cells, monitor).run(2 * ms)
    again({current: [10, 20], table: np.ones((2, 3))})
    np.testing.assert_allclose(monitor.x[:, [5, 15]], [[11, 21]] * 3)
    assert values.tolist() == [1, 2]
    assert current(0 * ms) == 1
    again({table: 0})
    np.testing.assert_allclose(monitor.x[:, [5, 15]], [[1, 2]] * 3)


def test_delays_and_spikes_under_way():
    source = SpikeGeneratorGroup(1, [0], [0.5] * ms)
    cells = NeuronGroup(3, "x : 1")
    synapses = Synapses(source, cells, "w : 1", on_pre="x_post += w")
    synapses.connect()
    synapses.w, synapses.delay = 1, [0, 1, 2] * ms
    network = Network(source, cells, synapses)
    network.run(1 * ms)
    network.run(1 * ms)
    assert list(cells.x) == [1, 1, 0]
    again({synapses.w: [2, 3, 4]})
    assert list(cells.x) == [2, 3, 0]
    again({synapses.delay: 1.4 * ms})
    assert list(cells.x) == [1, 1, 1]
    again({synapses.delay: 3 * ms})
    assert list(cells.x) == [0, 0, 0]
    again()
    assert list(cells.x) == [1, 1, 0]


def test_a_subgroup_has_values_given():
    cells = NeuronGroup(4, "x : 1\ny : 1")
    part = cells[1:3]
    Network(cells).run(0.1 * ms)
    again({part.x: [5, 6], cells[3:].y: 7})
    assert list(cells.x) == [0, 5, 6, 0]
    assert list(cells.y) == [0, 0, 0, 7]


def test_values_from_files(tmp_path):
    """Raw bytes, looked for in the build directory that the script has named."""
    cells = NeuronGroup(4, "x : 1\nn : integer", name="cells")
    Network(cells).run(0.1 * ms)
    brian2.device.build(run=False, directory=str(tmp_path))
    np.arange(4.0).tofile(tmp_path / "x.dat")
    np.arange(4, dtype=np.int32).tofile(tmp_path / "n.dat")
    again(["cells.x=x.dat", f"cells.n={tmp_path}/n.dat"])
    assert list(cells.x) == list(cells.n) == [0, 1, 2, 3]
    with pytest.raises(FileNotFoundError):
        again(["cells.x=y.dat"])


def test_build_takes_values():
    cells = NeuronGroup(1, "dv/dt = I/ms : 1\nI : 1", method="euler")
    Network(cells).run(1 * ms)
    brian2.device.build(run_args={cells.I: 4})
    np.testing.assert_allclose(cells.v, 4)


def test_another_script_after_reinit():
    for rate in (1, 2):
        cells = NeuronGroup(1, "dv/dt = I*rate/ms : 1\nI : 1", method="euler")
        network = Network(cells)
        network.run(1 * ms)
        brian2.device.build(run=False)
        again({cells.I: 3})
        np.testing.assert_allclose(cells.v, 3 * rate)
        brian2.device.reinit()
        brian2.device.activate(build_on_run=False)


def test_another_script_without_reinit():
    for rate in (1, 2):
        set_device("genn", build_on_run=False)
        cells = NeuronGroup(1, "dv/dt = I*rate/ms : 1\nI : 1", method="euler")
        Network(cells).run(1 * ms)
        brian2.device.build(run=False)
        set_device("runtime")
        brian2.devices.reset_device()
        again({cells.I: 3})
        np.testing.assert_allclose(cells.v, 3 * rate)


def test_a_run_afterwards_is_not_part_of_it():
    cells = NeuronGroup(1, "dv/dt = 1/ms : 1", method="euler")
    network = Network(cells)
    network.run(1 * ms)
    again()
    network.run(1 * ms)
    np.testing.assert_allclose(cells.v, 2)
    cells.v = 7
    again()
    np.testing.assert_allclose(cells.v, 1)


# -- errors -----------------------------------------------------------------------------------
def test_values_that_do_not_fit_are_errors_before_anything_is_changed():
    equations = "dv/dt = 1/ms : 1\nx : volt\nn : integer\ny = v : 1"
    cells = NeuronGroup(3, equations, method="euler", name="cells")
    other = NeuronGroup(3, "z : 1")
    current = TimedArray([1, 2], dt=1 * ms)
    source = PoissonGroup(3, rates="10*Hz")
    network = Network(cells, source)
    network.run(1 * ms)
    for run_args, error, text in [
        ({cells.x: 5}, DimensionMismatchError, "V and 1"),
        ({cells.x: 5 * siemens}, DimensionMismatchError, "V and S"),
        ({current: [1, 2] * nA}, DimensionMismatchError, "A"),
        ({cells.x: np.arange(2) * volt}, TypeError, "size for variable 'cells.x'"),
        ({current: [1, 2, 3]}, TypeError, "size for variable"),
        ({"cells.x": 1}, TypeError, "'VariableView' objects"),
        ({cells.v: "rand()"}, TypeError, "give a number or an array"),
        ({cells.y: 1}, TypeError, "computed from the expression 'v'"),
        ({cells.t: 1 * ms}, TypeError, "read-only"),
        ({other.z: 1}, RuntimeError, "does not belong"),
        (["cells.xx=3"], RuntimeError, "unknown variable 'cells.xx'. Did you mean 'cells.x'"),
        (["cells.x"], TypeError, "group.variable=value"),
        (["cells.x=1e"], TypeError, "no number"),
        (["cells.x=abc"], FileNotFoundError, "'abc' for 'cells.x' is no number.*no file"),
        ({cells.n: 2**40}, OverflowError, "1099511627776 for 'cells.n' does not fit"),
        ({cells.n: [1, -(2**40), 0]}, OverflowError, "for 'cells.n' does not fit"),
        ({cells.n: [2**70]}, OverflowError, f"{2**70} for 'cells.n' does not fit .*, int32"),
        ({cells.n: np.nan}, OverflowError, "nan for 'cells.n' does not fit"),
        ({cells.v: 10**400}, OverflowError, "'cells.v' does not fit into its type, float64"),
        ({cells.v: [1, 10**400, 2]}, OverflowError, "'cells.v' does not fit"),
        ({current: [10**400, 2]}, OverflowError, "does not fit"),
        (["cells.n=1e10"], OverflowError, "for 'cells.n' does not fit"),
        ({cells.v: None}, TypeError, "None for 'cells.v' is neither a number"),
        ({cells.v: [[1], [2, 3]]}, TypeError, "'cells.v' is neither a number"),
        ({cells.n: ["a", "b", "c"]}, TypeError, "'cells.n' is neither a number"),
        ({cells.v: np.array([1j, 2, 3])}, TypeError, "'cells.v' is neither a number"),
        ({cells.v: object()}, TypeError, "'cells.v' is neither a number"),
        ({source.rates: 5 * Hz}, TypeError, "computed from the expression '10\\*Hz'"),
        ({source.rates: "5*Hz"}, TypeError, r"\(of a PoissonGroup: give the rates as an array\)"),
        ("cells.x=1", TypeError, "neither a dictionary"),
    ]:
        with pytest.raises(error, match=text):
            again(run_args)
        assert network.t == 1 * ms
        np.testing.assert_allclose(cells.v, 1)


def test_numbers_may_be_of_any_type_that_holds_them():
    cells = NeuronGroup(3, "x : 1\nn : integer\nr : Hz", name="cells")
    network = Network(cells)
    network.run(0.1 * ms)
    large = np.array([2**63, 2**64, 5], dtype=object)
    again({cells.x: large, cells.n: range(3), cells.r: [1 * Hz, 2 * Hz, 3 * Hz]})
    np.testing.assert_array_equal(cells.x, [2.0**63, 2.0**64, 5])
    np.testing.assert_array_equal(cells.n, [0, 1, 2])
    np.testing.assert_array_equal(cells.r / Hz, [1, 2, 3])
    again({cells.x: cells.n, cells.n: [True, 2.5, False]})
    np.testing.assert_array_equal(cells.x, [0, 1, 2])
    np.testing.assert_array_equal(cells.n, [1, 2, 0])


def test_without_a_recorded_beginning_there_is_nothing_to_repeat():
    set_device("genn")
    cells = NeuronGroup(1, "dv/dt = 1/ms : 1", method="euler")
    Network(cells).run(1 * ms)
    for arguments in ({}, {"run_args": {cells.v: 1}}):
        with pytest.raises(NotImplementedError, match=r"build_on_run=False.*restore\(\)"):
            brian2.device.run(**arguments)
    set_device("genn", build_on_run=False)
    with pytest.raises(RuntimeError, match="nothing to repeat"):
        again()


def test_not_while_a_network_runs():
    cells = NeuronGroup(1, "x : 1")

    @network_operation
    def repeat():
        again()

    network = Network(cells)
    network.run(0.1 * ms)
    network.add(repeat)
    with pytest.raises(Exception) as caught:
        network.run(0.1 * ms)
    assert "while a network runs" in f"{caught.value}{caught.value.__cause__}"


def test_nothing_is_kept_unless_the_script_asks():
    device = brian2genn.genn_device

    def run_something():
        cells = NeuronGroup(1, "x : 1")
        Network(cells).run(0.1 * ms)
        return [name for name in vars(device) if name.startswith("variableview")]

    hooks = run_something()
    assert hooks
    brian2.device.delete(force=True)
    assert device._script is not None
    assert not set(hooks) & set(vars(device))
    set_device("genn")
    assert run_something() == []
    assert device._script is None
    assert not {"network_run", "seed"} & set(vars(device))


# -- several processes -------------------------------------------------------------------------
class Simulation:
    """As in Brian's documentation: what runs in workers is a method of what holds the network."""

    def __init__(self):
        self.device = brian2.get_device()
        self.cells = NeuronGroup(
            10, "v : volt\ndy/dt = (x - y)/ms : 1\nx : 1", threshold="y > 1", reset="y = 0",
            method="euler",
        )  # fmt: skip
        self.synapses = Synapses(self.cells, self.cells, "w : 1", on_pre="y_post += w")
        self.synapses.connect("i != j")
        self.synapses.delay = "j*0.1*ms"
        self.spikes = SpikeMonitor(self.cells)
        self.values = StateMonitor(self.cells, "y", record=True)
        self.noise = PoissonGroup(10, 100 * Hz)
        self.noise_spikes = SpikeMonitor(self.noise)
        self.network = Network(
            self.cells, self.synapses, self.spikes, self.values, self.noise, self.noise_spikes
        )
        self.network.run(5 * ms)
        self.network.run(5 * ms)

    def results(self, index):
        device_module.active_device = self.device
        again(
            {
                self.cells.v: index * volt,
                self.cells.x: np.arange(10) * index,
                self.synapses.w: 0.1 * index,
            },
            results_directory=f"result_{index}",
        )
        found = [
            self.cells.v[:] / mV, self.values.y[:], self.spikes.t / ms, self.spikes.i[:],
            self.network.t / ms,
        ]  # fmt: skip
        noise = list(zip(self.noise_spikes.t / ms, self.noise_spikes.i, strict=True))
        return [np.array(values) for values in found], noise


def test_a_pool_of_workers():
    seed()
    simulation = Simulation()
    brian2.device.build(run=False)
    expected = [simulation.results(index)[0] for index in range(6)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads
        with multiprocessing.get_context("fork").Pool(3) as pool:
            found = pool.map(simulation.results, range(6), chunksize=1)
    for (results, _), values in zip(found, expected, strict=True):
        for one, other in zip(results, values, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    # each has random numbers of its own
    assert len({str(noise) for _, noise in found}) == 6


def test_time_steps_of_the_default_clock():
    cells = NeuronGroup(1, "dv/dt = 1/ms : 1", method="euler")
    monitor = StateMonitor(cells, "v", record=0)
    network = Network(cells, monitor)
    defaultclock.dt = 0.5 * ms
    network.run(1 * ms)
    defaultclock.dt = 0.25 * ms
    network.run(1 * ms)
    times = [0, 0.5, 1, 1.25, 1.5, 1.75]
    np.testing.assert_allclose(monitor.t / ms, times)
    again()
    np.testing.assert_allclose(monitor.t / ms, times)
