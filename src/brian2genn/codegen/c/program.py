"""A network model as the text of one C program."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...model.mishap import working_on
from ...model.network import Host, Network, Step, Update
from ...transforms.shares import (
    Division,
    pushes_together,
    stretches,
    thresholds_early,
    why_not_shared,
)
from ..symbols import Symbols, user_arrays
from ..templating import environment, tidy
from ..user_code import print_user_code
from ..views import bindings, declarations, origins
from . import units
from .alike import Scopes
from .loops import ComparingPrinter
from .payload import Payload
from .printer import KernelPrinter
from .put_off import Delays
from .resting import Passes
from .shared import Unit
from .steps import CONSTANTS, PrintedStep, StepsPrinter
from .sums import SumForm
from .vectors import EXPONENTIALS, called_in_vectors


@dataclass
class Source:
    """The text of a program and what its user must know of it.

    Attributes
    ----------
    text : str
    is_cpp : bool
        Whether it has to be compiled as C++ (it contains users' functions).
    arrays : list of str
        Array names in the order in which the program expects them.
    numbers, integers : list of str
        Parameter names by kind, in order.
    steps, owners : list of str
        For every step, what it is and the name of its Brian object.
    shared : list of list of int
        The steps that threads share out, in stretches that they go through without waiting.
    schedule : list of (str, int)
        ``("block", number)`` and ``("host", number)`` in the order of a time step.
    views : list of str
        What users' functions look into, for people.
    divisions : list of (int, Division)
        By their queues: how synapses are divided among threads.
    sums : int
        How many more queues there are behind the network's: for the synapses that are summed over.
    forms : list of SumForm
        How sums are made that do not just go through their synapses.
    tables : int
        How many tables these have.
    again : dict of str to list of int
        Which arrays, numbers, integers, queues and recorders follow those of the program, once
        more: those of the steps that share functions.
    scopes : int
        How many such steps there are.
    traces : bool
        Whether neurons keep something for their synapses.
    units : int
        In how many pieces it may be compiled at once.
    on_demand : list of str
        What the sums are that are made when they are needed.
    resting : list of (int, str)
        The steps that list which neurons rest, and the parameters that have the groups' sizes.
    put_off : list of (int, str, int)
        The steps that may be put off, the parameters that have the groups' sizes, and how many
        values are noted for each time step.
    payloads : list of Payload
        What events may bring along.
    """

    text: str
    is_cpp: bool
    arrays: list[str]
    numbers: list[str]
    integers: list[str]
    steps: list[str]
    owners: list[str]
    shared: list[list[int]] = field(default_factory=list)
    schedule: list[tuple[str, int]] = field(default_factory=list)
    views: list[str] = field(default_factory=list)
    divisions: list[tuple[int, Division]] = field(default_factory=list)
    sums: int = 0
    forms: list[SumForm] = field(default_factory=list)
    tables: int = 0
    again: dict[str, list[int]] = field(default_factory=dict)
    scopes: int = 0
    traces: bool = False
    units: int = 1
    on_demand: list[str] = field(default_factory=list)
    resting: list[tuple[int, str]] = field(default_factory=list)
    put_off: list[tuple[int, str, int]] = field(default_factory=list)
    payloads: list[Payload] = field(default_factory=list)


@dataclass
class _Stretch:
    """Steps that threads go through without waiting; or one that is not shared out."""

    steps: list[PrintedStep]
    shared: bool

    @property
    def pushes(self) -> bool:
        """Whether it puts events into queues, and does nothing else."""
        return self.steps[0].queue is not None

    @property
    def before(self) -> list[str]:
        """C text: calls that bring up to the present what its steps look at."""
        return list(dict.fromkeys(call for step in self.steps for call in step.before))

    @property
    def sizes(self) -> list[str]:
        """C text of the numbers of elements of its groups."""
        return list(dict.fromkeys(step.count for step in self.steps))


def load_templates() -> None:
    """Load the templates that most programs need, so that nobody waits for them later."""
    for name in (
        "program", "update", "threshold", "push", "deliver", "ahead", "several", "packed",
        "brought", "onevents", "recordevents",
    ):  # fmt: skip
        environment.get_template(f"c/{name}.c.j2")


@dataclass
class _PrintedTraces:
    """What neurons keep for some synapses, ready for the program template."""

    synapses: str
    #: of all synapses, an array
    key: str
    show: KernelPrinter
    compare: KernelPrinter


@working_on(None)
def print_program(network: Network) -> Source:
    """Print a network.

    Parameters
    ----------
    network : Network
        Verified and simplified.

    Returns
    -------
    Source
    """
    symbols = Symbols.of(network)
    unit = Unit.of(symbols)
    constants = unit.constants
    schedule: list[tuple[str, int]] = []  # ("block", number) or ("host", number)
    parts: list[list[Step]] = []
    for step in network.steps:
        if isinstance(step, Host):
            schedule.append(("host", step.number))
            continue
        if not schedule or schedule[-1][0] == "host":
            schedule.append(("block", len(parts)))
            parts.append([])
        parts[-1].append(step)
    parts = [pushes_together(thresholds_early(part)) for part in parts]
    passes = Passes(network, parts)
    delays = Delays(network, symbols)
    steps = StepsPrinter(
        network, symbols, unit, [stretches(part) for part in parts], passes, delays
    )
    blocks = [
        [
            _Stretch([steps.print(step, number) for step in one], why_not_shared(one[0]) is None)
            for one in part
        ]
        for number, part in enumerate(steps.parts)
    ]
    printed, shared = steps.printed, steps.shared
    called = frozenset(unit.functions)  # what looks at traces has no loops that are in a hurry
    traces = [
        _PrintedTraces(
            one.synapses,
            one.ends[0].key,
            *(printer(one.kernel, unit).print() for printer in (KernelPrinter, ComparingPrinter)),
        )
        for one in network.traces
    ]
    native = [step for part in steps.parts for one in part for step in one]
    scopes = Scopes(shared, symbols, network.queues + steps.sums, network.recorders)
    for one in printed:
        one.scope = scopes.number(one.number)
    places = {
        step.name: (one.function, one.context) for one, step in zip(printed, native, strict=True)
    }
    for one, step in zip(printed, native, strict=True):
        one.before = tuple(delays.before(step, places))
    functions = [one.functions for one in printed if one.functions.text]
    listing = [
        (one.number, step.size)
        for one, step in zip(printed, native, strict=True)
        if isinstance(step, Update) and one.resting
    ]
    late = [
        (one.number, step.size, delays.n_values[one.function])
        for one, step in zip(printed, native, strict=True)
        if isinstance(step, Update) and one.put_off
    ]
    text = environment.get_template("c/program.c.j2").render(
        n_steps=len(printed),
        declarations=units.declarations(functions),
        texts=units.in_units(functions),
        tables=steps.forms.n_tables,
        resting=listing,
        put_off=[printed[number] for number, _, _ in late],
        shared=shared,
        scopes=scopes,
        traces=traces,
        length=symbols.length,
        blocks=blocks,
        constants=constants,
        declared_constants=CONSTANTS,
        hosts=sorted({step.clock for step in network.steps if isinstance(step, Host)}),
        n_clocks=len(network.clocks),
        user_code=print_user_code(network.user_code),
        user_arrays=user_arrays(network),
        views=declarations(network),
        bindings=bindings(network),
        headers=network.compiler.headers,
        exponentials=not EXPONENTIALS.isdisjoint(called),
        called_in_vectors=called_in_vectors(called),
    )
    text = tidy(text)
    bringing = {payload.queue for payload in steps.payloads}
    is_cpp = bool(network.user_code)
    return Source(
        text,
        is_cpp,
        list(symbols.arrays),
        symbols.numbers,
        symbols.integers,
        [step.origin for step in native],
        [step.owner for step in native],
        [
            [step.number for step in stretch.steps]
            for block in blocks
            for stretch in block
            if stretch.shared
        ]
        + [[number] for number, _, _ in steps.divisions]
        + [[one.number] for one in printed if one.queue in bringing],
        schedule,
        origins(network),
        [(queue, division) for _, queue, division in steps.divisions],
        steps.sums,
        steps.forms.forms,
        steps.forms.n_tables,
        scopes.again,
        len(scopes),
        bool(traces),
        1 if is_cpp else units.how_many(functions),
        [step.origin for step in native if step.name in steps.on_demand],
        listing,
        late,
        steps.payloads,
    )
