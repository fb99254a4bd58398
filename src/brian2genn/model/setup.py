"""Set-up code: what a script does to a group between runs, once and at once.

A set-up program is a `Network` with a single step of one of these kinds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .footprint import ParamName, ReadAnywhere, WrittenAnywhere
from .kernel import Kernel
from .network import Step

#: The kernel's output that says which elements are meant.
CONDITION = "_cond"

#: A pattern's output that says whether the condition can hold for any of a range of partners, and
#: the values that give the first and the last one of these (see ``transforms/narrow.py``).
POSSIBLE, LOWEST, HIGHEST = "_possible", "_lowest", "_highest"


@dataclass
class SetupStep(Step):
    """Something done once, outside of the time loop."""

    kernel: Kernel


@dataclass
class ElementStep(SetupStep):
    """A step over elements of a group: those listed in `indices`, or all `size` of them.

    Where the kernel has an output ``_cond``, only the elements for which it holds.
    """

    size: ParamName | None = None
    indices: ReadAnywhere | None = None


@dataclass
class Assign(ElementStep):
    """Store the kernel's values.

    All of them are computed before any is written, unless the elements are
    `sequential`: then, where there is a kernel for the `condition`, this is known for
    all elements before the first is written.
    """

    sequential: bool = False
    condition: Kernel | None = None

    def kernels(self) -> list[Kernel]:
        return [self.kernel] if self.condition is None else [self.kernel, self.condition]


@dataclass(kw_only=True)
class Read(ElementStep):
    """Append the kernel's output `output` (or the elements' numbers) to the array `result`."""

    output: str | None = None
    result: WrittenAnywhere


@dataclass
class ConnectPairs(SetupStep):
    """Make synapses from `size` pairs of neurons, which the kernel's outputs give."""

    size: ParamName
    pre: str
    post: str


class Iteration(Enum):
    """The values that the inner variable of a connection pattern takes."""

    RANGE = "range"
    SAMPLE_BY_PROBABILITY = "p"
    SAMPLE_BY_SIZE = "size"


@dataclass
class Connect(SetupStep):
    """Make synapses from a pattern: for every neuron of one side, iterate over the other.

    The kernel's outputs are, in this order: ``_cond`` if `condition_on_row`; the
    limits of the iteration; ``_possible``, if anything is known of ranges; `partner`; ``_cond``
    otherwise; ``_n``.

    Attributes
    ----------
    rows, partners : str
        Parameters: the numbers of neurons on the side that is gone through, and
        on the other side.
    row_offset, partner_offset : str
        Parameters: where these neurons begin in their whole groups.
    outer_is_pre : bool
        Whether the neurons gone through are the sources.
    inner : str
        The name of the inner variable.
    iteration : Iteration
    condition_on_row : bool
        Whether the condition is the same for all partners of a neuron.
    check_first : bool
        Whether partners must exist before the condition can be computed.
    skip_invalid : bool
        Whether partners that do not exist are left out; otherwise they are an error.
    """

    rows: ParamName
    partners: ParamName
    row_offset: ParamName
    partner_offset: ParamName
    outer_is_pre: bool = True
    inner: str = "_k"
    iteration: Iteration = Iteration.RANGE
    condition_on_row: bool = False
    check_first: bool = False
    skip_invalid: bool = False

    @property
    def row(self) -> str:
        """The name of the value that holds the neuron gone through."""
        return "_i" if self.outer_is_pre else "_j"

    @property
    def partner(self) -> str:
        """The name of the value that holds its partner."""
        return "_j" if self.outer_is_pre else "_i"

    @property
    def raw_row(self) -> str:
        """The same neuron, by its number in the whole group."""
        return "_raw_pre_idx" if self.outer_is_pre else "_raw_post_idx"

    @property
    def raw_partner(self) -> str:
        """The same partner, by its number in the whole group."""
        return "_raw_post_idx" if self.outer_is_pre else "_raw_pre_idx"

    def limits(self) -> list[str]:
        """The kernel's outputs that limit the iteration."""
        names = ["_iter_low", "_iter_high", "_iter_step"]
        if self.iteration is not Iteration.RANGE:
            names.append(f"_iter_{self.iteration.value}")
        return names
