"""What Brian says about one piece of code, kept until it is compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from brian2.codegen.generators.base import CodeGenerator
from brian2.codegen.permutation_analysis import OrderDependenceError, check_for_order_independence
from brian2.codegen.statements import Statement
from brian2.codegen.translation import make_statements
from brian2.core.preferences import prefs
from brian2.core.variables import ArrayVariable, LinkedVariable
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

#: The templates whose code acts at once: synapses made, values set and read by strings.
SETUP_TEMPLATES = frozenset(
    (
        "group_variable_set", "group_variable_set_conditional", "group_variable_get",
        "group_variable_get_conditional", "group_get_indices", "synapses_create_generator",
        "synapses_create_array",
    )
)  # fmt: skip

#: Templates in which the code may change shared variables.
_SHARED_WRITES = frozenset(("stateupdate", "group_variable_set_conditional"))


def of_a_lost_group(variables: Mapping[str, Any]) -> str | None:
    """The name of an array whose group no longer exists; None if there is none.

    Brian holds groups, of which variables may be linked, only weakly.
    """
    for name, variable in variables.items():
        if isinstance(variable, ArrayVariable) and owner_name(variable) is None:
            return name
    return None


def owner_name(variable: Any) -> str | None:
    """The name of a variable's group; None if the group no longer exists."""
    try:
        return str(getattr(variable.owner, "name", ""))
    except ReferenceError:
        return None


def check_groups(
    owner: Any, variables: Mapping[str, Any], variable_indices: Mapping[str, str]
) -> None:
    """Refuse variables of groups that no longer exist.

    Brian refuses them, too, without saying what is wrong.

    Raises
    ------
    ReferenceError
        With the variable, and what to do.
    """
    lost = of_a_lost_group(variables)
    if lost is None:
        return
    # what makes a part of a group is an index into the group, which belongs to the part
    names = [name for name, index in variable_indices.items() if index == lost]
    arrays = [variables[name] for name in names if isinstance(variables.get(name), ArrayVariable)]
    source = owner_name(arrays[0]) if arrays else None
    if source is None:
        what, keep = f"'{variables[lost].name}' of a group", "group = NeuronGroup(...)"
    else:
        what, keep = f"'{arrays[0].name}' of a part of '{source}'", f"part = {source}[...]"
    _refuse(owner, what, keep)


def check_link(owner: Any, link: LinkedVariable) -> None:
    """Refuse a link to a variable of a group that no longer exists.

    Raises
    ------
    ReferenceError
        With the variable, and what to do.
    """
    if owner_name(link.variable) is None:
        _refuse(owner, f"'{link.name}' of a group", "group = NeuronGroup(...)")


def _refuse(owner: Any, what: str, keep: str) -> NoReturn:
    raise ReferenceError(
        f"'{owner.name}' uses {what} that no longer exists, because nothing holds it: a link to a"
        f" variable does not. Keep it in a variable ('{keep}', and link to that) for as long as"
        f" '{owner.name}' is used."
    )


@dataclass
class Block:
    """The statements of one block of code: executed once, and for every element."""

    shared: list[Statement]
    vector: list[Statement]


@dataclass
class RecordedCode:
    """The arguments of Brian's ``Device.code_object`` and the statements made of them.

    Attributes
    ----------
    blocks : dict
        From a block's name (``None`` where there is only one) to its `Block`.
    repeated : bool
        Whether two elements may write to the same place, as two synapses do that set a
        variable of one neuron.
    writes : set of str
        Names of the array variables that the statements change.
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
    blocks: dict[Any, Block] = field(default_factory=dict)
    repeated: bool = False
    writes: set[str] = field(default_factory=set)
    guards: dict[str, str] = field(default_factory=dict)
    depends_on_order: bool = False

    def describe(self) -> str:
        """The code for people, as near to what the user wrote as it is known here."""
        written = self.template_kwds.get("original_expression")
        blocks = [written] if written is not None else list(self.abstract_code.values())
        return "; ".join(" ".join(str(block).split()) for block in blocks)

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
            # Brian's own optimisation is left out of the time loop: the passes over the model do
            # more. Set-up code is rounded as Brian rounds it: a delay may lie just between two
            # time steps.
            shared, vector = self._statements(
                block, code, optimise=self.template in SETUP_TEMPLATES
            )
            self.repeated = self.repeated or generator.has_repeated_indices(vector)
            self._check_order(generator, vector)
            for statements in (shared, vector):
                _, writes, _, guards = generator.arrays_helper(statements)
                self.writes |= writes
                self.guards.update(guards)
            self.blocks[block] = Block(shared, vector)

    def _statements(
        self, block: Any, code: str, *, optimise: bool
    ) -> tuple[list[Statement], list[Statement]]:
        dtype = prefs["core.default_float_dtype"]
        try:
            return make_statements(code, self.variables, dtype, optimise=optimise, blockname=block)
        except RecursionError:
            # Brian's optimisation goes deeper than the rest, and its targets cannot run such code
            if not optimise:
                raise
            return self._statements(block, code, optimise=False)

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
