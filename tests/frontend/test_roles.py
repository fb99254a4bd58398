"""What an array is for is told by the model, not by what Brian calls it."""

from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, Synapses, ms, set_device

from brian2genn.model.network import Role
from tests.codegen.test_same_text import translated


def test_arrays_say_what_they_are_for():
    set_device("genn", backend="cpu")
    group = NeuronGroup(
        2,
        "v : 1",
        threshold="v > 1",
        events={"half": "v > 0.5"},
        name="group",
    )
    group.set_event_schedule("half", order=1)
    group.run_on_event("half", "v += 0.1*i")
    inputs = SpikeGeneratorGroup(2, [0], [0] * ms, name="inputs")
    synapses = Synapses(inputs, group, on_pre="v_post += 1", name="synapses")
    synapses.connect()
    arrays = translated(Network(group, inputs, synapses)).arrays.values()
    told = {(array.owner, array.variable): array.role for array in arrays}
    assert told["group", "half"] is Role.EVENTS
    assert told["group", "spike"] is told["inputs", "spike"] is Role.SPIKES
    assert told["group", "i"] is Role.NUMBER
    assert told["group", "v"] is Role.STATE
    assert told["synapses", "_synaptic_post"] is Role.TARGET
