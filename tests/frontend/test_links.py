"""Links to variables of groups that nobody holds: Brian holds groups only weakly."""

import gc

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    StateMonitor,
    linked_var,
    ms,
    prefs,
    set_device,
)
from brian2.core.base import BrianObjectException

from tests import devices

USES = {
    "an operation": lambda h: [h, h.run_regularly("y = x")],
    "a threshold": lambda h: [h, h.thresholder["spike"]],
    "a monitor": lambda h: [h, StateMonitor(h, "x", record=True)],
    "a subexpression": lambda h: [h, StateMonitor(h, "doubled", record=True)],
}


def linked(link, **names) -> NeuronGroup:
    group = NeuronGroup(
        3, "x : 1 (linked)\ny : 1\ndoubled = 2*x : 1", threshold="x > 30", reset="y = 0", **names
    )
    group.x = link()
    gc.collect()
    return group


def error_of(device: str, script) -> Exception:
    devices.reset()
    set_device(device)
    prefs.codegen.target = "numpy"
    try:
        with pytest.raises((BrianObjectException, ReferenceError)) as raised:
            script()
    finally:
        devices.reset()
    return raised.value


@pytest.mark.parametrize("when", ["at once", "after a run", "as string"])
@pytest.mark.parametrize("variable", ["v", "w"])
@pytest.mark.parametrize("whole", [False, True], ids=["part", "whole"])
def test_a_link_to_a_group_that_nobody_holds(when, variable, whole):
    """Brian's error says that an object no longer exists; here it says which, and what to do."""

    def script():
        source = [NeuronGroup(8, "v : 1\nw = 2*v : 1", name="source")]
        part = [source[0] if whole else source[0][2:5]]
        group = linked(
            (lambda: linked_var(part[0], variable, index=np.arange(3)))
            if whole
            else (lambda: linked_var(part[0], variable)),
            name="target",
        )
        operation = group.run_regularly("y = x")
        network = Network(group, operation, *source[: not whole])
        if when == "after a run":
            network.run(0.1 * ms)
        if whole:
            source.clear()
        part.clear()
        gc.collect()
        if when == "as string":
            group.y = "x + 1"
        else:
            network.run(0.1 * ms)

    brians, ours = error_of("runtime", script), error_of(devices.DEVICE, script)
    assert type(ours) is type(brians)
    for error in (brians, ours):
        assert isinstance(error if when == "as string" else error.__cause__, ReferenceError)
    text = str(ours if when == "as string" else ours.__cause__)
    assert text.startswith("'target") and "that no longer exists" in text
    if whole:
        assert "'v' of a group" in text
    else:
        assert "'v' of a part of 'source'" in text and "part = source[...]" in text


def test_a_link_to_a_group_that_is_gone_already(device):
    set_device(device)
    group = NeuronGroup(2, "x : 1 (linked)", name="target")
    link = linked_var(NeuronGroup(4, "v : 1")[1:3], "v")  # which holds the part
    gc.collect()
    with pytest.raises(ReferenceError, match=r"'target' uses 'v' of a group that no longer exists"):
        group.x = link


def test_a_link_to_a_part_that_is_held(device):
    set_device(device)
    source = NeuronGroup(8, "v : 1\nw = 2*v : 1", name="source")
    source.v = "i"
    part = source[2:5]
    group = linked(lambda: linked_var(part, "w"))
    group.run_regularly("y = x")
    network = Network(source, group)
    for _ in range(2):
        gc.collect()
        network.run(0.1 * ms)
    np.testing.assert_array_equal(group.y, [4, 6, 8])
    assert part.name == "source_subgroup"


@pytest.mark.parametrize("use", USES)
def test_every_use_of_a_link_says_what_is_lost(device, use):
    set_device(device)
    source = NeuronGroup(8, "v : 1", name="source")
    group = linked(lambda: linked_var(source[2:5], "v"), name="target")
    objects = USES[use](group)
    with pytest.raises(BrianObjectException) as raised:
        Network(source, *objects).run(0.1 * ms)
    assert isinstance(raised.value.__cause__, ReferenceError)
    text = str(raised.value.__cause__)
    assert "uses 'v' of a part of 'source'" in text and "part = source[...]" in text
