"""Unknown arguments and preferences, and wrong values: errors that say what is right."""

import io
import logging

import brian2
import numpy as np
import pytest
from brian2 import BrianLogger, NeuronGroup, ms, prefs, run, set_device
from brian2.core.preferences import PreferenceError
from brian2.devices import device_module, reset_device
from brian2.utils.logger import catch_logs

import brian2genn
from brian2genn.runtime.activation import arguments
from tests import devices
from tests.faults.processes import run_script

pytestmark = pytest.mark.skipif(devices.DEVICE != "genn", reason="the arguments are those of genn")

#: What is wrong with arguments of set_device.
WRONG = [
    ({"determinstic": True}, TypeError, "'determinstic'. Did you mean 'deterministic'?"),
    (
        {"backends": "cuda", "thread": 1},
        TypeError,
        r"'backends', 'thread'. .* 'backend'\? .* 'threads'",
    ),
    ({"foo": 1, "bar": 2}, TypeError, "arguments 'foo', 'bar'. It takes 'backend'"),
    ({"use_gpu": False}, TypeError, "Did you mean 'use_GPU'?"),
    ({"directry": "x"}, TypeError, "Did you mean 'directory'?"),
    ({"qwerty": 1}, TypeError, "'qwerty'. It takes 'backend'.*'threads'.*'with_output'"),
    ({"threads": 0}, ValueError, "Choose 1 or more"),
    ({"threads": True}, ValueError, "Choose 1 or more"),
    ({"threads": 1.5}, ValueError, "Choose 1 or more"),
    ({"backend": "gpu"}, ValueError, "'auto', 'cpu', 'cuda', 'pygenn'"),
    ({"backend": ["cpu"]}, ValueError, "'auto', 'cpu', 'cuda', 'pygenn'"),
    ({"deterministic": "yes"}, ValueError, "neither True nor False"),
    ({"deterministic": None}, ValueError, "neither True nor False"),
    ({"profile": "all"}, ValueError, "neither True nor False"),
    ({"build_on_run": "no"}, ValueError, "neither True nor False"),
    ({"build_on_run": "cuda"}, ValueError, r"set_device\('genn', backend='cuda'\)"),
    ({"genn_backend": 3}, ValueError, "not a name"),
    ({"genn_preferences": ["debug_code"]}, ValueError, "not a dictionary"),
    ({"run_args": {"x": 1}}, ValueError, "after the run"),
]


def small_run():
    cells = NeuronGroup(2, "dv/dt = 1/ms : 1", method="euler")
    run(1 * ms)
    np.testing.assert_allclose(cells.v, 1)


@pytest.mark.parametrize(("wrong", "error", "text"), WRONG)
@pytest.mark.parametrize("before", ["runtime", "genn"])
def test_a_wrong_argument_leaves_the_device_that_was_active(wrong, error, text, before):
    set_device(before, profile=True)
    active, stack = brian2.get_device(), list(device_module.previous_devices)
    with pytest.raises(error, match=text):
        set_device("genn", **wrong)
    assert brian2.get_device() is active
    assert device_module.previous_devices == stack
    assert active.build_options == {"profile": True}
    small_run()


@pytest.mark.parametrize("before", ["runtime", "genn"])
def test_so_does_a_backend_that_cannot_be_had(before, monkeypatch):
    set_device(before)
    monkeypatch.setitem(__import__("sys").modules, "pygenn", None)
    with pytest.raises(Exception, match="pygenn"):
        set_device("genn", backend="pygenn")
    assert brian2.get_device() is device_module.all_devices[before]
    assert brian2.get_device().build_options == {}
    small_run()


def test_a_wrong_argument_of_activate():
    set_device("genn", profile=True)
    with pytest.raises(TypeError, match="unexpected keyword argument 'foo'"):
        brian2.device.activate(foo=1)
    assert brian2.get_device() is brian2genn.genn_device
    assert brian2genn.genn_device.build_options == {"profile": True}
    small_run()
    reset_device()
    assert brian2.get_device() is not brian2genn.genn_device


def test_values_that_stand_for_true_and_numbers_of_numpy():
    for value in (True, np.True_, 1, np.int64(1)):
        set_device("genn", deterministic=value, profile=value, threads=np.int64(1))
        small_run()


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"directry": "x"}, "Did you mean 'directory'?"),
        ({"runargs": {}}, "Did you mean 'run_args'?"),
    ],
)
@pytest.mark.parametrize("method", ["build", "run"])
def test_wrong_arguments_of_build_and_run(wrong, text, method):
    set_device("genn", build_on_run=False)
    small_run()
    with pytest.raises(TypeError, match=text):
        getattr(brian2.device, method)(**wrong)


def test_too_many_arguments_and_arguments_given_twice():
    set_device("genn", build_on_run=False)
    small_run()
    with pytest.raises(TypeError, match="at most 11"):
        brian2.device.build(*range(12))
    with pytest.raises(TypeError, match="at most 4"):
        brian2.device.run("x", "y", True, None, 1)
    with pytest.raises(TypeError, match="multiple values for argument 'directory'"):
        brian2.device.run("x", directory="y")


def test_what_other_devices_take_is_said_once_to_do_nothing(monkeypatch):
    monkeypatch.setattr(BrianLogger, "_log_messages", set())
    with catch_logs(log_level=logging.INFO) as logs:
        for _ in range(2):
            set_device("genn", **dict.fromkeys(arguments.WITHOUT_MEANING, True))
            small_run()
            brian2.device.build(**brian2.device.build_options)
    said = [text for _, _, text in logs if "no effect" in text]
    for name in arguments.WITHOUT_MEANING:
        assert len([text for text in said if f"'{name}'" in text]) == 1, name


def test_options_of_set_device_in_build(monkeypatch):
    """Brian's own tests hand them on; others are told where they belong."""
    monkeypatch.setattr(BrianLogger, "_log_messages", set())
    set_device("genn", build_on_run=False, threads=1)
    small_run()
    with catch_logs(log_level=logging.INFO) as logs:
        brian2.device.build(direct_call=False, **brian2.device.build_options)
        brian2.device.build(deterministic=True)
    said = " ".join(text for _, _, text in logs)
    assert "'threads'" not in said
    assert "'deterministic' has no effect in device.build()" in said


def test_options_of_another_backend(monkeypatch):
    monkeypatch.setattr(BrianLogger, "_log_messages", set())
    with catch_logs() as logs:
        set_device("genn", backend="cpu", genn_backend="cuda")
    assert "backend='pygenn'" in " ".join(text for _, _, text in logs)


# -- preferences ------------------------------------------------------------------------------
def as_attribute(name, value):
    *parents, last = name.split(".")
    category = prefs.devices.genn
    for parent in parents:
        category = getattr(category, parent)
    setattr(category, last, value)


def from_file(name, value):
    parent, _, last = f"devices.genn.{name}".rpartition(".")
    prefs.read_preference_file(io.StringIO(f"[{parent}]\n{last} = {value!r}\n"))


#: All ways to set a preference.
WAYS = {
    "attribute": as_attribute,
    "item": lambda name, value: prefs.__setitem__(f"devices.genn.{name}", value),
    "item of the category": lambda name, value: prefs.devices.genn.__setitem__(name, value),
    "update": lambda name, value: prefs.update({f"devices.genn.{name}": value}),
    "file": from_file,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("cpu_thread", 2, "'devices.genn.cpu_thread'. Did you mean 'cpu_threads'?"),
        ("foo", 2, "There are .*'cpu_threads', 'debug'"),
        ("conectivity", "DENSE", "Did you mean 'connectivity'?"),
        ("cuda_backend.neuron_blocksizes", 2, "Did you mean 'neuron_blocksize'?"),
        ("cpu_threads", 0, "Choose 1 or more"),
        ("cpu_threads", "two", "Choose 1 or more"),
        ("debug", "yes", "neither True nor False"),
    ],
)
def test_wrong_preferences(way, name, value, text):
    with pytest.raises(PreferenceError, match=text):
        WAYS[way](name, value)
    small_run()


@pytest.mark.parametrize("way", WAYS)
def test_right_preferences(way):
    WAYS[way]("cpu_threads", 2)
    assert prefs.devices.genn.cpu_threads == 2
    WAYS[way]("cuda_backend.neuron_blocksize", 64)
    assert prefs.devices.genn.cuda_backend.neuron_blocksize == 64
    assert "cpu_threads" in prefs.devices.genn
    assert "cpu_threads" in prefs.as_file


def test_preferences_that_were_read_before_the_package_was_imported():
    """From Brian 2.11 on; before, Brian itself refuses what is registered later."""
    script = """
    from brian2 import *
    prefs.prefs_unvalidated["devices.genn.cpu_thread"] = 2
    import brian2genn
    """
    assert "Did you mean 'cpu_threads'?" in run_script(script).stderr
