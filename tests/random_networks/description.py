"""What a random network is made of: plain data, close to the script that it becomes.

Strings are pieces of that script: equations, statements, Brian's quantities.
"""

from dataclasses import dataclass

Lines = tuple[str, ...]
#: Keyword arguments: names and the text of their values.
Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Regular:
    """An operation that a group runs regularly, or when an event of its own occurs."""

    statements: Lines
    options: Options = ()
    event: str | None = None


@dataclass(frozen=True)
class Neurons:
    """A `NeuronGroup` and what is set and called on it before the first run."""

    name: str
    size: int
    equations: Lines
    reset: Lines = ()
    events: Options = ()
    options: Options = ()
    operations: tuple[Regular, ...] = ()
    settings: Lines = ()
    subexpressions: Lines = ()


@dataclass(frozen=True)
class Source:
    """A spike generator or a Poisson group that leaves nothing to chance."""

    name: str
    kind: str
    size: int
    arguments: Lines
    options: Options = ()


@dataclass(frozen=True)
class Pathway:
    """What an event does: one entry of `on_pre` or `on_post`."""

    name: str
    side: str
    statements: Lines
    event: str = "spike"
    delay: str | None = None


@dataclass(frozen=True)
class Connections:
    """A `Synapses` object and how it is connected."""

    name: str
    source: str
    target: str
    equations: Lines
    pathways: tuple[Pathway, ...]
    connect: str
    options: Options = ()
    operations: tuple[Regular, ...] = ()
    settings: Lines = ()


@dataclass(frozen=True)
class Monitor:
    """A monitor of any kind."""

    name: str
    kind: str
    arguments: Lines
    options: Options = ()


@dataclass(frozen=True)
class Operation:
    """A `network_operation`: what it looks at and what it does."""

    name: str
    body: Lines
    options: Options = ()


@dataclass(frozen=True)
class Description:
    """A network and what a script does with it."""

    dt: str
    precision: str
    schedule: str | None
    preamble: Lines
    groups: tuple[Neurons, ...]
    sources: tuple[Source, ...]
    connections: tuple[Connections, ...]
    monitors: tuple[Monitor, ...]
    operations: tuple[Operation, ...]
    actions: Lines
    #: kinds of trouble in it (see `hostile`); with any, statements between the runs may fail
    hazards: Lines = ()
