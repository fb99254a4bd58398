"""A network model as the text of one C program."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from ...model.dtypes import C_TYPE
from ...model.kernel import PLACE, RUN
from ...model.mishap import working_on
from ...model.network import (
    Deliver,
    Host,
    Network,
    Push,
    Step,
    Sum,
    Threshold,
    Update,
)
from ...transforms.demand import sums_on_demand
from ...transforms.scatter import side_by_side
from ...transforms.shares import (
    Division,
    division_of,
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
from .alike import Scopes, Shared, StepText, find_alike
from .beside import print_beside
from .due import due
from .following import print_following
from .loops import ComparingPrinter, LoopPrinter, SideBySidePrinter, SynapsePrinter
from .packed import PackedPrinter
from .printer import KernelPrinter
from .resting import Passes, PrintedResting
from .shared import Constants, Streams, Unit
from .sums import PrintedSum, PrintedUpdate, SumForm, Sums
from .words import value_type


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


#: Calls of our header's functions that are exponentials.
_EXPONENTIAL = re.compile(r"\bb2g_(?:inverse_)?exp\w*\(")


@dataclass
class _Printed:
    """One step, ready for the program template."""

    number: int
    function: str
    origin: str
    clock: int
    text: str
    #: of the group whose elements the step's function takes a part of, C text; empty if none
    size: str
    #: whether it lists events
    lists: bool
    #: the same, for a function that others may share
    own: StepText
    #: which of the statements that compute constants are its own
    prepare: range
    #: C text: whether there is something to do; empty if there always is
    due: str
    #: the number of its scope, if others share its function
    scope: int | None = None

    @property
    def context(self) -> str:
        """C text of the context in which it is executed."""
        return "ctx" if self.scope is None else f"(ctx->scopes + {self.scope})"

    #: whether each of several processes does it for elements of its own only
    divided: bool = False
    #: C text: of how many elements it has a part, and where that begins; empty if it is for all
    part: str = ""
    #: whether it has a function for tables, which comes first
    tables: bool = False
    #: the queue that it does nothing but put events into; such a step has no function of its own
    queue: int | None = None
    #: the number of the list that these events are in
    events: int = 0
    #: whether it lists which neurons rest
    resting: bool = False
    #: whether the threshold behind it has a function for both
    fused: bool = False
    #: the number of the state update that its own function for both does, too; -1 if it has none
    update: int = -1
    #: C text: when that takes the place of the two
    both: str = ""

    @property
    def draws(self) -> bool:
        """Whether it asks which time step it is, as what draws random numbers does."""
        return "ctx->random_step" in self.own.text

    def first(self, part: str, parts: str = "parts") -> str:
        """C text of the first element of a part."""
        if self.part:
            return f"b2g_own_first_of(ctx, {self.part}, {self.size}, {part}, {parts})"
        if not self.divided:
            return {"0": "0", "1": self.size}.get(part, f"b2g_first({self.size}, {part}, {parts})")
        return f"b2g_own_first(ctx, {self.size}, {part}, {parts})"

    @property
    def count(self) -> str:
        """C text of the number of elements."""
        if self.part:
            return f"({self.first('1', '1')} - {self.first('0', '1')})"
        return f"b2g_own_size(ctx, {self.size})" if self.divided else self.size


def _part_of(step: Step, symbols: Symbols) -> str:
    """C text: of how many elements a step has a part, and where that begins."""
    if step.part is None:
        return ""
    places, whole = step.part
    return f"{symbols.length(whole)}, (const int32_t *)ctx->arrays[{symbols.arrays[places]}]"


@dataclass
class _Stretch:
    """Steps that threads go through without waiting; or one that is not shared out."""

    steps: list[_Printed]
    shared: bool

    @property
    def pushes(self) -> bool:
        """Whether it puts events into queues, and does nothing else."""
        return self.steps[0].queue is not None

    @property
    def sizes(self) -> list[str]:
        """C text of the numbers of elements of its groups."""
        return list(dict.fromkeys(step.count for step in self.steps))


def load_templates() -> None:
    """Load the templates that most programs need, so that nobody waits for them later."""
    for name in ("program", "update", "threshold", "push", "deliver", "onevents", "recordevents"):
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
    symbols = Symbols(network)
    unit = Unit.of(symbols)
    constants = unit.constants
    forms = Sums(network, unit)
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
    printed: list[_Printed] = []
    on_demand = sums_on_demand(network)
    passes = Passes(network, parts)

    divisions: list[tuple[int, int, Division]] = []
    #: the numbers of queues that stand for the synapses that are summed over
    sums: list[int] = []

    def one(step: Step, block: int) -> _Printed:
        with working_on(step):
            form = (
                forms.print(step, block) if isinstance(step, Sum)
                else forms.print_update(step, block) if isinstance(step, Update)
                else None
            )  # fmt: skip
            division = _division(step)
            queue = getattr(step, "queue", None)
            if division is not None and queue is None:
                queue = network.queues + len(sums)
                sums.append(queue)
            if division is not None and queue is not None:
                divisions.append((len(printed), queue, division))
            if form and isinstance(step, Update):
                passes.leave(step)
            passes.printed(step, len(printed), unit.streams.count)
            first, block = len(constants.fields), len(constants.blocks)
            pushes = isinstance(step, Push) and not step.own
            text = "" if pushes else _print_step(
                step,
                network,
                symbols,
                unit,
                len(printed),
                division,
                queue,
                form,
                passes,
            )  # fmt: skip
        own = StepText(
            len(printed),
            step.name,
            text,
            range(first, len(constants.fields)),
            [ctype for ctype, _ in constants.fields[first:]],
            [line for _, lines in constants.blocks[block:] for line in lines],
        )
        prepare = range(block, len(constants.blocks))
        size = symbols.params[step.size] if isinstance(step, Update | Threshold) else ""
        lists = isinstance(step, Threshold)
        printed.append(
            _Printed(
                len(printed),
                step.name,
                step.origin,
                step.clock,
                text,
                size,
                lists,
                own,
                prepare,
                due(step, symbols, on_demand),
                divided=step.own,
                part=_part_of(step, symbols),
                tables=bool(isinstance(step, Update) and form and form.tables),
                queue=step.queue if isinstance(step, Push) and not step.own else None,
                events=symbols.arrays[step.events] if isinstance(step, Push) else 0,
                resting=step.name in passes.resting,
                fused=passes.is_fused(step),
                update=passes.update_of(step),
                both=passes.condition(step),
            )
        )
        return printed[-1]

    blocks = [
        [
            _Stretch([one(step, number) for step in steps], why_not_shared(steps[0]) is None)
            for steps in stretches(part)
        ]
        for number, part in enumerate(parts)
    ]
    traces = [
        _PrintedTraces(
            one.synapses,
            one.ends[0].key,
            *(printer(one.kernel, unit).print() for printer in (KernelPrinter, ComparingPrinter)),
        )
        for one in network.traces
    ]
    native = [step for part in parts for step in part]
    shared = find_alike([step.own for step in _may_share(blocks)])
    counts = {
        "arrays": len(symbols.arrays),
        "numbers": len(symbols.numbers),
        "integers": len(symbols.integers),
        "queues": network.queues + len(sums),
        "recorders": network.recorders,
    }
    scopes = Scopes(shared, counts)
    functions = _use(shared, scopes, printed)
    texts = [step.text for step in functions]
    listing = [
        (one.number, step.size)
        for one, step in zip(printed, native, strict=True)
        if isinstance(step, Update) and one.resting
    ]
    text = environment.get_template("c/program.c.j2").render(
        n_steps=len(printed),
        declarations=units.declarations(texts),
        texts=units.in_units(texts),
        tables=forms.n_tables,
        resting=listing,
        shared=shared,
        scopes=scopes,
        traces=traces,
        length=symbols.length,
        blocks=blocks,
        constants=_of_one_step(constants, printed),
        hosts=sorted({step.clock for step in network.steps if isinstance(step, Host)}),
        n_clocks=len(network.clocks),
        user_code=print_user_code(network.user_code),
        user_arrays=user_arrays(network),
        views=declarations(network),
        bindings=bindings(network),
        headers=network.compiler.headers,
        exponentials=any(_EXPONENTIAL.search(step.text) for step in functions),
    )
    text = tidy(text)
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
        + [[number] for number, _, _ in divisions],
        schedule,
        origins(network),
        [(queue, division) for _, queue, division in divisions],
        len(sums),
        forms.forms,
        forms.n_tables,
        scopes.again,
        len(scopes),
        bool(traces),
        1 if is_cpp else units.how_many(texts),
        [step.origin for step in native if step.name in on_demand],
        listing,
    )


def _may_share(blocks: list[list[_Stretch]]) -> list[_Printed]:
    """The steps whose functions are called in one place only, which can be told their scope."""
    return [
        step
        for block in blocks
        for stretch in block
        for step in stretch.steps
        if step.text and (stretch.shared or not step.size)
    ]


def _use(shared: list[Shared], scopes: Scopes, printed: list[_Printed]) -> list[_Printed]:
    """Let steps have shared functions.

    Returns
    -------
    list of _Printed
        Those whose functions are to be printed.
    """
    texts = {step.number: step.text for step in printed if step.text}
    for one in shared:
        first, *others = (scope.step.number for scope in one.scopes)
        texts[first] = one.text
        for number in others:
            del texts[number]
            printed[number].function = one.name
    for step in printed:
        step.scope = scopes.number(step.number)
        step.text = texts.get(step.number, "")
    return [step for step in printed if step.number in texts]


def _of_one_step(constants: Constants, printed: list[_Printed]) -> Constants:
    """The constants of the steps that have functions of their own."""
    fields = {n for step in printed if step.scope is not None for n in step.own.constants}
    blocks = {n for step in printed if step.scope is not None for n in step.prepare}
    return Constants(
        [one for number, one in enumerate(constants.fields) if number not in fields],
        [one for number, one in enumerate(constants.blocks) if number not in blocks],
    )


def _division(step: Step) -> Division | None:
    """How a step divides its synapses among threads, if it does."""
    division = division_of(step) if isinstance(step, Deliver | Sum) else None
    return division if isinstance(division, Division) else None


def _print_step(
    step: Step,
    network: Network,
    symbols: Symbols,
    unit: Unit,
    number: int,
    division: Division | None,
    queue: int | None,
    form: PrintedSum | PrintedUpdate | None,
    passes: Passes,
) -> str:
    printer = LoopPrinter if isinstance(step, Update | Threshold) else KernelPrinter
    if isinstance(step, Deliver):
        printer = SynapsePrinter
    taken = unit.streams.count
    kernels = [printer(kernel, unit).print() for kernel in ([] if form else step.kernels())]
    apart = side_by_side(step.kernel) if isinstance(step, Deliver) else None
    again = replace(unit, streams=Streams(taken))
    index = division.index if division else None
    several = apart and SideBySidePrinter(apart, again, index).print()
    placed = isinstance(step, Deliver) and PLACE in step.kernel.given
    following = apart and print_following(
        apart, replace(unit, streams=Streams(taken)), index, placed
    )
    packed = apart and PackedPrinter(apart, replace(unit, streams=Streams(taken))).print()
    beside = None if several else print_beside(step, again, division)
    wide = ""
    if isinstance(step, Sum):
        summed = form.kernel.kernel if form else step.kernel
        if side_by_side(summed) is not None:
            wide = value_type(summed.outputs["_synaptic_var"].dtype)
    rests = passes.resting.get(step.name)
    resting = rests and PrintedResting.of(rests, unit, taken, passes.is_fused(step))
    template = environment.get_template(f"c/{type(step).__name__.lower()}.c.j2")
    return template.render(
        step=step,
        several=several,
        packed=packed,
        following=following,
        beside=beside,
        resting=resting,
        fused=passes.is_fused(step),
        both=passes.print(step, unit),
        wide=wide,
        number=number,
        division=division,
        queue=queue,
        form=form,
        kernel=form.kernel if form else kernels[0] if kernels else None,
        random=any(kernel.attributes("random") for kernel in step.kernels()),
        placed=placed,
        by_run=isinstance(step, Deliver) and RUN in step.kernel.given,
        before=kernels[1] if len(kernels) > 1 else None,
        param=symbols.params,
        array=symbols.array,
        length=symbols.length,
        ctype=C_TYPE,
        ctype_of=lambda name: C_TYPE[network.arrays[name].dtype],
    )
