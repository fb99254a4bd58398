"""The networks of the Brian2GeNN paper over a real GeNN, compared with Brian's runtime."""

import importlib
import importlib.util
import itertools

import numpy as np
import pytest
from brian2 import BrianObject, Network, NeuronGroup, SpikeMonitor, Synapses, second, set_device
from brian2 import seed as set_seed
from brian2.core.variables import ArrayVariable

import brian2genn
from tests import devices

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("pygenn") is None, reason="there is no GeNN here"
    ),
]  # fmt: skip


def variables(group):
    """What a script can set; not what a clock or another group has."""
    return {
        name: variable
        for name, variable in group.variables.items()
        if isinstance(variable, ArrayVariable)
        and not variable.read_only
        and name[0] != "_"
        and variable.owner.name == group.name
    }


class Script:
    """A network that is made twice: with random numbers, then as it was made the first time."""

    def __init__(self, monkeypatch, name, arguments, duration):
        self.module = importlib.import_module(f"benchmarks.networks.{name}")
        # without Matplotlib, Brian's star import replaces these by NumPy's
        monkeypatch.setattr(self.module, "min", min, raising=False)
        monkeypatch.setattr(self.module, "max", max, raising=False)
        self.monkeypatch, self.arguments, self.duration = monkeypatch, arguments, duration
        self.pairs, self.states = [], []

    def run(self, device, **options):
        devices.reset()
        set_device(device, **options)
        set_seed(5)
        first, made = not self.pairs, itertools.count()
        connect = Synapses.connect

        def again(synapses, *arguments, **more):
            if first:
                connect(synapses, *arguments, **more)
                self.pairs.append((np.array(synapses.i[:]), np.array(synapses.j[:])))
            else:
                i, j = self.pairs[next(made)]
                connect(synapses, i=i, j=j)

        with self.monkeypatch.context() as patch:
            patch.setattr(Synapses, "connect", again)
            namespace = self.module.build(**self.arguments)
        objects = [value for value in namespace.values() if isinstance(value, BrianObject)]
        groups = [thing for thing in objects if isinstance(thing, NeuronGroup | Synapses)]
        if first:
            self.states = [
                {name: np.array(v.get_value()) for name, v in variables(group).items()}
                for group in groups
            ]
        else:
            for group, state in zip(groups, self.states, strict=True):
                for name, values in state.items():
                    variables(group)[name].get_value()[:] = values
        network = Network(objects)
        for _ in range(2):
            network.run(self.duration / 2 * second, namespace=namespace)
        if device == "genn":
            assert "and 0 were executed on the processor" in str(brian2genn.explain(network))
        spikes = [thing for thing in objects if isinstance(thing, SpikeMonitor)]
        events = [(np.array(s.i[:]), np.array(s.t_[:])) for s in spikes]
        values = [np.array(v.get_value()) for g in groups for v in variables(g).values()]
        devices.reset()
        return events, values


@pytest.mark.parametrize(
    ("name", "arguments", "duration"),
    [
        ("cobahh", {"n_neurons": 300, "n_synapses": 60}, 0.05),
        ("mushroom_body", {"n_kenyon": 100, "duration": 0.1}, 0.1),
    ],
)
def test_agrees_with_brian(monkeypatch, name, arguments, duration):
    script = Script(monkeypatch, name, arguments, duration)
    events, values = script.run("genn", backend="pygenn")
    expected_events, expected = script.run("runtime")
    assert sum(len(neurons) for neurons, _ in events) > 50
    for own, other in zip(events, expected_events, strict=True):
        np.testing.assert_array_equal(own[0], other[0])
        np.testing.assert_array_equal(own[1], other[1])
    for own, other in zip(values, expected, strict=True):
        scale = np.abs(np.asarray(other, dtype=float)).max(initial=0.0)
        np.testing.assert_allclose(own, other, rtol=1e-7, atol=1e-9 * scale)
