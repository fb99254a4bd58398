"""What the template of CUDA programs is given: kernels and tasks, as it wants them."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...model.network import Deliver, RecordEvents, Step, Threshold
from ...transforms.stages import Task


@dataclass
class TaskText:
    """A task as the template wants it.

    Its `kind` says what its steps' functions take: ``elements``, ``spikes`` (of a
    spike generator, which list `neurons` from place `due`) or ``blocks``.
    """

    number: int
    kind: str
    steps: list[Step]
    shared: list[Step]
    size: str = ""
    neurons: str = ""
    due: str = ""
    #: whether it is a function of its own, as its rarest parts take many registers
    apart: bool = False
    #: what a thread takes that was put aside: C type, name, numbers of the array and of what is
    aside: list[tuple[str, str, int, int]] = field(default_factory=list)
    #: values that a thread keeps: C type, name, what it begins with
    own: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class OwnedText:
    """A pathway as the template wants it, executed by the blocks that own its targets.

    These are the blocks of a `task`, behind those of the tasks `before`; None for all blocks.
    """

    step: Deliver
    task: int | None = None
    before: tuple[int, ...] = ()


@dataclass(frozen=True)
class MonitorText:
    """A monitor of events as the template wants it: of elements from `start` to `stop`."""

    step: RecordEvents
    task: Task
    start: str
    stop: str


@dataclass(frozen=True)
class MessagesText:
    """What blocks tell each other, as the template wants it (see `Messages`)."""

    thresholds: dict[int, Threshold]
    sources: dict[int, Task]
    monitors: list[MonitorText]


@dataclass
class KernelText:
    """A kernel as the template wants it: part of the ``loop``, a ``block``, or ``late``."""

    name: str
    kind: str
    tasks: list[TaskText]
    is_last: bool
    #: steps with something to do when all others are done, ...
    finish: list[Step] = field(default_factory=list)
    #: ... and those that can do it while this kernel is executed
    early: list[Step] = field(default_factory=list)
    #: whether many blocks should have room beside each other, whatever its rarest parts take
    crowded: bool = False
    #: all of its steps, if blocks need not wait for each other behind it
    owned: list[OwnedText] = field(default_factory=list)
