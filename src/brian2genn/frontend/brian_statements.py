"""Statements of code in fewer steps: functions that replace Brian's in `brian_costs`."""

from __future__ import annotations

import ast
import math
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

import sympy
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.variables import Subexpression
from brian2.parsing.sympytools import check_expression_for_multiple_stateful_functions

Function = Callable[..., Any]

_WORDS = re.compile(r"\w+")


# -- names of code -----------------------------------------------------------------
def variables_of(code: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Those of some variables that statements, and Brian's checks of them, look at.

    Parameters
    ----------
    code : str
    variables : mapping
        All that the code may use.

    Returns
    -------
    dict
        Those that the code names, what subexpressions among them name in turn, and all that stands
        in subexpressions that are one value for all: those Brian checks in any case.
    """
    chosen: dict[str, Any] = {}
    names = set(_WORDS.findall(code))
    for name, variable in variables.items():
        if isinstance(variable, Subexpression) and variable.scalar:
            names.add(name)
    while names:
        known = [name for name in names if name in variables]
        chosen.update((name, variables[name]) for name in known)
        names = set()
        for name in known:
            if isinstance(chosen[name], Subexpression):
                names.update(_WORDS.findall(chosen[name].expr))
        names.difference_update(chosen)
    return chosen


def make_make_statements(original: Function, is_active: Callable[[], bool]) -> Function:
    """``brian2.codegen.translation.make_statements``."""

    def make_statements(
        code: Any, variables: Any, dtype: Any, optimise: bool = True, blockname: Any = ""
    ) -> Any:
        if not optimise and type(code) is str and type(variables) is dict and is_active():
            variables = variables_of(code, variables)
        return original(code, variables, dtype, optimise=optimise, blockname=blockname)

    return make_statements


# -- algebra -----------------------------------------------------------------------
#: Operations that sympy accepts whatever the operands are, as long as these are no truths.
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)
_SIGNS = (ast.UAdd, ast.USub)


def plain_names(expression: str) -> set[str] | None:
    """The names in an expression of arithmetic and functions; None if it has anything else.

    Parameters
    ----------
    expression : str

    Returns
    -------
    set of str or None
        Brian's translation of the expression for sympy cannot fail if there is one.
    """
    try:
        nodes = [ast.parse(expression.strip(), mode="eval").body]
    except (SyntaxError, ValueError):
        return None
    names = set()
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Constant):
            value = node.value
            if not isinstance(value, int | float) or isinstance(value, bool):
                return None
            if isinstance(value, float) and not math.isfinite(value):
                return None
        elif isinstance(node, ast.BinOp) and isinstance(node.op, _ARITHMETIC):
            nodes += [node.left, node.right]
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, _SIGNS):
            nodes.append(node.operand)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            known = DEFAULT_FUNCTIONS.get(node.func.id)
            if known is not None and len(known._arg_units) != len(node.args):
                return None
            names.add(node.func.id)
            nodes += node.args
        else:
            return None
    return names


def make_str_to_sympy(original: Function, is_active: Callable[[], bool]) -> Function:
    """``str_to_sympy`` as ``brian2.codegen.translation`` has it."""

    def str_to_sympy(expr: Any, variables: Any = None) -> Any:
        if is_active() and type(expr) is str:
            caller = sys._getframe(1)
            if caller.f_code.co_name == "make_statements":
                target, names = caller.f_locals.get("var"), plain_names(expr)
                if names is not None and target not in names:
                    check_expression_for_multiple_stateful_functions(expr, variables or {})
                    return sympy.S.One
        return original(expr, variables)

    return str_to_sympy
