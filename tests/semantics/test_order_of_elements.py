"""Code whose result depends on the order of its elements, or of its statements.

Brian's targets differ here: NumPy computes all elements before it writes any, compiled code takes
one element after the other, reads its variables, executes its statements and writes. Which of them
is right?

- Elements of a group (state updates, resets, `run_regularly`): new values come from those before,
  as integrators promise. NumPy's are these.
- Synapses that share a target: Brian documents that the order is not defined, and warns. The device
  takes one after the other, as Brian's compiled target, its default, does.
- Subexpressions have the value that their expression has where they are used. NumPy's have.
- Where a neuron is connected to itself, `x_pre` and `x_post` are one variable, and statements
  follow one another. They do in NumPy's code; compiled code loses what it has written by the other
  name.

The expected numbers here are computed by hand from these rules.
"""

import re

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    Synapses,
    linked_var,
    ms,
    set_device,
)

from tests import devices

pytestmark = pytest.mark.skipif(
    devices.DEVICE != "genn", reason="Brian's NumPy target, which 'plain' uses, has another order"
)


@pytest.fixture(autouse=True)
def _on_device(device):
    set_device(device)


def test_update_that_reads_what_it_writes():
    ring = NeuronGroup(3, "dv/dt = (neighbour - v)/ms : 1\nneighbour : 1 (linked)", method="euler")
    ring.neighbour = linked_var(ring, "v", index=np.array([2, 0, 1]))
    ring.v = [1, 2, 4]
    Network(ring).run(0.2 * ms)
    v = np.array([1.0, 2.0, 4.0])
    for _ in range(2):
        v = v + 0.1 * (v[[2, 0, 1]] - v)
    np.testing.assert_allclose(ring.v, v, rtol=1e-12)


def test_code_and_resets_that_read_what_others_write():
    ring = NeuronGroup(
        4,
        "v : 1\nw : 1\nneighbour : 1 (linked)\nother : 1 (linked)",
        threshold="True",
        reset="w = other + 1",
    )
    ring.neighbour = linked_var(ring, "v", index=np.array([3, 0, 1, 2]))
    ring.other = linked_var(ring, "w", index=np.array([1, 2, 3, 0]))
    ring.run_regularly("v += 10*neighbour")
    ring.v, ring.w = [1, 2, 3, 4], [5, 6, 7, 8]
    Network(ring).run(0.3 * ms)
    v, w = np.array([1.0, 2, 3, 4]), np.array([5.0, 6, 7, 8])
    for _ in range(3):
        v, w = v + 10 * v[[3, 0, 1, 2]], w[[1, 2, 3, 0]] + 1
    np.testing.assert_allclose(ring.v, v, rtol=1e-12)
    np.testing.assert_allclose(ring.w, w, rtol=1e-12)


def test_synapses_that_read_what_they_write():
    """Every synapse sees what the synapses before it have added."""
    source = SpikeGeneratorGroup(3, [0, 1, 2], [0.1, 0.1, 0.1] * ms)
    target = NeuronGroup(1, "v : 1")
    synapses = Synapses(source, target, "w : 1", on_pre="v_post += w*(1 + v_post)")
    synapses.connect()
    synapses.w = "0.1 + 0.2*i"
    Network(source, target, synapses).run(0.2 * ms)
    v = 0.0
    for w in (0.1, 0.3, 0.5):
        v += w * (1 + v)
    np.testing.assert_allclose(target.v, [v], rtol=1e-12)


#: Code that reaches a variable of one group from both ends; a neuron may be connected to itself.
BOTH_ENDS = [
    "v_pre += 10; v_post += 1",
    "v_post += 1; v_pre += 10",
    "v_post += 0.1; u_post += 2*v_pre",
    "v_pre *= 0.5; u_pre += v_post; v_post += 0.25",
    "v_pre *= 0.5; v_post = 0.5*v_pre + 0.25*v_post; v_pre -= 0.5*v_post",
    "v_post = clip(v_post + 0.1, 0, 0.5); v_pre -= 0.2*u_post; u_pre = v_post",
    "n_post += 1; n_pre = (n_pre + 3*n_post) % 7; v_post += n_pre",
    "v_post += 0.1; u_post += twice; v_pre *= 0.75; u_pre -= twice",
    "change = v_pre; v_post += 1; v_pre = 0.5*change + 0.25*v_post",
]


def one_by_one(code: str, values: dict[str, np.ndarray], pre: np.ndarray, post: np.ndarray) -> None:
    """Execute statements for one synapse after the other, in NumPy arrays."""
    code = code.replace("twice", "(2*v_pre)").replace("; ", "\n")
    text = re.sub(r"(\w+)_(pre|post)", r"\1[\2]", code)
    for i, j in zip(pre, post, strict=True):
        exec(text, {"clip": np.clip}, values | {"pre": i, "post": j})


@pytest.mark.parametrize("code", BOTH_ENDS)
@pytest.mark.parametrize("ends", ["few", "parts", "all"])
def test_neurons_that_are_connected_to_themselves(code, ends):
    """As it is written: a statement has what the one before has written, by whichever name."""
    n = 40 if ends == "all" else 5
    group = NeuronGroup(n, "v : 1\nu : 1\nn : integer", threshold="t < dt", reset="")
    group.v, group.u, group.n = "i/7.0", "1 - i/9.0", "i % 3"
    source, target = (group[1:], group[:4]) if ends == "parts" else (group, group)
    synapses = Synapses(source, target, "twice = 2*v_pre : 1", on_pre=code)
    if ends == "all":
        synapses.connect()
    else:
        synapses.connect(i=[0, 0, 1, 2, 3, 3], j=[0, 1, 1, 3, 3, 0])
    values = {name: np.array(getattr(group, name)) for name in "vun"}
    one_by_one(code, values, synapses.i[:] + (ends == "parts"), synapses.j[:])
    Network(group, synapses).run(0.1 * ms)
    for name, expected in values.items():
        np.testing.assert_allclose(getattr(group, name), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("one_group", [True, False])
@pytest.mark.parametrize(
    "code, change_pre, change_post",
    [
        ("v_post += 5 + 0*v_pre", 0, 5),
        ("v_pre += 3; v_post += 5", 3, 5),
        ("v_post += 5; v_pre += 3", 3, 5),
        ("v_pre += 3 + 0*v_post", 3, 0),
    ],
)
def test_each_end_is_refractory_by_itself(code, change_pre, change_post, one_group):
    """Brian's compiled code takes one end's condition for both; NumPy's has no index for it."""

    def neurons(name: str) -> NeuronGroup:
        return NeuronGroup(
            4, "dv/dt = 0/ms : 1 (unless refractory)\nfire : boolean", threshold="fire",
            reset="fire = False", refractory=1 * ms, method="euler", name=name,
        )  # fmt: skip

    source = neurons("source")
    target = source if one_group else neurons("target")
    # neurons 0 and 2 have spiked, and are refractory in the step of the spikes' arrival
    source.fire[[0, 2]] = target.fire[[0, 2]] = True
    synapses = Synapses(source, target, on_pre=code.replace("; ", "\n"))
    pre, post = np.array([0, 0, 2]), np.array([1, 2, 3])
    synapses.connect(i=pre, j=post)
    Network(source, *([] if one_group else [target]), synapses).run(0.1 * ms)
    awake = np.array([False, True, False, True])
    expected = {group.name: np.zeros(4) for group in (source, target)}
    np.add.at(expected[source.name], pre, change_pre * awake[pre])
    np.add.at(expected[target.name], post, change_post * awake[post])
    for group in (source, target):
        np.testing.assert_array_equal(group.v, expected[group.name])


def test_subexpression_of_what_the_same_code_has_changed():
    """What event-driven equations and earlier statements have made of a variable counts."""
    source = SpikeGeneratorGroup(1, [0, 0], [0.1, 1.1] * ms)
    target = NeuronGroup(1, "v : 1")
    synapses = Synapses(
        source,
        target,
        "dy/dt = -y/ms : 1 (event-driven)\nx = 1 - y : 1",
        on_pre="y += 0.5\nv_post += x",
    )
    synapses.connect()
    Network(source, target, synapses).run(1.2 * ms)
    first = 0.5
    second = 0.5 * np.exp(-1) + 0.5
    np.testing.assert_allclose(target.v, [(1 - first) + (1 - second)], rtol=1e-12)
    np.testing.assert_allclose(synapses.y, [second], rtol=1e-12)


def _spike_once(model: str, on_pre: str, target_model: str = "v : 1\nz : 1", **kwds):
    """A synapse that gets one spike, and its target."""
    source = SpikeGeneratorGroup(1, [0], [0.1] * ms)
    target = NeuronGroup(1, target_model)
    synapses = Synapses(source, target, model, on_pre=on_pre, **kwds)
    synapses.connect()
    return Network(source, target, synapses), synapses, target


def test_subexpressions_used_before_and_after_a_change():
    net, synapses, target = _spike_once("y : 1\nx = 1 - y : 1", "v_post += x\ny = 7\nz_post += x")
    net.run(0.2 * ms)
    assert (target.v[0], target.z[0], synapses.y[0]) == (1, -6, 7)


def test_subexpressions_of_subexpressions():
    net, _, target = _spike_once(
        "y : 1\nx = 1 - y : 1\ntwice = 2*x : 1", "v_post += twice + x\ny += 3\nz_post += twice + x"
    )
    net.run(0.2 * ms)
    assert (target.v[0], target.z[0]) == (3, -6)


def test_subexpressions_of_the_target():
    """`u_post` and the `u` in the target's subexpression are one variable."""
    net, synapses, target = _spike_once(
        "w : 1", "u_post += 4\nw = s_post + u_post", "u : 1\ns = 10*u : 1"
    )
    net.run(0.2 * ms)
    assert (synapses.w[0], target.u[0]) == (44, 4)


def test_subexpressions_in_other_code_of_a_group():
    group = NeuronGroup(
        2,
        "y : 1\nx = 10 - y : 1\na : 1\nb : 1\nc : 1",
        threshold="True",
        reset="a = x\ny += 1\nb = x",
        events={"odd": "True"},
    )
    group.run_on_event("odd", "y += 2\nc = x", when="after_resets")
    group.run_regularly("y += 100\na = x", when="end")
    group.run_regularly("c += x\ny -= 100\nc += x", when="end", order=1)
    Network(group).run(0.1 * ms)
    y = np.array([0.0, 1, 3, 103, 3])
    np.testing.assert_array_equal(group.b, [10 - y[1]] * 2)
    np.testing.assert_array_equal(group.a, [10 - y[3]] * 2)
    np.testing.assert_array_equal(group.c, [10 - y[2] + 10 - y[3] + 10 - y[4]] * 2)


def test_two_spikes_at_one_synapse_in_one_step():
    """Both count, as in Brian's compiled targets; its NumPy target executes the code once.

    It takes a delay that was changed while a spike was on its way.
    """
    source = SpikeGeneratorGroup(1, [0, 0], [0, 0.3] * ms)
    target = NeuronGroup(1, "v : 1")
    synapses = Synapses(source, target, "count : integer", on_pre="count += 1\nv_post += 2")
    synapses.connect()
    synapses.delay = "0.4*ms"
    network = Network(source, target, synapses)
    network.run(0.2 * ms)
    synapses.delay = "0.1*ms"
    network.run(0.4 * ms)
    np.testing.assert_array_equal(synapses.count, [2])
    np.testing.assert_array_equal(target.v, [4])
