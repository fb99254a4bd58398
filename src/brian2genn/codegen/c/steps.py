"""Steps as C functions; those of one form have one function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...model.dtypes import C_TYPE
from ...model.kernel import PLACE, RUN, Kernel
from ...model.mishap import working_on
from ...model.network import (
    Cable,
    Collect,
    Deliver,
    Exchange,
    Network,
    Push,
    Receive,
    Step,
    Sum,
    Threshold,
    Update,
)
from ...transforms.alike import Form, differing, form_of, groups_of
from ...transforms.demand import sums_on_demand
from ...transforms.payload import payloads
from ...transforms.scatter import side_by_side
from ...transforms.shares import Division, divisions_of, why_not_shared
from ..symbols import Symbols
from ..templating import environment
from .alike import Member, Shared, declared_literals, step_in, symbols_in, unit_in
from .beside import print_beside
from .due import due
from .following import print_following
from .loops import LoopPrinter, SideBySidePrinter, SynapsePrinter
from .packed import PackedPrinter
from .payload import Payload, PayloadPrinter
from .printer import KernelPrinter
from .put_off import Delays, PutOffPrinter
from .resting import Passes, PrintedResting
from .shared import Unit
from .sums import PrintedSum, PrintedUpdate, Sums
from .units import Functions
from .words import C

#: How functions reach what is constant in a run.
CONSTANTS = (
    "const program_constants *const constants ="
    " (const program_constants *)ctx->constants; (void)constants"
)


@dataclass
class PrintedStep:
    """One step, ready for the program template."""

    number: int
    function: str
    origin: str
    clock: int
    functions: Functions
    #: of the group whose elements the step's function takes a part of, C text; empty if none
    size: str
    #: whether it lists events
    lists: bool
    #: C text: whether there is something to do; empty if there always is
    due: str
    #: the number of its scope, if others share its function
    scope: int | None = None
    #: whether each of several processes does it for elements of its own only
    divided: bool = False
    #: C text: of how many elements it has a part, and where that begins; empty if it is for all
    part: str = ""
    #: whether it draws random numbers
    draws: bool = False
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
    #: whether it may be put off
    put_off: bool = False
    #: C text: calls that bring up to the present what it looks at
    before: tuple[str, ...] = ()

    @property
    def context(self) -> str:
        """C text of the context in which it is executed."""
        return "ctx" if self.scope is None else f"(ctx->scopes + {self.scope})"

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


def part_of(step: Step, symbols: Symbols) -> str:
    """C text: of how many elements a step has a part, and where that begins."""
    if step.part is None:
        return ""
    places, whole = step.part
    return f"{symbols.length(whole)}, (const int32_t *)ctx->arrays[{symbols.arrays[places]}]"


class StepsPrinter:
    """Prints the steps of a program, one after the other.

    Parameters
    ----------
    network : Network
    symbols : Symbols
    unit : Unit
        The program.
    parts : sequence of list of list of Step
        All steps, as threads go through them, between those that the host runs.
    passes : Passes
    delays : Delays

    Attributes
    ----------
    parts : list of list of list of Step
        The steps in the order in which they are printed.
    printed : list of PrintedStep
    shared : list of Shared
        The functions for several steps each.
    forms : Sums
    divisions : list of (int, int, Division)
        How synapses are divided among threads: by numbers of steps, and of queues.
    sums : int
        How many queues stand for the synapses that are summed over.
    on_demand : dict
        The sums that are made when they are needed.
    payloads : list of Payload
        What events may bring along.
    """

    def __init__(
        self,
        network: Network,
        symbols: Symbols,
        unit: Unit,
        parts: Sequence[list[list[Step]]],
        passes: Passes,
        delays: Delays,
    ) -> None:
        self._network, self._symbols, self._unit, self._passes = network, symbols, unit, passes
        self._delays = delays
        self.printed: list[PrintedStep] = []
        self.shared: list[Shared] = []
        self.forms = Sums(network, unit)
        self.divisions: list[tuple[int, int, Division]] = []
        self.sums = 0
        self.on_demand = sums_on_demand(network)
        self._brought = payloads(network)
        self.payloads = [
            Payload.of(step, self._brought[step.name])
            for step in network.steps
            if isinstance(step, Deliver) and step.name in self._brought
        ]
        for part in parts:
            for step in (step for stretch in part for step in stretch):
                with working_on(step):
                    self._choose_form(step)
        self.parts = [delays.apart(part) for part in parts]
        stretches = [stretch for part in self.parts for stretch in part]
        self._steps = [step for stretch in stretches for step in stretch]
        self._divided = divisions_of(network)
        self._division: dict[int, Division] = {}
        self._queues: dict[int, int] = {}
        alone = {step.name for steps in stretches for step in steps if why_not_shared(steps[0])}
        forms: dict[int, Form] = {}
        for number, step in enumerate(self._steps):
            with working_on(step):
                self._plan(number, step)
                if not self.forms.is_planned(step) and self._may_share(step, step.name in alone):
                    forms[number] = self._form(number, step, forms)
        self._groups = {
            number: (numbers, forms) for numbers in groups_of(forms) for number in numbers
        }
        #: of groups, by their first steps: how many random streams each step takes
        self._taken: dict[int, int] = {}

    def _choose_form(self, step: Step) -> None:
        """Find out in which form a step is done; a state update has one at a time."""
        planned = self.forms.plan(step)
        if not isinstance(step, Update):
            return
        if planned:
            self._passes.leave(step)
        if step.name in self._delays.plans and self._passes.does(step):
            self._delays.leave(step)

    def _plan(self, number: int, step: Step) -> None:
        """Number the queue of a step whose synapses are divided among threads."""
        division = self._divided.get(step.name)
        if division is None:
            return
        queue = step.queue if isinstance(step, Deliver) else self._network.queues + self.sums
        self.sums += not isinstance(step, Deliver)
        self._division[number], self._queues[number] = division, queue
        self.divisions.append((number, queue, division))

    def _may_share(self, step: Step, is_alone: bool) -> bool:
        """Whether its function is called in one place only, which can be told its scope."""
        if isinstance(step, Exchange | Collect | Receive) or is_push(step):
            return False
        return not (is_alone and isinstance(step, Update | Threshold))

    def _form(self, number: int, step: Step, forms: dict[int, Form]) -> Form:
        """What the function of a step depends on."""
        more: list[object] = [
            self._division.get(number),
            self._passes.resting.get(step.name),
            self._passes.is_fused(step),
            step.name in self._delays.plans,
            step.name in self._brought,
        ]
        both = self._passes.both(step)
        if both is not None:
            update, kernel = both
            more.append(kernel)
            if _draws(kernel):
                # it draws the numbers of the update: how many streams before its own these are
                # follows from what is between
                between = range(self._steps.index(update), number)
                more += [forms[k].key if k in forms else (self, k) for k in between]
        queue = None if isinstance(step, Deliver) else self._queues.get(number)
        return form_of(step, self._network, *more, queue=queue)

    def print(self, step: Step, block: int) -> PrintedStep:
        """Print the next step, which is in a block of the time step."""
        number = len(self.printed)
        assert step is self._steps[number]
        with working_on(step):
            self._passes.printed(step, number, self._unit.streams.count)
            form = self.forms.print(step, block)
            functions = self._functions(number, step, form)
        symbols, passes = self._symbols, self._passes
        both = passes.both(step)
        kernels = [*step.kernels(), *([both[1]] if both else [])]
        size = symbols.params[step.size] if isinstance(step, Update | Threshold) else ""
        self.printed.append(
            PrintedStep(
                number,
                self._name(number, step),
                step.origin,
                step.clock,
                functions,
                size,
                isinstance(step, Threshold),
                due(step, symbols, self.on_demand),
                divided=step.own,
                part=part_of(step, symbols),
                draws=any(_draws(kernel) for kernel in kernels),
                tables=bool(isinstance(step, Update) and form and form.tables),
                queue=step.queue if isinstance(step, Push) and is_push(step) else None,
                events=symbols.arrays[step.events] if isinstance(step, Push) else 0,
                resting=step.name in passes.resting,
                fused=passes.is_fused(step),
                update=passes.update_of(step),
                both=passes.condition(step),
                put_off=step.name in self._delays.plans,
            )
        )
        return self.printed[-1]

    def _name(self, number: int, step: Step) -> str:
        """The name that its functions begin with."""
        if number in self._groups:
            return self._steps[self._groups[number][0][0]].name
        return step.name

    def _functions(
        self, number: int, step: Step, form: PrintedSum | PrintedUpdate | None
    ) -> Functions:
        if is_push(step):
            return Functions("", [])
        if number not in self._groups:
            return self._print(number, step, self._symbols, self._unit, str(number), form)
        numbers, forms = self._groups[number]
        first, streams = numbers[0], self._unit.streams
        member = Member(number, forms[number].scope, streams.count + 1)
        if number != first:
            next(one for one in self.shared if one.members[0].number == first).members.append(
                member
            )
            streams.count += self._taken[first]
            return Functions("", [])
        places = differing(forms[k].scope for k in numbers)
        unit = unit_in(self._unit, member.scope, places)
        symbols = symbols_in(member.scope)
        seen = step_in(step, member.scope)
        printed = self._print(number, seen, symbols, unit, "ctx->step", None, member.scope.queues)
        self._taken[first] = unit.streams.count - streams.count
        streams.count = unit.streams.count
        types = [ctype for ctype, _ in unit.constants.fields]
        literals = declared_literals([member.scope.literals[place] for place in places])
        prepare = [line for _, lines in unit.constants.blocks for line in lines]
        self.shared.append(
            Shared(step.name, types, [*(f"{one};" for one in literals), *prepare], [member], places)
        )
        own = f"const {step.name}_constants *const constants ="
        own += f" (const {step.name}_constants *)ctx->constants; (void)constants"
        begin = "; ".join([own] * bool(types) + literals)
        others = "".join(f"\n     {self._steps[k].name}" for k in numbers[1:])
        text = (
            f"/* what follows is done for:{others} */\n"
            f"#undef CONSTANTS\n#define CONSTANTS {begin}\n"
            f"{printed.text}\n#undef CONSTANTS\n#define CONSTANTS {CONSTANTS}"
        )
        return Functions(text, printed.called, printed.inlined)

    def _print(
        self,
        number: int,
        step: Step,
        symbols: Symbols,
        unit: Unit,
        own_number: str,
        form: PrintedSum | PrintedUpdate | None,
        queues: Sequence[int] = (),
    ) -> Functions:
        """Print a step; `own_number` is the C text of its number, `queues` are those of a scope."""
        passes, inlined = self._passes, len(unit.inlined)
        division, queue = self._division.get(number), self._queues.get(number)
        if queue is not None and queue in queues:
            queue = queues.index(queue)
        printer = LoopPrinter if isinstance(step, Update | Threshold) else KernelPrinter
        if isinstance(step, Deliver):
            printer = SynapsePrinter
        taken = unit.streams.count
        kernels = [printer(kernel, unit).print() for kernel in ([] if form else step.kernels())]
        apart = side_by_side(step.kernel) if isinstance(step, Deliver) else None
        again = unit.again(taken)
        index = division.index if division else None
        several = apart and SideBySidePrinter(apart, again, index).print()
        placed = isinstance(step, Deliver) and PLACE in step.kernel.given
        following = apart and print_following(apart, unit.again(taken), index, placed)
        packed = apart and PackedPrinter(apart, unit.again(taken)).print()
        beside = None if several else print_beside(step, again, division)
        brought = None
        if isinstance(step, Deliver) and step.name in self._brought:
            brought = PayloadPrinter(step.kernel, again, self._brought[step.name]).print()
        wide = ""
        if isinstance(step, Sum):
            summed = form.kernel.kernel if form else step.kernel
            if side_by_side(summed) is not None:
                wide = C.types[summed.outputs["_synaptic_var"].dtype]
        rests = passes.resting.get(step.name)
        fused = passes.is_fused(self._steps[number])
        resting = rests and PrintedResting.of(rests, unit, taken, fused)
        both = passes.print(step, unit)
        late = None
        if step.name in self._delays.plans and isinstance(step, Update):
            late = PutOffPrinter(step.kernel, unit).print()
            self._delays.n_values[step.name] = len(late.changing)
        text = environment.get_template(f"c/{type(step).__name__.lower()}.c.j2").render(
            step=step,
            several=several,
            packed=packed,
            following=following,
            beside=beside,
            brought=brought,
            resting=resting,
            late=late,
            fused=fused,
            both=both,
            wide=wide,
            number=own_number,
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
            ctype_of=lambda name: C_TYPE[self._network.arrays[name].dtype],
        )
        tables = bool(form and form.tables)
        called = called_functions(
            step, tables, bool(resting), fused, both is not None, late is not None
        )
        return Functions(text, called, len(unit.inlined) - inlined)


def is_push(step: Step) -> bool:
    """Whether a step does nothing but put a whole list of events into a queue."""
    return isinstance(step, Push) and not step.own


def _draws(kernel: Kernel) -> bool:
    return bool(kernel.attributes("random")) or any(
        call.draws for call in kernel.attributes("user")
    )


def called_functions(
    step: Step, tables: bool, resting: bool, fused: bool, both: bool, late: bool = False
) -> list[str]:
    """The functions of a step that the time loop calls, in their order in the text.

    Parameters
    ----------
    step : Step
    tables : bool
        Whether it has tables of its own.
    resting : bool
        Whether it lists which neurons rest.
    fused : bool
        Whether the threshold behind it has a function for both.
    both : bool
        Whether it is such a threshold.
    late : bool
        Whether it may be put off.

    Returns
    -------
    list of str
        Such as ``int32_t step(b2g_context *ctx)``.
    """
    of_all, of_part = (
        "b2g_context *ctx",
        "b2g_context *ctx, const int64_t _begin, const int64_t _stop",
    )
    if isinstance(step, Update):
        names = ["tables"] * tables + ["awake", "list"] * resting
        parts = ["others"] * (resting and not fused) + ["part"]
        catching_up = {
            "note": of_all,
            "reach_arriving": f"{of_all}, const b2g_queue *const queue",
            "reach_listed": f"{of_all}, const int32_t *const list, const int64_t n",
            "catch_up": of_all,
        }
        return [
            *(f"void {step.name}_{name}({of_all})" for name in names),
            *(f"void {step.name}_{name}({of_part})" for name in parts),
            *(f"void {step.name}_{name}({given})" for name, given in catching_up.items() if late),
        ]
    if isinstance(step, Threshold):
        parts = ["both"] * both + ["part"]
        gather = f"void {step.name}_gather(b2g_context *ctx, const int32_t parts)"
        return [*(f"void {step.name}_{name}({of_part})" for name in parts), gather]
    attribute = "B2G_NO_CONTRACTION " if isinstance(step, Cable) else ""
    return [f"{attribute}int32_t {step.name}({of_all})"]
