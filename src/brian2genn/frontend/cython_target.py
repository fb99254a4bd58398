"""Users' functions that only Brian's Cython target can execute.

What this device cannot compile goes to Brian's NumPy target, which calls a function's Python body.
A body that does nothing but refuse (as in Brian's documentation of C++ functions) is none: with a
Cython implementation beside it, Brian's own default target runs the script, so it has to run here.
"""

from __future__ import annotations

import dis
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from brian2.codegen.codeobject import _gather_compiler_kwds, _merge_compiler_kwds
from brian2.codegen.runtime.cython_rt import CythonCodeObject
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.core.functions import Function

#: Where a template of Brian's expects a spike queue of Brian's own.
_QUEUE = "_queue_capsule"

_JUMPS = frozenset(dis.hasjrel) | frozenset(dis.hasjabs)


@dataclass(frozen=True)
class CythonVersion:
    """What Brian's Cython target needs to execute a piece of code.

    Attributes
    ----------
    variables : dict
        What its template needs of the group, besides what other templates need.
    compiler_kwds : dict
        What the functions' implementations need of a compiler.
    """

    variables: dict[str, Any]
    compiler_kwds: dict[str, Any]


def refuses(function: Function) -> bool:
    """Whether a function's Python body computes nothing: it is empty, or only raises an error."""
    body = getattr(function.pyfunc, "_orig_func", function.pyfunc)
    code = getattr(body, "__code__", None)
    if code is None:
        return False
    instructions = list(dis.get_instructions(code))
    names = {instruction.opname for instruction in instructions}
    if any(instruction.opcode in _JUMPS for instruction in instructions):
        return False
    if "RAISE_VARARGS" in names:
        return not any(name.startswith("RETURN_") for name in names)
    # `pass`, `...`, or nothing but a docstring
    return names <= {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"} and all(
        instruction.argval is None
        for instruction in instructions
        if instruction.opname in ("LOAD_CONST", "RETURN_CONST")
    )


def cython_version(
    owner: Any, template_name: str, variables: Mapping[str, Any], own_target: type
) -> CythonVersion | None:
    """What makes Brian's Cython target execute code that NumPy's cannot; None if it can.

    Parameters
    ----------
    owner : Group
    template_name : str
    variables : mapping
        Those of the code.
    own_target : type
        This device's, whose implementations come first.

    Returns
    -------
    CythonVersion or None

    Raises
    ------
    NotImplementedError
        If only Cython could execute it, and cannot, with the reason and what to do.
    """
    functions = {name: f for name, f in variables.items() if isinstance(f, Function)}
    needing = [name for name, function in functions.items() if needs_cython(function, own_target)]
    if not needing:
        return None
    template = getattr(CythonCodeObject.templater, template_name)
    # Cython's code can call a Python body, too
    others = [
        name
        for name, function in functions.items()
        if not _has(function, CythonCodeObject) or (refuses(function) and not _has_cython(function))
    ]
    if _QUEUE in template.variables:
        reason = "code of pathways works with this device's own spike queues"
    elif others:
        reason = f"'{others[0]}', which is used together with it, has no Cython implementation"
    elif not _is_available():
        reason = "Cython, or a compiler for it, is missing or does not work"
    else:
        missing = sorted(set(template.variables) - set(variables))
        found = owner.resolve_all(missing, run_namespace={}, user_identifiers=set())
        wanted = [_gather_compiler_kwds(f, CythonCodeObject) for f in functions.values()]
        return CythonVersion(found, _merge_compiler_kwds(wanted))
    name = needing[0]
    raise NotImplementedError(
        f"The function '{name}' has an implementation for Cython only; its Python body computes"
        f" nothing. Brian's own target 'cython' would use that implementation. '{owner.name}'"
        f" cannot, because {reason}. Give '{name}' a C++ implementation"
        " (@implementation('cpp', ...)), which is compiled together with the network, or a Python"
        " body that computes the same."
    )


def needs_cython(function: Function, own_target: type) -> bool:
    """Whether only a function's Cython implementation can compute it."""
    return (
        refuses(function)
        and not _has(function, own_target)
        and _has_cython(function)
        and _calls_its_body(function)
    )


def _calls_its_body(function: Function) -> bool:
    """Whether NumPy would call the Python body, and not something that was given for NumPy."""
    if not _has(function, NumpyCodeObject):
        return True
    implementation = function.implementations[NumpyCodeObject]
    if implementation.dynamic:
        return False
    body = getattr(function.pyfunc, "_orig_func", function.pyfunc)
    called = implementation.get_code(None)
    inside = [cell.cell_contents for cell in getattr(called, "__closure__", None) or ()]
    return getattr(called, "__code__", None) is body.__code__ or body in inside


def _has_cython(function: Function) -> bool:
    """Whether there is an implementation in Cython; Brian falls back to NumPy's."""
    if not _has(function, CythonCodeObject):
        return False
    if not _has(function, NumpyCodeObject):
        return True
    both = [function.implementations[target] for target in (CythonCodeObject, NumpyCodeObject)]
    return both[0] is not both[1]


def _has(function: Function, target: type) -> bool:
    try:
        function.implementations[target]
    except KeyError:
        return False
    return True


@cache
def _is_available() -> bool:
    """Whether Brian can compile with Cython; it compiles something to find out."""
    return bool(CythonCodeObject.is_available())
