"""Values that are not finite are found on the device, and then told as Brian tells them."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, ms, prefs, set_device
from brian2.utils.logger import catch_logs

pytestmark = pytest.mark.usefixtures("device_is_cuda")


@pytest.fixture
def device_is_cuda(shim):
    set_device("genn", backend="cuda")


def warnings_of(net: Network) -> list[str]:
    with catch_logs() as logs:
        net.run(1 * ms)
    return [text for level, name, text in logs if "invalid_values" in name]


def group(name: str, slope: str, n: int = 3000) -> NeuronGroup:
    return NeuronGroup(
        n, f"dv/dt = {slope}/ms : 1\ndx/dt = -x/ms : 1", method="euler", name=name, dt=0.1 * ms
    )


def test_nothing_is_said_and_nothing_copied_where_all_is_well(shim):
    net = Network(group("well", "1"))
    net.run(1 * ms)
    before = shim.counts["bytes_down"]
    assert warnings_of(net) == []
    assert shim.counts["bytes_down"] - before < 3000 * 8


@pytest.mark.parametrize(
    ("name", "slope", "dtype"),
    [
        ("one_nan", "sqrt(0.5 - int(i == 2999))", np.float64),
        ("one_nan", "sqrt(0.5 - int(i == 2999))", np.float32),
        # Brian takes no notice of infinity in single precision
        ("one_infinity", "1/int(i != 7)", np.float64),
        ("one_large_value", "1e60*int(i == 1234)", np.float64),
    ],
)
def test_one_value_is_enough(name, slope, dtype):
    prefs.core.default_float_dtype = dtype
    name = f"{name}_{np.dtype(dtype).name}"  # Brian warns once for each text
    bad = group(name, slope)
    (text,) = warnings_of(Network(bad, group("fine", "1")))
    assert text.startswith(f"{name}'s variable 'v' has NaN, very large values")


def test_values_that_the_host_has_are_looked_at_there(shim):
    """What no program has changed since it was written."""
    bad = NeuronGroup(2, "dv/dt = 1/ms : 1", method="euler", name="written", dt=10 * ms)
    net = Network(bad)
    net.run(1 * ms)
    bad.v = np.nan
    assert len(warnings_of(net)) == 1


def test_variables_of_synapses(shim):
    cells = NeuronGroup(3, "u : 1", name="cells")
    synapses = Synapses(
        cells, cells, "dx/dt = (1e60*int(i == 2) - x)/ms : 1 (clock-driven)",
        method="euler", name="diverging",
    )  # fmt: skip
    synapses.connect()
    (text,) = warnings_of(Network(cells, synapses))
    assert text.startswith("diverging's variable 'x'")


def test_no_synapses_and_no_neurons_of_such_equations(shim):
    cells = NeuronGroup(3, "u : 1", name="cells")
    synapses = Synapses(cells, cells, "dx/dt = -x/ms : 1 (clock-driven)", method="exact")
    synapses.connect("False")
    assert warnings_of(Network(cells, synapses)) == []
