"""Errors of states that do not fit say which object, which variable, and both sizes."""

import pickle

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, ms, set_device

from tests import devices

pytestmark = pytest.mark.skipif(devices.DEVICE != "genn", reason="the notes are the device's")


@pytest.fixture(autouse=True)
def _on_device(device):
    set_device(device)


def network(n: int = 3, equations: str = "v : 1\nrate : 1") -> Network:
    group = NeuronGroup(n, equations, name="cells")
    synapses = Synapses(group, group, "w : 1", name="between")
    synapses.connect()
    return Network(group, synapses)


@pytest.fixture
def stored(tmp_path):
    """A file with a state of three cells, called 'ready'."""
    path = str(tmp_path / "state")
    network().store("ready", filename=path)
    return path


def note_of(other: Network, *where: str) -> str:
    """The note of the error that restoring a state ends with."""
    with pytest.raises(Exception) as caught:
        other.restore(*where)
    return " ".join(getattr(caught.value, "__notes__", []))


def test_another_size(stored):
    note = note_of(network(5), "ready", stored)
    assert "of 'cells' has 5 values, and 3 values in the state" in note
    assert "the same groups, sizes and equations" in note


def test_another_variable(stored):
    other = network(equations="u : 1\nrates : 1")
    note = note_of(other, "ready", stored)
    assert "which has none of this name now" in note
    assert "'v' of 'cells'" in note or "'rate' of 'cells'" in note


def test_a_name_that_is_not_there(stored):
    other = network()
    assert "There is no state 'default': store() makes one" in note_of(other)
    other.store("before")
    assert "'before'" in note_of(other, "befor")
    assert f"no state 'default' in the file '{stored}'" in note_of(other, "default", stored)


@pytest.mark.parametrize("content", [b"", b"no state at all", pickle.dumps([1, 2])[:-3]])
def test_a_file_that_is_no_state(content, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert "is no state that store() has written" in note_of(network(), "default", str(path))


def test_what_fits_has_no_note_and_a_missing_file_says_it_itself(stored, tmp_path):
    other = network()
    other.restore("ready", stored)
    other.run(0.1 * ms)
    assert note_of(other, "ready", str(tmp_path / "nothing")) == ""
    np.testing.assert_array_equal(other["cells"].v, 0)
