"""A network that refers to something that is not there is refused, whatever it is."""

from copy import deepcopy
from dataclasses import fields, replace

import pytest

from brian2genn.backends.trial.network import make_trial
from brian2genn.model.dtypes import FLOAT64, INT64
from brian2genn.model.footprint import Kind, arrays, footprint, references
from brian2genn.model.kernel import Access, Kernel
from brian2genn.model.network import Clock, Collect, Deliver, Network, Param, Step
from brian2genn.model.verify import ModelError, verify
from tests.model.test_network import integrate_and_fire


def trial() -> Network:
    """One with nearly every kind of step."""
    return make_trial().network


def collect(network: Network, takes: dict[str, str]) -> None:
    """Let processes' spikes go into a queue."""
    network.queues = 1
    network.steps += [
        Collect("c", "", "", 0, {"0": "events"}, {"0": 0}, takes),
        Deliver("d", "", "", 0, Kernel("deliver", ""), 0, "pre", "synapses"),
    ]


def test_nothing_is_wrong_with_whole_networks():
    verify(integrate_and_fire())
    verify(trial())


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda n: n.arrays.pop("events"), "array 'events' (events) does not exist"),
        (lambda n: n.arrays.pop("rate"), "unknown array 'rate'"),
        (lambda n: n.params.pop("one"), "parameter 'one' does not exist"),
        (lambda n: n.params.pop("N"), "parameter 'N' (size) does not exist"),
        (lambda n: n.params.update(N=Param("M", INT64)), "'N' calls itself 'M'"),
        (lambda n: setattr(n.steps[0], "clock", 3), "clock 3 does not exist"),
        (lambda n: n.clocks.append(Clock("other", t="gone")), "array 'gone' does not exist"),
        (lambda n: n.steps[0].kernel.accesses.pop("rate"), "'rate' is read but has no access"),
        (lambda n: n.steps[2].kernel.accesses.pop("v"), "'v' is written but has no access"),
        (lambda n: n.steps[1].kernel.outputs.clear(), "no kernel computes '_cond'"),
        (lambda n: setattr(n.steps[0], "part", ("v", "gone")), "array 'gone' (part)"),
        (lambda n: collect(n, {}), "no list has the events of queue '0'"),
        (lambda n: collect(n, {"0": "1"}), "no list has the events of queue '0'"),
        (lambda n: n.steps.append(n.steps[0]), "two kernels are called 'grow'"),
        (
            lambda n: n.steps[2].kernel.accesses.update(v=Access("v", "v", FLOAT64, "nowhere")),
            "unknown index 'nowhere'",
        ),
        (
            lambda n: n.steps[2].kernel.accesses.update(v=Access("v", "v", "float32")),
            "'v' is float32, its array 'v' float64",
        ),
    ],
)
def test_contradictions_are_found(damage, complaint):
    network = integrate_and_fire()
    damage(network)
    with pytest.raises(ModelError) as caught:
        verify(network)
    assert complaint in str(caught.value)


def used(network: Network) -> list[str]:
    """The arrays that steps or clocks refer to."""
    touched = set().union(*(arrays(footprint(step)) for step in network.steps))
    return sorted(touched | {name for c in network.clocks for name in (c.t, c.timestep)})


@pytest.mark.parametrize("name", used(trial()))
def test_every_array_is_missed(name):
    network = trial()
    del network.arrays[name]
    with pytest.raises(ModelError, match=f"'{name}'"):
        verify(network)


@pytest.mark.parametrize("name", sorted(trial().params))
def test_every_parameter_is_missed(name):
    network = trial()
    del network.params[name]
    with pytest.raises(ModelError, match=f"arameter '{name}'"):
        verify(network)


@pytest.mark.parametrize("kind", ["queue", "recorder"])
def test_queues_and_recorders_are_missed(kind):
    network = trial()
    setattr(network, f"{kind}s", getattr(network, f"{kind}s") - 1)
    with pytest.raises(ModelError, match=kind):
        verify(network)


def numbered(network: Network) -> list[int]:
    """The steps with a counterpart: what they fill, others empty."""
    return [
        number
        for number, step in enumerate(network.steps)
        if any(reference.kind is Kind.QUEUE for _, reference, _ in references(step))
    ]


@pytest.mark.parametrize("number", numbered(trial()))
def test_a_queue_is_filled_and_emptied(number):
    network = trial()
    del network.steps[number]
    with pytest.raises(ModelError, match="no step has queue"):
        verify(network)


def misnamed(step: Step) -> list[Step]:
    """Copies of a step, each with one reference to nothing."""
    copies = []
    for part in fields(step):
        for name, reference, _ in references(step):
            if name != part.name:
                continue
            wrong = "nothing" if reference.kind in (Kind.ARRAY, Kind.PARAMETER) else 99
            copies.append(replace(step, **{name: wrong}))
    return copies


def test_every_reference_of_every_step_is_looked_at():
    whole, seen = trial(), 0
    for number, step in enumerate(whole.steps):
        for wrong in misnamed(step):
            network = deepcopy(whole)
            network.steps[number] = wrong
            with pytest.raises(ModelError, match=r"does not exist|no step has queue"):
                verify(network)
            seen += 1
    assert seen > 20
