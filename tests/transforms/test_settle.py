"""Steps change places only where nobody can tell."""

import numpy as np
import pytest
from brian2 import (
    Hz,
    Network,
    NeuronGroup,
    PoissonInput,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    ms,
    prefs,
    seed,
    set_device,
)
from brian2.devices import reset_device

from brian2genn.model.expr import make
from brian2genn.model.kernel import Access, Kernel, Store, UserFunction
from brian2genn.model.network import Host, Update
from brian2genn.model.network import Network as Model
from brian2genn.transforms.settle import settle
from tests import devices

pytestmark = pytest.mark.skipif(devices.DEVICE != "genn", reason="tests a pass of this device")


def _update(owner: str, writes: str, reads: tuple[str, ...] = (), call: bool | None = None):
    """A step that writes one array and reads others, perhaps by a user's function."""
    kernel = Kernel(f"{owner}_kernel", owner)
    for name in (writes, *reads):
        kernel.accesses[name] = Access(name, name, "float64")
    value = make("mul", (make("load", attr=writes), make("load", attr=writes)))
    for name in reads:
        value = make("add", (value, make("load", attr=name)))
    if call is not None:
        value = make("user", (value,), attr=UserFunction("f", "f", "float64", call, False))
    kernel.stores.append(Store(writes, value))
    return Update(owner, owner, owner, 0, kernel=kernel, size="N")


def _order(*steps, slots=None, ranks=None):
    network = Model(steps=list(steps))
    settle(
        network, slots or [("groups", 0)] * len(steps), ranks or [9 - k for k in range(len(steps))]
    )
    return [step.owner for step in network.steps]


def test_independent_steps_are_in_the_order_of_their_ranks():
    assert _order(_update("a", "x"), _update("b", "y"), _update("c", "z")) == ["c", "b", "a"]


def test_steps_of_other_slots_stay():
    slots = [("groups", 0), ("groups", 1), ("groups", 1)]
    assert _order(_update("a", "x"), _update("b", "y"), _update("c", "z"), slots=slots) == [
        "a", "c", "b",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "first, second",
    [
        (_update("a", "x"), _update("b", "y", ("x",))),
        (_update("a", "x", ("y",)), _update("b", "y")),
        (_update("a", "x"), _update("b", "x")),
        (_update("a", "x", call=True), _update("b", "y", call=True)),
        (_update("a", "x", call=False), _update("b", "y")),
        (_update("a", "x"), _update("b", "y", call=False)),
        (_update("a", "x"), Host("b", "b", "b", 0, 0, "")),
        (Host("a", "a", "a", 0, 0, ""), _update("b", "y")),
        (_update("a", "x"), _update("a", "y")),
    ],
)
def test_steps_with_something_in_common_stay(first, second):
    names = [first.owner, second.owner]
    assert _order(first, second) == names
    among_others = _order(first, second, _update("c", "z"))
    assert [name for name in among_others if name in names] == names


def _adding(owner: str, to: str, reads: str = "w", index: str | None = "target"):
    """A step that adds to one array, of other elements or its own, what it reads in another."""
    kernel = Kernel(f"{owner}_kernel", owner)
    for access in (
        Access("target", "target", "int32"),
        Access(to, to, "float64", index),
        Access(reads, reads, "float64"),
    ):
        kernel.accesses[access.name] = access
    added = make("mul", (make("load", attr=reads), make("load", attr=reads)))
    kernel.stores.append(Store(to, make("add", (make("load", attr=to), added))))
    return Update(owner, owner, owner, 0, kernel=kernel, size="N")


@pytest.mark.parametrize("index", ["target", "_idx"])
def test_steps_that_only_add_are_in_the_order_of_their_ranks(index):
    """So that a sum is rounded in the same way whatever the names are."""
    steps = [_adding(owner, "x", index=index) for owner in ("a", "b", "c")]
    assert _order(*steps) == ["c", "b", "a"]
    assert not any(store.add for step in steps for store in step.kernel.stores), "changed"


def test_steps_that_add_keep_their_places_among_others():
    assert _order(_adding("a", "x"), _update("b", "y", ("x",)), _adding("c", "x")) == [
        "a", "b", "c",
    ]  # fmt: skip
    assert _order(_update("a", "x"), _adding("b", "x")) == ["a", "b"]
    assert _order(_adding("a", "x"), _adding("b", "y", reads="x")) == ["a", "b"]


def test_a_chain_holds_what_hangs_on_it():
    steps = [_update("a", "x"), _update("b", "y", ("x",)), _update("c", "z", ("y",))]
    assert _order(*steps, _update("d", "w")) == ["d", "a", "b", "c"]


def _network(names):
    """Two groups that use each other's variables, and one that does not; by these names."""
    one = NeuronGroup(3, "x : 1", name=names[0], threshold="x > 2", reset="x = 0")
    two = NeuronGroup(3, "y : 1\nnoise : 1", name=names[1])
    spikes = SpikeGeneratorGroup(3, [0, 1, 2], [0.1, 0.2, 0.3] * ms, name=names[2])
    synapses = Synapses(one, two, on_pre="y += 1")
    synapses.connect()
    feed = Synapses(spikes, one, on_pre="x_post += 1.5")
    feed.connect()
    one.run_regularly("x += 0.25", when="start")
    two.run_regularly("y = 2*y + 1\nnoise = rand()", when="start")
    monitors = [StateMonitor(one, "x", record=True), StateMonitor(two, ["y", "noise"], record=True)]
    net = Network(one, two, spikes, synapses, feed, monitors, SpikeMonitor(one))
    seed(7)
    net.run(2 * ms)
    return [monitors[0].x[:], monitors[1].y[:], monitors[1].noise[:]]


def test_results_do_not_depend_on_names():
    results = []
    for names in (("group_9", "group_10", "z_1"), ("group_10", "group_9", "z_2")):
        set_device("genn", backend="cpu")
        results.append(_network(names))
        reset_device()
        prefs.codegen.target = "numpy"
        results.append(_network(names))
    for x, y, _ in results[1:]:
        np.testing.assert_array_equal(x, results[0][0])
        np.testing.assert_array_equal(y, results[0][1])


def _sums_and_noise(counts):
    """Sums and random numbers in a network of two objects of each kind, counted like this."""
    inputs = SpikeGeneratorGroup(20, np.arange(20), np.zeros(20) * ms)
    groups = [NeuronGroup(6, "x : 1\nnoise : 1", name=f"neurongroup{count}") for count in counts]
    synapses, noise = [], []
    for count, group in zip(counts, groups, strict=True):
        group.run_regularly("noise += rand()")
        synapses.append(Synapses(inputs, groups[0], "w : 1", on_pre="x_post += w",
                                 name=f"synapses{count}"))  # fmt: skip
        synapses[-1].connect()
        synapses[-1].w = "rand()"
        noise.append(PoissonInput(groups[1], "x", N=10, rate=900 * Hz, weight=len(noise) + 0.1))
        noise[-1]._name = f"poissoninput{count}"
    Network(inputs, groups, synapses, noise).run(1 * ms)
    return np.array([values for group in groups for values in (group.x[:], group.noise[:])])


def test_results_do_not_depend_on_how_brian_has_counted():
    """It sorts names as text, and uses those of objects that are gone for others."""
    results = []
    for counts in (("", "_1"), ("_1", "_2"), ("_9", "_10"), ("_4", "_1"), ("_1", "")):
        set_device("genn", backend="cpu")
        seed(5)
        results.append(_sums_and_noise(counts))
        assert np.all(results[-1] > 0)
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
