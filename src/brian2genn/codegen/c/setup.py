"""A set-up step as the text of one C program."""

from __future__ import annotations

from dataclasses import dataclass

from ...model import expr as ex
from ...model.dtypes import C_TYPE
from ...model.expr import Expr
from ...model.kernel import ELEMENT, Access, Hoisted, Kernel, RandomSite
from ...model.mishap import working_on
from ...model.network import Network
from ...model.setup import Assign, Connect, SetupStep
from ...transforms.hoist import hoisted
from ...transforms.rates import ELEMENT_RATE, STEP_RATE
from ..symbols import Symbols, user_arrays
from ..templating import environment, tidy
from ..user_code import print_user_code
from ..views import bindings, declarations, origins
from .printer import KernelPrinter
from .program import Source
from .shared import Unit
from .statements import Statement, Write
from .words import pointer


@dataclass(frozen=True)
class Target:
    """Where a value goes, as C text, and the type that it has there."""

    place: str
    value: str
    ctype: str


class SetupPrinter(KernelPrinter):
    """Prints a kernel in stages: the statements that each of its outputs needs.

    What one stage computes the next ones know.

    Parameters
    ----------
    kernel, unit
        As for a `KernelPrinter`.
    step : SetupStep
    """

    def __init__(self, kernel: Kernel, unit: Unit, step: SetupStep) -> None:
        super().__init__(kernel, unit)
        self.targets: list[Target] = []
        self._setup_step = step
        self._in_row = isinstance(step, Connect)
        self._stages: dict[str, list[Statement]] = {}

    def _hoisted(self) -> Hoisted:
        return hoisted(self.kernel, outputs_first=True)

    def _print(self, plan: Hoisted) -> None:
        kernel = self.kernel
        for store, needed in zip(kernel.shared_stores, plan.shared, strict=True):
            place = self._place(kernel.accesses[store.name])
            self._define(needed)
            self._shared_stores.append(Write(place, self._value(store.value, STEP_RATE)))
        for name, needed in plan.outputs.items():
            self._define(needed)
            self._outputs[name] = self._value(kernel.outputs[name], ELEMENT_RATE)
            self._stages[name] = self.element
            self._sections[ELEMENT_RATE] = []
            if isinstance(self._setup_step, Connect) and name == self._last_of_row():
                self._in_row = False
        self._define(plan.stores)
        for store in kernel.stores:
            access = kernel.accesses[store.name]
            self._place(access, ELEMENT_RATE)  # loads its indices
            text = self._value(store.value, ELEMENT_RATE)
            self.targets.append(Target(self._target_place(access), text, C_TYPE[access.dtype]))

    def _last_of_row(self) -> str:
        assert isinstance(self._setup_step, Connect)
        return self._setup_step.limits()[-1]

    def has(self, output: str) -> bool:
        """Whether the kernel has this output."""
        return output in self._outputs

    def stage(self, output: str) -> list[Statement]:
        """The statements to be executed before an output is used."""
        return self._stages[output]

    @property
    def buffered(self) -> bool:
        """Whether all values must be computed before any is written."""
        step = self._setup_step
        assert isinstance(step, Assign)
        conflict = self.kernel.written_arrays() & self.kernel.read_arrays()
        repeated = step.indices is not None
        return bool(conflict) and not step.sequential and (repeated or not self._elementwise())

    @property
    def simd(self) -> bool:
        """Whether several elements can be computed at once."""
        step = self._setup_step
        assert isinstance(step, Assign)
        return step.indices is None and not self._outputs and self.independent

    def _elementwise(self) -> bool:
        """Whether what one element writes no other element reads."""
        written = self.kernel.written_arrays()
        touched = [self.kernel.accesses[store.name] for store in self.kernel.stores]
        touched += [access for access in self.kernel.loads() if access.array in written]
        return all(access.index == ELEMENT for access in touched)

    def _target_place(self, access: Access) -> str:
        """Where a variable lies, without the help of earlier statements."""
        if access.index is None:
            return f"{pointer(access.array)}[0]"
        if access.index == ELEMENT:
            return f"{pointer(access.array)}[_idx]"
        return f"{pointer(access.array)}[{self._target_place(self.kernel.accesses[access.index])}]"

    def _has_table(self, node: Expr, section: int) -> bool:
        return False  # made for a few numbers, a table costs more than it saves

    def _number_that_varies(self, node: Expr, section: int, args: list[str]) -> str:
        return self._number_of_stream(node, section, args)

    def _counter(self, site: RandomSite) -> tuple[str, str]:
        if site.shared or not isinstance(self._setup_step, Connect):
            return super()._counter(site)
        return "(uint32_t)row", "0" if self._in_row else "(uint64_t)place"

    def _user_step(self) -> str:
        in_pattern = isinstance(self._setup_step, Connect)
        return "(uint64_t)row" if in_pattern else super()._user_step()


@working_on(None)
def print_setup(network: Network) -> Source:
    """Print a set-up program.

    Parameters
    ----------
    network : Network
        With a single step, of a kind for set-up code.

    Returns
    -------
    Source
    """
    (step,) = network.steps
    assert isinstance(step, SetupStep)
    symbols = Symbols.of(network)
    unit = Unit.of(symbols)
    printers = [SetupPrinter(kernel, unit, step).print() for kernel in step.kernels()]
    text = environment.get_template(f"c/{type(step).__name__.lower()}.c.j2").render(
        step=step,
        kernel=printers[0],
        condition=printers[1] if len(printers) > 1 else None,
        param=symbols.params,
        array=symbols.array,
        length=symbols.length,
        ctype_of=lambda name: C_TYPE[network.arrays[name].dtype],
    )
    program = environment.get_template("c/setup.c.j2").render(
        step=text,
        constants=unit.constants,
        user_code=print_user_code(network.user_code),
        user_arrays=user_arrays(network),
        views=declarations(network),
        bindings=bindings(network),
        headers=network.compiler.headers,
    )
    return Source(
        tidy(program),
        bool(network.user_code),
        list(network.arrays),
        symbols.numbers,
        symbols.integers,
        [step.origin],
        [step.owner],
        views=origins(network),
    )


@working_on(None)
def draws(network: Network) -> bool:
    """Whether a set-up program draws random numbers."""
    (step,) = network.steps
    if isinstance(step, Connect) and step.iteration.value != "range":
        return True
    return any(
        node.op == "random" or (node.op == "user" and node.attr.draws)
        for kernel in network.kernels()
        for node in ex.walk(kernel.roots())
    )
