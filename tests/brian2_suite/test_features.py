"""Brian's feature tests, by Brian's own runner, with the device as one of its configurations.

The runner needs mending before it can run and before it can fail; here that is done for the tests
only. It starts a process for each test and asks there for times of a profile that it did not order:
here it runs in this process. Its comparison of arrays negates an array of booleans, and passes
whatever is wrong with negative numbers or with NaN. And it forgets an inaccuracy before it has
reported it.
"""

import pickle
from importlib import import_module

import numpy as np
import pytest
from brian2 import prefs, set_device, start_scope
from brian2.tests.features import base

from tests import devices

#: By module: the features that Brian 2.9, 2.10 and 2.11 all have.
FEATURES = {
    "input": "SpikeGeneratorGroupTest",
    "monitors": "SpikeMonitorTest StateMonitorTest",
    "neurongroup": """
        NeuronGroupIntegrationLinear NeuronGroupIntegrationEuler NeuronGroupLIF
        NeuronGroupLIFRefractory
        """,
    "synapses": "SynapsesPre SynapsesPost SynapsesSTDP",
}


class DeviceConfiguration(base.Configuration):
    """The device under test, as Brian's runner wants to have it described."""

    name = "device under test"

    def before_run(self):
        prefs.codegen.target = "numpy"
        set_device(devices.DEVICE)


class RuntimeConfiguration(base.Configuration):
    """Brian's runtime: the reference."""

    name = "runtime"

    def before_run(self):
        prefs.codegen.target = "numpy"
        set_device("runtime")


class FailingConfiguration(DeviceConfiguration):
    """A device that is not there."""

    name = "failing"

    def before_run(self):
        set_device("no such device")


def run_here(configuration, feature, n=None, maximum_run_time=None):
    """What the runner's own function returns, without another process and without a profile."""
    devices.reset()
    start_scope()
    try:
        configuration = configuration()
        configuration.before_run()
        test = feature()
        test.run()
        configuration.after_run()
        # as if from another process: Brian's arrays may not outlive their objects
        return None, pickle.loads(pickle.dumps(test.results())), 0.0, []
    except Exception as error:
        return str(error), error, 0.0, []
    finally:
        devices.reset()


def compare_arrays(self, maxrelerr, v_base, v_test):
    """What the method of Brian's that has this name says that it does."""
    if isinstance(v_base, dict):
        for name in v_base:
            self.compare_arrays(maxrelerr, v_base[name], v_test[name])
        return
    v_base, v_test = np.asarray(v_base, dtype=float), np.asarray(v_test, dtype=float)
    if v_base.shape != v_test.shape:
        raise base.InaccuracyError(np.inf)
    error = np.abs(v_test - v_base)
    zero = v_base == 0
    if not np.all(error[zero] == 0):
        raise base.InaccuracyError(np.inf)
    worst = np.max(error[~zero] / np.abs(v_base[~zero]), initial=0.0)
    if not worst <= maxrelerr:
        raise base.InaccuracyError(worst)


def outcome(configuration: type, feature: type) -> str:
    """What Brian's runner reports of a feature, such as ``OK``."""
    try:
        results = base.run_feature_tests([configuration], [feature], verbose=False)
    except UnboundLocalError:  # the runner forgot the error it was about to report
        return "inaccurate"
    _, text, _, traceback, *_ = results.full_results[configuration.name, feature.fullname()]
    return text if traceback is None else f"{text}: {traceback}"


@pytest.fixture(autouse=True)
def _mended(monkeypatch):
    monkeypatch.setattr(base, "results", run_here)
    monkeypatch.setattr(base, "DefaultConfiguration", RuntimeConfiguration)
    for module, names in FEATURES.items():
        for name in names.split():
            feature = getattr(import_module(f"brian2.tests.features.{module}"), name)
            if getattr(feature, "compare", None) is base.FeatureTest.compare_arrays:
                monkeypatch.setattr(feature, "compare", compare_arrays)
    monkeypatch.setattr(base.FeatureTest, "compare_arrays", compare_arrays)


@pytest.mark.brian_suite
@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module in FEATURES for name in FEATURES[module].split()]
)
def test_feature(module, name):
    feature = getattr(import_module(f"brian2.tests.features.{module}"), name)
    assert outcome(DeviceConfiguration, feature) == "OK"


def made_up(expected, value):
    """A feature of which the runtime gives `expected`, and the device `value`."""

    class MadeUp(base.FeatureTest):
        category = "Made up"
        name = "made up"
        tags = ()
        compare = compare_arrays

        def run(self):
            from brian2 import get_device
            from brian2.devices import all_devices

            runtime = get_device() is all_devices["runtime"]
            self.value = np.array(expected if runtime else value)

        def results(self):
            return {"value": self.value}

    return MadeUp


@pytest.mark.parametrize(
    ("expected", "value", "reported"),
    [
        ([1.0, -2.0, 0.0], [1.0, -2.0, 0.0], "OK"),
        ([1.0, -2.0, 0.0], [1.0, -2.0 - 1e-5, 0.0], "OK"),
        ([1.0, -2.0, 0.0], [1.0, -2.001, 0.0], "inaccurate"),
        ([1.0, -2.0, 0.0], [1.0, -1.0, 0.0], "inaccurate"),
        ([1.0, -2.0, 0.0], [1.0, -2.0, 1e-9], "inaccurate"),
        ([1.0, -2.0, 0.0], [np.nan, -2.0, 0.0], "inaccurate"),
        ([1.0, -2.0, 0.0], [1.0, -2.0], "inaccurate"),
    ],
)
def test_wrong_numbers_are_reported(expected, value, reported):
    assert outcome(DeviceConfiguration, made_up(expected, value)) == reported


def test_errors_are_reported():
    assert outcome(FailingConfiguration, made_up([1.0], [1.0])).startswith("Error")
