"""What the code of an integrator depends on, as a text.

Brian's integrators make statements of equations by computer algebra, in every process anew: three
seconds for the linear equations of two currents. The statements depend on little: the equations,
what is known of their names, the integrator and its options, and the programs that do the algebra.
All of this is in the text that `ingredients` makes, so that statements can be kept under it. Where
something takes part that a text cannot say for certain (a user's integrator, a function with a
meaning for sympy, a value of a kind that is not known here), there is no such text.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import brian2
import mpmath
import numpy as np
import sympy
from brian2.core.functions import DEFAULT_CONSTANTS, DEFAULT_FUNCTIONS, Function, SymbolicConstant
from brian2.core.variables import (
    ArrayVariable,
    AuxiliaryVariable,
    Constant,
    DynamicArrayVariable,
    Subexpression,
    Variable,
    Variables,
)
from brian2.equations.codestrings import Expression
from brian2.equations.equations import Equations, SingleEquation
from brian2.input.timedarray import TimedArray
from brian2.stateupdaters.base import UnsupportedEquationsException
from brian2.stateupdaters.exact import LinearStateUpdater
from brian2.stateupdaters.explicit import ExplicitStateUpdater, diagonal_noise
from brian2.stateupdaters.exponential_euler import ExponentialEulerStateUpdater
from brian2.units.fundamentalunits import Dimension
from sympy.core.parameters import global_parameters

#: Changes when the text has to say something else.
_FORM = 1

#: The integrators that are known.
INTEGRATORS = (
    ExplicitStateUpdater,
    ExponentialEulerStateUpdater,
    LinearStateUpdater,
)

#: Parts of Brian by which integrators work.
_PARTS = (
    "core/functions.py", "core/variables.py", "equations", "parsing", "stateupdaters",
    "utils/caching.py", "utils/stringtools.py",
)  # fmt: skip

#: The kinds of variables, exactly, and what of them integrators have no way to ask for.
_VARIABLES = (
    ArrayVariable, AuxiliaryVariable, Constant, DynamicArrayVariable, Subexpression, Variable,
)  # fmt: skip
_NOT_ASKED_FOR = frozenset(("conditional_write", "device", "owner", "size"))


class NotText(Exception):
    """Something that a text cannot say for certain."""


def ingredients(updater: Any, equations: Any, variables: Any, options: Any) -> str | None:
    """A text that differs wherever the statements of an integrator may differ.

    Parameters
    ----------
    updater : StateUpdateMethod
    equations : Equations
    variables : mapping or None
        What the names in the equations mean.
    options : mapping or None
        Of the integrator.

    Returns
    -------
    str or None
        None if there is none.
    """
    try:
        parts = [
            f"form {_FORM}",
            _programs(),
            _surroundings(),
            _integrator(updater),
            _plain(options),
            _equations(equations),
            *_meanings(variables),
        ]
    except NotText:
        return None
    return "\n".join(parts)


@cache
def _programs() -> str:
    """The programs that do the algebra. Brian's files are looked at, which people change."""
    if not isinstance(sympy.__version__, str) or "dev" in sympy.__version__:
        raise NotText
    root = Path(brian2.__file__).parent
    digest = hashlib.sha256()
    for part in _PARTS:
        path = root / part
        for file in [path] if path.is_file() else sorted(path.glob("*.py")):
            digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return repr(
        (
            brian2.__version__,
            digest.hexdigest(),
            sympy.__version__,
            mpmath.__version__,
            platform.python_version(),
        )
    )


def _surroundings() -> str:
    """What functions and constants mean for sympy; integrators know them by name."""
    if not (global_parameters.evaluate and global_parameters.distribute):
        raise NotText
    functions = [
        (name, _sympy_name(function.sympy_func), bool(function.stateless))
        for name, function in sorted(DEFAULT_FUNCTIONS.items())
    ]
    constants = [
        (name, _exact(constant, SymbolicConstant) and repr(constant.sympy_obj))
        for name, constant in sorted(DEFAULT_CONSTANTS.items())
    ]
    return repr((functions, constants))


def integrate(
    original: Callable[..., Any],
    kept: Callable[[str, str, Callable[[], str]], str],
    updater: Any,
    equations: Any,
    variables: Any,
    options: Any,
) -> Any:
    """The statements of an integrator, from the disk if they were made before.

    Parameters
    ----------
    original : callable
        Makes them.
    kept : callable
        Keeps texts: is given a kind of text, what it is made of, and what makes it.
    updater, equations, variables, options
        See `ingredients`; what `original` is called with.

    Raises
    ------
    UnsupportedEquationsException
        As the integrator has, with the same words.
    """
    text = ingredients(updater, equations, variables, options)
    if text is None:
        return original(updater, equations, variables, options)
    watched = any(type(thing) is TimedArray for thing in (variables or {}).values())

    def make() -> str:
        try:
            code = original(updater, equations, variables, options)
        except UnsupportedEquationsException as error:
            # why time could not be taken for constant is in Brian's log, which is not kept
            if watched or not all(isinstance(part, str) for part in error.args):
                raise
            return json.dumps({"unsupported": error.args})
        if type(code) is not str:
            raise _NoStatements(code)
        return json.dumps({"code": code})

    try:
        found = json.loads(kept("integrator", text, make))
    except _NoStatements as other:
        return other.args[0]
    if "unsupported" in found:
        raise UnsupportedEquationsException(*found["unsupported"])
    return found["code"]


class _NoStatements(Exception):
    """An integrator has made something else."""


def _exact(thing: Any, *kinds: type) -> bool:
    if type(thing) not in kinds:
        raise NotText
    return True


def _sympy_name(function: Any) -> str | None:
    """The place of something that comes with sympy, or with Brian."""
    if function is None:
        return None
    module, name = getattr(function, "__module__", ""), getattr(function, "__qualname__", "")
    if str(module).partition(".")[0] not in ("sympy", "brian2"):
        raise NotText
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not function:
        raise NotText
    return f"{module}.{name}"


def _integrator(updater: Any) -> str:
    _exact(updater, *INTEGRATORS)
    own: dict[str, Any] = dict(vars(updater))
    if isinstance(updater, ExplicitStateUpdater):
        check = own.pop("custom_check")
        if check not in (None, diagonal_noise):
            raise NotText
        statements = [(name, sympy.srepr(value)) for name, value in own.pop("statements")]
        symbols = sorted((name, sympy.srepr(value)) for name, value in own.pop("symbols").items())
        own |= {
            "custom_check": None if check is None else "diagonal_noise",
            "output": sympy.srepr(own.pop("output")),
            "statements": repr(statements),
            "symbols": repr(symbols),
        }
    return f"{type(updater).__name__} {_plain(own)}"


def _equations(equations: Any) -> str:
    _exact(equations, Equations)
    told = []
    for name, equation in equations.items():
        _exact(equation, SingleEquation)
        expression = equation.expr
        code = None if expression is None else _exact(expression, Expression) and expression.code
        told.append(
            (
                name, equation.type, equation.varname, _plain(equation.dim), equation.var_type,
                code, _plain(equation.flags), equation.update_order,
            )
        )  # fmt: skip
    return repr(told)


def _meanings(variables: Any) -> Iterable[str]:
    if variables is None:
        return ["no variables"]
    _exact(variables, dict, Variables)
    return [f"{name!r} {_meaning(name, variables[name])}" for name in sorted(variables)]


def _meaning(name: str, thing: Any) -> str:
    if isinstance(thing, Function):
        return _function(thing)
    if type(thing) is SymbolicConstant:
        return f"constant {thing.name!r} {thing.sympy_obj!r} {_plain(thing.dim)}"
    _exact(thing, *_VARIABLES)
    own = {key: value for key, value in vars(thing).items() if key not in _NOT_ASKED_FOR}
    if type(thing) is Constant and type(thing.value) in (float, int) and name != "dt":
        own["value"] = "a number"  # so that other numbers find the same
    if name == "dt" and isinstance(thing, ArrayVariable):
        # what is constant during a time step depends on it
        own["value"] = float(thing.get_value().item())
    return f"{type(thing).__name__} {_plain(own)}"


def _function(function: Any) -> str:
    """What integrators ask a function: whether it has a state, and how constant it is."""
    _exact(function, Function, TimedArray)
    known = [name for name, default in DEFAULT_FUNCTIONS.items() if default is function]
    if "is_locally_constant" in vars(function) or (not known and function.sympy_func is not None):
        raise NotText
    told: list[object] = [known, _sympy_name(function.sympy_func), bool(function.stateless)]
    if type(function) is TimedArray:
        told += ["TimedArray", float(function.dt)]
    return f"function {told!r}"


def _plain(value: Any) -> str:
    """A value of a kind whose text is all that there is to it."""
    kind = type(value)
    if value is None or kind in (str, bool, int, float):
        return repr(value)
    if kind is Dimension:
        return f"Dimension{tuple(float(exponent) for exponent in value._dims)!r}"
    if kind is np.dtype or isinstance(value, np.dtype):
        return f"dtype {np.dtype(value).str}"
    if kind is type and issubclass(value, np.generic | float | int | bool):
        return f"dtype {np.dtype(value).str}"
    if isinstance(value, np.generic) or (kind is np.ndarray and value.shape == ()):
        return f"{np.asarray(value).dtype.str} {np.asarray(value).item()!r}"
    if kind is dict:
        return "{" + ", ".join(f"{_plain(k)}: {_plain(value[k])}" for k in sorted(value)) + "}"
    if kind in (list, tuple):
        return f"{kind.__name__}[{', '.join(map(_plain, value))}]"
    if kind in (set, frozenset):
        return f"set[{', '.join(sorted(map(_plain, value)))}]"
    raise NotText
