"""Objects that were made under one device and are used under another."""

import pytest
from brian2 import (
    Network,
    NeuronGroup,
    StateMonitor,
    Synapses,
    ms,
    mV,
    set_device,
)

from tests import devices

pytestmark = pytest.mark.skipif(devices.DEVICE != "genn", reason="asks for messages")


def text_of(error: BaseException) -> str:
    """The message of the first cause."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error)


def network() -> tuple[Network, Synapses]:
    group = NeuronGroup(2, "dv/dt = -v/(10*ms) : volt", name="mine", threshold="v > 1*mV")
    group.v = 1 * mV
    synapses = Synapses(group, group, on_pre="v += 1*mV", name="joining")
    synapses.connect()
    return Network(
        group, synapses, StateMonitor(group, "v", record=True, name="watching")
    ), synapses


@pytest.mark.parametrize(("made", "used"), [("runtime", "genn"), ("genn", "runtime")])
def test_the_error_names_the_object_and_the_devices(device, made, used):
    set_device(made)
    made_there, _ = network()
    set_device(used)
    with pytest.raises(Exception) as raised:
        made_there.run(1 * ms)
    text = text_of(raised.value)
    assert " of 'mine'" in text or " of 'watching'" in text
    assert f"was made under the device '{made}', but '{used}' is the active one" in text
    assert f"Call set_device('{used}') before" in text
    # a network of this device's own is as good as ever
    own, _ = network()
    own.run(1 * ms)


def test_set_up_code_of_a_stranger(device):
    set_device("genn")
    _, synapses = network()
    set_device("runtime")
    with pytest.raises(Exception) as raised:
        synapses.connect(i=0, j=0)
    assert "of 'joining' was made under the device 'genn'" in text_of(raised.value)


def test_back_under_the_device_that_made_it(device):
    set_device("runtime")
    made_there, _ = network()
    set_device("genn")
    with pytest.raises(RuntimeError, match="under the device 'runtime'"):
        made_there.run(1 * ms)
    set_device("runtime")
    made_there.run(1 * ms)
