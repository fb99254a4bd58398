"""Which networks can do with messages between blocks, and who tells of what."""

import pytest

from brian2genn.model.network import Clock, Deliver
from brian2genn.transforms.messages import messages
from brian2genn.transforms.owners import Owners, owners
from brian2genn.transforms.stages import OfGroup, Planner, Stage, Task
from tests.transforms.blocks import (
    adds_to,
    arrives,
    becomes,
    emits,
    monitor,
    named,
    network,
    on_events,
    push,
    shares,
    staged,
    states,
    threshold,
    update,
)

UPDATE, ABOVE = update(becomes("v", "v", "g")), threshold()
CELLS = UPDATE, ABOVE
EXCITES = arrives(adds_to(("g", "post"), "w"))


def found(*steps, late=(), clocks=1, owned=None):
    """Who tells of what, by the names of steps; None if messages do not do."""
    model = network(*steps)
    model.clocks = [Clock(f"clock{number}") for number in range(clocks)]
    planner, stages, identities = staged(model, late)
    if owned is None:
        owned = owners(planner, stages, identities)
    result = messages(planner, model, stages, identities, owned)
    if result is None:
        return None
    return (
        {number: step.name for number, step in result.thresholds.items()},
        {queue: task.number for queue, task in result.sources.items()},
        [(step.name, task.number) for step, task in result.monitors],
    )


ONE = ({0: "above"}, {0: 0}, [])

RESET = on_events(becomes("v"))


#: Another group.
OTHERS = (update(becomes("u"), size="M", name="other"),)
MONITOR = monitor(events="others")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((*CELLS, push(), EXCITES), ONE),
        ((*CELLS, push(), RESET, EXCITES), ONE),
        ((*CELLS, monitor(), push(), EXCITES), ({0: "above"}, {0: 0}, [("monitor", 0)])),
        ((*CELLS, push(), push(1), EXCITES), ({0: "above"}, {0: 0, 1: 0}, [])),
        # another group, which tells of nothing
        ((update(becomes("u"), size="M", name="other"), *CELLS, push(), EXCITES),
         ({1: "above"}, {0: 1}, [])),
        # and one that does
        ((update(becomes("u"), size="M", name="other"),
          threshold("higher", "others", "u", size="M"), *CELLS, push(), push(1, "others"), EXCITES),
         ({1: "above", 0: "higher"}, {0: 1, 1: 0}, [])),
        # a threshold that nobody is told of
        ((*CELLS, threshold("higher", "others"), push(), EXCITES), ONE),
        # a monitor sees the same when all is done
        ((*CELLS, monitor("x"), push(), RESET, EXCITES), ({0: "above"}, {0: 0}, [("monitor", 0)])),
        # it is behind what changes
        ((*CELLS, push(), RESET, monitor("v"), EXCITES), ({0: "above"}, {0: 0}, [("monitor", 0)])),
        # who reads what it reads, and what another one counts
        ((*CELLS, monitor("x"), push(), on_events(becomes("v", "x")), EXCITES),
         ({0: "above"}, {0: 0}, [("monitor", 0)])),
        # a generator
        ((emits("others"), push(1, "others"), *CELLS, push(), EXCITES), None),
        ((*CELLS, push(), update(adds_to(("z", "other")), name="adding"), EXCITES), ONE),
        # in order, and shared
        ((*CELLS, push(), update(becomes(("x", "other")), name="order", size="M"), EXCITES), None),
        ((*CELLS, push(), update(becomes("u"), shares("shared"), name="all", size="M"), EXCITES),
         None),
        # nobody knows of the events: they are those of the time step before
        ((UPDATE, push(), ABOVE, EXCITES), None),
        ((UPDATE, monitor(), ABOVE, push(), EXCITES), None),
        # two kinds of events of one group
        ((*CELLS, threshold("higher", "others"), push(), push(1, "others"), EXCITES), None),
        ((*CELLS, threshold("again"), push(), EXCITES), None),
        # of a group that only a monitor looks at, too
        ((*OTHERS, threshold("higher", "others", "u", size="M"), MONITOR, *CELLS, push(), EXCITES),
         ({1: "above", 0: "higher"}, {0: 1}, [("monitor", 0)])),
        ((*OTHERS, MONITOR, threshold("higher", "others", "u", size="M"), *CELLS, push(), EXCITES),
         None),
        ((MONITOR, *CELLS, push(), EXCITES), None),
        # two lists go into one queue
        ((*OTHERS, threshold("higher", "others", "u", size="M"), push(0, "others"), *CELLS, push(),
          EXCITES), None),
        ((*CELLS, push(), push(), EXCITES), None),
        # where spikes come from is not known
        ((*CELLS, push(1), EXCITES), None),
        ((*CELLS, EXCITES), None),
        # a monitor that would see what comes after
        ((*CELLS, monitor("v"), push(), RESET, EXCITES), None),
        ((*CELLS, monitor("g"), push(), EXCITES), None),
        ((*CELLS, monitor("x"), push(), arrives(adds_to(("g", "post")), adds_to("x"))), None),
    ],
)  # fmt: skip
def test_who_tells(steps, expected):
    assert found(*steps) == expected


@pytest.mark.parametrize(
    ("behind", "waits"),
    [
        ((on_events(becomes("v", "x")),), True),
        ((on_events(becomes("x")),), False),
        ((update(adds_to("x"), name="last"),), False),
        # what it counts
        ((on_events(becomes("v", "counted")),), False),
        ((on_events(becomes("counted")),), False),
        ((on_events(becomes("v")), on_events(becomes("x"))), False),
        ((monitor("x", name="more"),), True),
        ((monitor("x", name="more", count="counted"),), False),
    ],
)
def test_monitors_that_can_wait(behind, waits):
    """Whatever stages there are."""
    model = network(*CELLS, monitor("x", count="counted"), push(), *behind, EXCITES)
    *first, last = model.steps
    task = Task(0, OfGroup("N"), first)
    stages = [Stage([task]), Stage([Task(1, None, [last])])]
    model.clocks = [Clock("clock")]
    owned = [(last, Owners("post", task))]
    assert (messages(Planner(model), model, stages, (), owned) is not None) is waits


def test_events_of_one_kind_go_into_a_queue():
    """Whatever stages there are."""
    for queue, events, expected in (
        (1, "events", True),
        (1, "others", False),
        (0, "events", False),
    ):
        model = network(*CELLS, push(), push(queue, events), EXCITES)
        *first, last = model.steps
        task = Task(0, OfGroup("N"), first)
        stages = [Stage([task]), Stage([Task(1, None, [last])])]
        model.clocks = [Clock("clock")]
        found = messages(Planner(model), model, stages, (), [(last, Owners("post", task))])
        assert (found is not None) is expected


def test_late_steps_tell_of_nothing():
    steps = UPDATE, ABOVE, monitor(), push(), EXCITES
    assert found(*steps) is not None
    assert found(*steps, late=("update",)) is not None
    beside = (*OTHERS, threshold("higher", "others", "u", size="M"), MONITOR, *CELLS, push())
    assert found(*beside, EXCITES) is not None
    assert found(*beside, EXCITES, late=("monitor",)) is None
    for late in ("push0", "monitor", "above"):
        assert found(*steps, late=(late,)) is None


def test_there_is_one_clock():
    assert found(*CELLS, push(), EXCITES, clocks=2) is None


def test_there_are_two_stages():
    middle = update(becomes("z", ("v", "other")), name="middle", size="M")
    steps = (*CELLS, push(), middle, arrives(adds_to(("g", "post"), ("z", "post"))))
    model = network(*steps)
    planner, stages, late = staged(model)
    assert len(stages) == 3
    owned = owners(planner, stages, late)
    assert [one and one.index for _, one in owned] == ["post"]
    assert messages(planner, model, stages, late, owned) is None


def test_synapses_are_owned():
    """All of them."""
    model = network(*CELLS, push(), EXCITES)
    planner, stages, late = staged(model)
    owned = owners(planner, stages, late)
    (step,) = (one for one in model.steps if isinstance(one, Deliver))
    assert messages(planner, model, stages, late, owned) is not None
    assert messages(planner, model, stages, late, []) is None
    assert messages(planner, model, stages, late, [(step, None)]) is None
    assert messages(planner, model, stages, late, [*owned, (step, None)]) is None


def test_other_steps_need_all_that_there_is_in_memory():
    """Those that add rows; `owners` leaves them out before."""
    model = network(*CELLS, push(), states("x"), EXCITES)
    planner, stages, late = staged(model)
    assert len(stages) == 2
    without = network(*CELLS, push(), EXCITES)
    again = staged(without)
    owned = owners(*again)
    assert messages(planner, model, stages, late, owned) is None


def test_stages_of_the_model():
    _, stages, _ = staged(network(*CELLS, push(), RESET, monitor("v"), EXCITES))
    assert named(stages) == [[["update", "above", "push0", "reset", "monitor"]], [["arrives"]]]
