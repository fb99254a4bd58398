"""Set-up code as the text of a CUDA program, where its results are the same to the last bit."""

from __future__ import annotations

from dataclasses import dataclass

from ...model import expr as ex
from ...model.dtypes import is_float
from ...model.expr import Expr
from ...model.mishap import working_on
from ...model.network import Network
from ...model.setup import Assign, Connect, Iteration, SetupStep
from ...transforms.scatter import why_ordered
from ..c.setup import SetupPrinter
from ..c.shared import Unit
from ..symbols import Symbols
from ..templating import environment, tidy

#: Functions that every processor rounds alike.
_EXACT = frozenset(("abs", "ceil", "clip", "floor", "sign", "sqrt"))

#: Random numbers that are made without functions of a library.
_EXACT_DRAWS = frozenset(("rand", "randn"))


@dataclass(frozen=True)
class CudaSetupSource:
    """The text of a set-up program, and its arrays and parameters in order."""

    text: str
    arrays: list[str]
    numbers: list[str]
    integers: list[str]


@working_on(None)
def why_on_host(network: Network) -> str | None:
    """Why a set-up program is executed by the host, for people; None if a GPU can.

    Parameters
    ----------
    network : Network
        With a single set-up step.
    """
    (step,) = network.steps
    if isinstance(step, Connect):
        if step.iteration is Iteration.SAMPLE_BY_SIZE:
            return "samples of a fixed size need memory for each row"
    elif not isinstance(step, Assign):
        return "its result is for the host"
    elif step.sequential or step.indices is not None or step.condition is not None:
        return "its elements have to be executed in order"
    elif step.kernel.shared_stores or not step.kernel.stores:
        return "there is one value to compute"
    elif (reason := why_ordered(step.kernel)) is not None:
        return reason
    inexact = [
        name
        for kernel in network.kernels()
        for node in ex.walk(kernel.roots())
        if (name := _inexact(node))
    ]
    if inexact:
        return f"'{inexact[0]}' is rounded otherwise on a GPU"
    return None


def _inexact(node: Expr) -> str:
    """What in an expression gives other results on other processors; empty if nothing."""
    match node.op:
        case "call" if node.attr not in _EXACT:
            return str(node.attr)
        case "user" | "table":
            return str(node.attr.name)
        case "pow" if is_float(node.dtype):
            return "**"
        case "random" if node.attr.kind not in _EXACT_DRAWS:
            return str(node.attr.kind)
    return ""


@working_on(None)
def print_cuda_setup(network: Network) -> CudaSetupSource:
    """Print a set-up program for which `why_on_host` has no reason."""
    (step,) = network.steps
    assert isinstance(step, SetupStep)
    symbols = Symbols.of(network)
    unit = Unit.of(symbols)
    printer = SetupPrinter(step.kernel, unit, step).print()
    text = environment.get_template("cuda/setup.cu.j2").render(
        step=step,
        kernel=printer,
        constants=unit.constants,
        connects=isinstance(step, Connect),
        param=symbols.params,
        n_arrays=len(symbols.arrays),
        n_numbers=len(symbols.numbers),
        n_integers=len(symbols.integers),
    )
    return CudaSetupSource(tidy(text), list(symbols.arrays), symbols.numbers, symbols.integers)
