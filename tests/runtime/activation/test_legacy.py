"""Scripts written for Brian2GeNN 1.x: what they say to the device is accepted, and they run."""

import logging
import os
import subprocess
import sys
import textwrap

import brian2
import numpy as np
import pytest
from brian2 import (
    BrianLogger,
    Network,
    NeuronGroup,
    SpikeMonitor,
    Synapses,
    magic_network,
    ms,
    network_operation,
    prefs,
    profiling_summary,
    run,
    set_device,
)
from brian2.utils.logger import catch_logs

import brian2genn
from brian2genn.preferences import old_preferences_in_use
from tests import devices

#: Arguments of `device.build` in 1.7, which `set_device` passed on.
BUILD_ARGUMENTS = {
    "directory": "GeNNworkspace",
    "compile": True,
    "run": True,
    "use_GPU": True,
    "debug": False,
    "with_output": True,
    "direct_call": True,
    # of cpp_standalone and cuda_standalone, now and in their first versions
    "results_directory": "results",
    "clean": True,
    "additional_source_files": ["x.cpp"],
    "additional_header_files": ["x.h"],
    "main_includes": ["x.h"],
    "run_includes": ["x.h"],
    "native": True,
    "disable_asserts": True,
    # from before 1.0, of `device.build` only
    "project_dir": "GeNNworkspace",
    "compile_project": True,
    "run_project": True,
}

#: Preferences of 1.7 below devices.genn, with a value that a script could give them.
PREFERENCES = {
    "connectivity": "DENSE",
    "synapse_span_type": "PRESYNAPTIC",
    "path": os.getcwd(),
    "kernel_timing": True,
    "cuda_backend.cuda_path": os.getcwd(),
    "cuda_backend.extra_compile_args_nvcc": ["-O3"],
    "cuda_backend.device_select": "MANUAL",
    "cuda_backend.manual_device": 1,
    "cuda_backend.blocksize_select_method": "MANUAL",
    "cuda_backend.pre_neuron_reset_blocksize": 64,
    "cuda_backend.pre_synapse_reset_blocksize": 64,
    "cuda_backend.neuron_blocksize": 64,
    "cuda_backend.synapse_blocksize": 64,
    "cuda_backend.learning_blocksize": 64,
    "cuda_backend.synapse_dynamics_blocksize": 64,
    "cuda_backend.init_blocksize": 64,
    "cuda_backend.init_sparse_blocksize": 64,
    # From before 1.5; 1.7 accepted nothing but None
    "extra_compile_args_nvcc": ["-O3"],
    "auto_choose_device": False,
    "default_device": 0,
    "optimise_blocksize": False,
    "pre_synapse_reset_blocksize": 32,
    "neuron_blocksize": 32,
    "synapse_blocksize": 32,
    "learning_blocksize": 32,
    "synapse_dynamics_blocksize": 32,
    "init_blocksize": 32,
    "init_sparse_blocksize": 32,
    # From before 1.5, and from before 1.0
    "cuda_path": os.getcwd(),
    "cpu_only": True,
    "unix_compiler_flags": "-O3",
    "windows_compiler_flags": "/O2",
    "connectivity_decision": "AUTO",
    "benchmarking": True,
}


@pytest.fixture(autouse=True)
def _in_a_directory_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def not_said_yet(monkeypatch):
    """What is said once is said again."""
    monkeypatch.setattr(BrianLogger, "_log_messages", set())


def model() -> dict:
    """Neurons whose spikes and final values are known."""
    cells = NeuronGroup(
        3, "dv/dt = (0.93 + 0.21*i)/ms : 1", threshold="v > 1", reset="v = 0", method="euler"
    )
    counter = NeuronGroup(1, "x : 1")
    synapses = Synapses(cells, counter, on_pre="x_post += 1")
    synapses.connect()
    return {
        "cells": cells,
        "counter": counter,
        "synapses": synapses,
        "spikes": SpikeMonitor(cells),
    }


def check(objects: dict, steps: int) -> None:
    """The model has run for so many steps."""
    expected = [steps // int(np.ceil(10 / rate)) for rate in (0.93, 1.14, 1.35)]
    assert list(objects["spikes"].count) == expected
    assert objects["counter"].x[0] == sum(expected)


@pytest.mark.parametrize("name", BUILD_ARGUMENTS)
def test_an_argument_of_set_device(name, device):
    set_device(device, **{name: BUILD_ARGUMENTS[name]})
    objects = model()
    Network(objects).run(3 * ms)
    check(objects, 30)


def test_all_arguments_of_set_device(device):
    set_device(device, **BUILD_ARGUMENTS)
    objects = model()
    Network(objects).run(3 * ms)
    check(objects, 30)


def test_the_schedule_is_brians(device):
    """1.x changed preferences to run synapses before thresholds."""
    names = ["core.network.default_schedule", "codegen.loop_invariant_optimisations"]
    before = [prefs[name] for name in names]
    set_device(device, directory="x")
    Network(model()).run(1 * ms)
    assert [prefs[name] for name in names] == before


@pytest.mark.parametrize("arguments", [{}, {"directory": "x", "use_GPU": False}, BUILD_ARGUMENTS])
def test_build_after_run(arguments, device):
    """By the time `build` returns the run has happened, once."""
    set_device(device, build_on_run=False)
    objects = model()
    Network(objects).run(3 * ms)
    brian2.device.build(**arguments)
    check(objects, 30)


def test_arguments_of_build_without_their_names(device, not_said_yet):
    set_device(device, build_on_run=False)
    objects = model()
    Network(objects).run(3 * ms)
    with catch_logs(log_level=logging.INFO) as logs:
        brian2.device.build("a_directory", True, True, False)
    check(objects, 30)
    assert "use_GPU" in " ".join(message for _, _, message in logs)


def test_several_runs_and_one_build(device):
    set_device(device, build_on_run=False, directory="x")
    objects = model()
    network = Network(objects)
    network.run(1 * ms)
    network.run(2 * ms)
    brian2.device.build(directory="x", compile=True, run=True, use_GPU=False)
    check(objects, 30)
    assert network.t == 3 * ms


def test_build_with_the_magic_network(device):
    set_device(device, build_on_run=False)
    cells = NeuronGroup(2, "dv/dt = 1/ms : 1", method="euler")
    run(1 * ms)
    brian2.device.build(directory=None, with_output=False)
    np.testing.assert_allclose(cells.v, 1)
    assert magic_network.t == 1 * ms


@pytest.mark.parametrize("arguments", [{}, {"directory": "again", "use_GPU": False}])
def test_reinit_and_activate(arguments, device):
    """The way to several simulations in one script."""
    set_device(device, directory="x")
    for _ in range(3):
        objects = model()
        Network(objects).run(2 * ms)
        check(objects, 20)
        reinitialise(**arguments)


def reinitialise(**arguments) -> None:
    brian2.device.reinit()
    brian2.device.activate(**arguments)


def test_reinit_and_activate_with_build(device):
    set_device(device, build_on_run=False)
    for k in range(2):
        objects = model()
        Network(objects).run(2 * ms)
        brian2.device.build(directory=f"x{k}")
        check(objects, 20)
        reinitialise(build_on_run=False)


def test_results_survive_reinit(device):
    """What a script has kept of the first simulation is still there."""
    set_device(device)
    objects = model()
    Network(objects).run(2 * ms)
    reinitialise()
    check(objects, 20)


def test_tools_that_know_devices_by_name(device):
    """As brian2modelfitting chooses how to run a model."""
    known = {"CPPStandaloneDevice": "by standalone programs", "RuntimeDevice": "by runs"}
    assert known[brian2.get_device().__class__.__name__] == "by runs"


def test_delete(device):
    set_device(device, directory="x")
    objects = model()
    Network(objects).run(2 * ms)
    brian2.device.delete(data=False, code=True, directory=True, force=True)
    check(objects, 20)


def test_inserted_code_is_not_an_error(device):
    """1.x put C++ code into its main program; there is none now."""
    set_device(device)
    brian2.device.insert_code("before_start", "int unused = 0;")
    objects = model()
    Network(objects).run(2 * ms)
    check(objects, 20)


def test_a_seed_in_inserted_code(device, not_said_yet):
    """It has no effect, and the message says what has."""
    set_device(device)
    with catch_logs() as logs:
        brian2.device.insert_code("main", "srand(12345);")
    assert "seed()" in " ".join(message for _, _, message in logs)


def test_the_example_run(capsys):
    before = brian2.get_device()
    brian2genn.example_run(use_GPU=False)
    assert "successful" in capsys.readouterr().out
    assert brian2.get_device() is before


def test_profile_given_to_set_device(device):
    set_device(device, profile=True)
    objects = model()
    network = Network(objects)
    network.run(2 * ms)
    assert len(network.profiling_info) > 0
    assert "Profiling summary" in str(profiling_summary(network))


def test_without_a_gpu_as_1_x_had_it(monkeypatch):
    devices.set_defaults(monkeypatch, backend="cuda")
    set_device("genn", use_GPU=False)
    assert brian2genn.genn_device.backend.name == "cpu"


def test_what_1_x_did_not_support(device):
    """Such scripts said so in comments; they run now."""
    set_device(device, use_GPU=False)
    objects = model()
    calls = []

    @network_operation(dt=1 * ms)
    def operation(t):
        calls.append(t / ms)

    network = Network(objects, operation)
    network.run(1.5 * ms)
    network.run(1.5 * ms)
    check(objects, 30)
    assert len(calls) == 3


genn_only = pytest.mark.skipif(
    devices.DEVICE != "genn", reason="the preferences belong to the device named genn"
)


@genn_only
@pytest.mark.parametrize("name", PREFERENCES)
def test_a_preference_of_1_x(name):
    prefs["devices.genn." + name] = PREFERENCES[name]
    assert prefs["devices.genn." + name] == PREFERENCES[name]
    set_device("genn")
    objects = model()
    Network(objects).run(2 * ms)
    check(objects, 20)


@genn_only
def test_preferences_as_attributes():
    prefs.devices.genn.connectivity = "SPARSE"
    prefs.devices.genn.cuda_backend.neuron_blocksize = 128
    assert prefs["devices.genn.cuda_backend.neuron_blocksize"] == 128


@genn_only
def test_a_list_that_is_changed_in_place_is_noticed():
    """As scripts for Brian2GeNN 1 do with ``+=``."""
    name = "devices.genn.cuda_backend.extra_compile_args_nvcc"
    before = list(prefs[name])
    assert name not in dict(old_preferences_in_use())
    prefs.devices.genn.cuda_backend.extra_compile_args_nvcc += ["--verbose"]
    try:
        assert name in dict(old_preferences_in_use())
    finally:
        prefs[name][:] = before
    assert name not in dict(old_preferences_in_use())


@genn_only
def test_what_has_no_meaning_any_more_is_said_once():
    """A whole script in a process of its own: each name is mentioned in one message."""
    script = textwrap.dedent(
        """
        from brian2 import *
        import brian2genn
        prefs.codegen.target = "numpy"
        prefs.devices.genn.connectivity = "DENSE"
        for k in range(3):
            set_device("genn", directory="GeNNworkspace", debug=True, use_GPU=False)
            group = NeuronGroup(1, "dv/dt = 1/ms : 1", method="euler")
            network = Network(group)
            network.run(1*ms)
            device.build(directory="GeNNworkspace", compile=True)
            device.reinit()
            device.activate()
        print("v =", group.v[0])
        """
    )
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        env={**os.environ, **devices.ON_THE_PROCESSOR},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "v = 1.0" in result.stdout or "v = 0.99999" in result.stdout
    for name in ("directory", "connectivity"):
        said = [line for line in result.stderr.splitlines() if name in line]
        assert len(said) == 1, f"{name}: {result.stderr}"
