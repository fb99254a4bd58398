"""What Brian says about one piece of code of the time loop, kept for later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from brian2.codegen.generators.base import CodeGenerator
from brian2.codegen.permutation_analysis import OrderDependenceError, check_for_order_independence
from brian2.codegen.statements import Statement
from brian2.codegen.translation import make_statements
from brian2.core.preferences import prefs
from brian2.utils.logger import get_logger

logger = get_logger("brian2.codegen.generators.base")

#: The templates whose code belongs to the time loop.
LOOP_TEMPLATES = frozenset(
    (
        "stateupdate", "threshold", "reset", "synapses", "synapses_push_spikes",
        "summed_variable", "spikemonitor", "statemonitor", "ratemonitor", "spikegenerator",
        "spatialstateupdate",
    )
)  # fmt: skip

#: Templates in which the code may change shared variables.
_SHARED_WRITES = frozenset(("stateupdate",))


@dataclass
class RecordedCode:
    """The arguments of Brian's ``Device.code_object`` and the statements made of them.

    Attributes
    ----------
    shared, vector : list of Statement
        Statements executed once, and for every element.
    reads, writes : set of str
        Names of the array variables that the statements touch.
    guards : dict
        From a variable to the condition under which it may be written
        (``unless refractory``).
    depends_on_order : bool
        Whether the outcome may depend on the order of the elements; Brian warns of it.
    """

    owner: Any
    name: str
    abstract_code: Mapping[Any, str]
    variables: dict[str, Any]
    template: str
    variable_indices: Mapping[str, str]
    template_kwds: dict[str, Any]
    override_conditional_write: set[str]
    shared: list[Statement] = field(default_factory=list)
    vector: list[Statement] = field(default_factory=list)
    writes: set[str] = field(default_factory=set)
    guards: dict[str, str] = field(default_factory=dict)
    depends_on_order: bool = False

    def analyse(self, target: type) -> None:
        """Let Brian make statements of the code, with its own checks and warnings.

        Parameters
        ----------
        target : type
            The code object class whose function implementations are used.

        Raises
        ------
        SyntaxError
            As Brian raises it, for example for a write to a shared variable.
        """
        generator = CodeGenerator(
            variables=self.variables,
            variable_indices=self.variable_indices,
            owner=self.owner,
            iterate_all=["_idx"] if self.template == "stateupdate" else [],
            codeobj_class=target,
            name=self.name,
            template_name=self.template,
            override_conditional_write=self.override_conditional_write,
            allows_scalar_write=self.template in _SHARED_WRITES,
        )
        for block, code in self.abstract_code.items():
            # Brian's own optimisation is left out: the passes over the model do more
            shared, vector = make_statements(
                code, self.variables, prefs["core.default_float_dtype"],
                optimise=False, blockname=block,
            )  # fmt: skip
            self._check_order(generator, vector)
            for statements in (shared, vector):
                _, writes, _, guards = generator.arrays_helper(statements)
                self.writes |= writes
                self.guards.update(guards)
            self.shared.extend(shared)
            self.vector.extend(vector)

    def _check_order(self, generator: CodeGenerator, statements: list[Statement]) -> None:
        try:
            if generator.has_repeated_indices(statements):
                check_for_order_independence(
                    statements, generator.variables, generator.variable_indices
                )
        except OrderDependenceError:
            self.depends_on_order = True
            first = statements[0]
            logger.warn(
                "Came across an abstract code block that may not be well-defined: the outcome"
                " may depend on the order of execution. You can ignore this warning if you are"
                " sure that the order of operations does not matter. "
                + (
                    f"Abstract code: '{first}'\n"
                    if len(statements) == 1
                    else f"{len(statements)} lines of abstract code, first line is: '{first}'\n"
                )
            )
