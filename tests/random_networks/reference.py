"""Brian's runtime, where what it does is defined by its documentation and not by its target.

Each of these replaces a part of Brian while it lasts; `oracle` says why.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from brian2 import Network, SpikeGeneratorGroup
from brian2.codegen.generators import base
from brian2.codegen.generators.numpy_generator import NumpyCodeGenerator
from brian2.codegen.statements import Statement
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.synapses.synapses import SynapticPathway
from brian2.utils.stringtools import get_identifiers


@contextmanager
def defined_delays() -> Iterator[None]:
    """Let Brian's queues see only delays that they can do something with."""
    original, before = SynapticPathway.initialise_queue, Network.before_run

    def check(path: SynapticPathway) -> None:
        delays = path._delays.get_value()
        steps = delays / path.source.clock.dt_
        if not np.all(np.isfinite(steps)) or np.any(steps >= 2**31):
            raise ValueError(f"a delay of {path.name} is no number or too long")
        if len(path.synapses) != len(delays) != 1:
            raise ValueError(f"{len(delays)} delays for {len(path.synapses)} synapses")

    def before_run(network: Network, namespace: dict) -> None:
        # before anything else, of which some may end with an error, too
        for path in network.sorted_objects:
            if isinstance(path, SynapticPathway) and path.active:
                check(path)
        before(network, namespace)

    def initialise_queue(path: SynapticPathway) -> None:
        check(path)
        delays = path._delays.get_value().copy()
        path._delays.set_value(np.maximum(delays, 0))
        try:
            original(path)
        finally:
            path._delays.set_value(delays)

    SynapticPathway.initialise_queue, Network.before_run = initialise_queue, before_run
    try:
        yield
    finally:
        SynapticPathway.initialise_queue, Network.before_run = original, before


@contextmanager
def wide_rounding() -> Iterator[None]:
    """Let ``floor`` and ``ceil`` of Brian's NumPy code leave what is no number of 32 bits."""

    def rounded(function: Callable) -> Callable:
        def wide(value: Any) -> Any:
            result = function(value)
            whole = np.int32(result)
            return whole if np.all(whole == result) else result

        return wide

    replaced = []
    for name, function in (("floor", np.floor), ("ceil", np.ceil)):
        implementations = DEFAULT_FUNCTIONS[name].implementations
        replaced.append((implementations, implementations[NumpyCodeGenerator]))
        implementations.add_implementation(NumpyCodeGenerator, rounded(function), name=name)
    try:
        yield
    finally:
        for implementations, original in replaced:
            implementations._implementations[NumpyCodeGenerator] = original


@contextmanager
def defined_times() -> Iterator[None]:
    """Let Brian's generators of spikes never reach a time whose step has no 32 bits."""
    original = SpikeGeneratorGroup.before_run

    def before_run(group: SpikeGeneratorGroup, run_namespace: dict) -> None:
        original(group, run_namespace)
        bins = group.variables["_timebins"]
        late = group._spike_time / group.dt_[:] >= 2**31 - 1
        if np.any(late):
            bins.set_value(np.where(late, 2**31 - 1, bins.get_value()))

    SpikeGeneratorGroup.before_run = before_run
    try:
        yield
    finally:
        SpikeGeneratorGroup.before_run = original


#: In NumPy's code, the statement ``a = b``.
_SECOND_NAME = re.compile(r"^(\w+) = ([A-Za-z_]\w*)( #.*)?$")


@contextmanager
def values_assigned() -> Iterator[None]:
    """Let ``a = b`` in Brian's NumPy code copy what ``b`` is, as it is in all other targets."""

    def copying(method: Callable[..., str]) -> Callable[..., str]:
        def statement(*arguments: Any, **keywords: Any) -> str:
            line = method(*arguments, **keywords)
            return _SECOND_NAME.sub(r"\1 = __import__('copy').copy(\2)\3", line)

        return statement

    names = ("translate_statement", "ufunc_at_vectorisation")
    originals = {name: getattr(NumpyCodeGenerator, name) for name in names}
    for name, original in originals.items():
        setattr(NumpyCodeGenerator, name, copying(original))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(NumpyCodeGenerator, name, original)


@contextmanager
def wide_integers() -> Iterator[None]:
    """Let Brian's NumPy code compute with whole numbers of 64 bits."""
    original = NumpyCodeGenerator.read_arrays

    def read_arrays(
        generator: NumpyCodeGenerator,
        read: Iterable[str],
        write: Iterable[str],
        indices: dict,
        variables: dict,
        variable_indices: dict,
    ) -> list[str]:
        lines = original(generator, read, write, indices, variables, variable_indices)
        narrow = [name for name in read if np.dtype(variables[name].dtype) == np.int32]
        return [*lines, *(f"{name} = _numpy.int64({name})" for name in sorted(narrow))]

    NumpyCodeGenerator.read_arrays = read_arrays
    try:
        yield
    finally:
        NumpyCodeGenerator.read_arrays = original


@contextmanager
def constants_as_written() -> Iterator[None]:
    """Let Brian leave the constants in the code of the time loop where they are."""
    make, before = base.make_statements, Network.before_run
    running = False

    def make_statements(*arguments: Any, **keywords: Any) -> Any:
        if running:
            keywords["optimise"] = False
        return make(*arguments, **keywords)

    def before_run(network: Network, namespace: Any) -> None:
        nonlocal running
        running = True
        try:
            before(network, namespace)
        finally:
            running = False

    base.make_statements, Network.before_run = make_statements, before_run
    try:
        yield
    finally:
        base.make_statements, Network.before_run = make, before


@contextmanager
def one_by_one() -> Iterator[None]:
    """Let Brian's NumPy code for pathways take one spike after the other, as it is written.

    Every statement reads what it needs from the arrays and writes back what it has changed, and a
    subexpression is computed where it is used.
    """
    original = NumpyCodeGenerator.translate_one_statement_sequence

    def translate(
        generator: NumpyCodeGenerator, statements: Sequence[Statement], scalar: bool = False
    ) -> list[str]:
        if scalar or generator.template_name != "synapses":
            return original(generator, statements, scalar)
        lines, defined = [], {}
        temporary: set[str] = set()
        for statement in statements:
            if statement.subexpression:
                defined[statement.var] = statement
                continue
            for each in (*_used(statement, defined), statement):
                if each.op == ":=":
                    temporary.add(each.var)
                lines += _alone(generator, each, temporary)
        body = [f"    {line}" for line in lines]
        return ["for _one in _idx:", "    _idx = _vectorisation_idx = _numpy.array([_one])", *body]

    NumpyCodeGenerator.translate_one_statement_sequence = translate
    try:
        yield
    finally:
        NumpyCodeGenerator.translate_one_statement_sequence = original


def _used(statement: Statement, defined: dict[str, Statement]) -> list[Statement]:
    """The definitions of all subexpressions that a statement needs, in the order of their use."""
    found: list[Statement] = []
    for name in sorted(get_identifiers(statement.expr) & defined.keys()):
        found += [*_used(defined[name], defined), defined[name]]
    return found


def _alone(generator: NumpyCodeGenerator, statement: Statement, temporary: set[str]) -> list[str]:
    """One statement, from what the arrays hold to what it leaves in them."""
    known = generator.variables, generator.variable_indices
    read, write, indices, conditions = generator.arrays_helper([statement])
    line = generator.translate_statement(statement)
    return [
        *generator.read_arrays(read, write, indices, *known),
        generator.conditional_write(line, statement, known[0], conditions, temporary),
        *generator.write_arrays([statement], read, write, *known),
    ]


#: What holds of every reference.
AMENDMENTS = (defined_delays, defined_times, wide_rounding, values_assigned)
