"""Functions of Brian that go a level deeper for every term of a sum, called with enough room."""

from __future__ import annotations

import ast
from collections.abc import Callable
from itertools import accumulate
from typing import Any

from brian2.equations import unitcheck
from brian2.groups import neurongroup
from brian2.input import poissongroup
from brian2.parsing import sympytools
from brian2.parsing.rendering import NodeRenderer
from brian2.synapses import synapses

Function = Callable[..., Any]

#: Where the functions are, and what they are called there. All of them only look at an expression,
#: so that they may be called again. The rest of a run has room as a whole; these are called before.
PLACES = (
    (sympytools, "_str_to_sympy"),
    (unitcheck, "parse_expression_dimensions"),
    (synapses, "parse_expression_dimensions"),
    (neurongroup, "parse_expression_dimensions"),
    (poissongroup, "parse_expression_dimensions"),
    (synapses, "brian_ast"),
    (synapses, "is_boolean_expression"),
    (synapses.Synapses, "_expression_index_dependence"),
)

#: Python takes 200 brackets in one another; what is written around a text needs some of them.
_MOST_BRACKETS = 100


def make_deep(
    original: Function, is_active: Callable[[], bool], deep: Callable[[Callable[[], Any]], Any]
) -> Function:
    """One of the functions in `PLACES`.

    Parameters
    ----------
    original : callable
    is_active : callable
        Whether this device is the active one.
    deep : callable
        Calls a function with as much room as it needs.
    """

    def with_room(*args: Any, **kwds: Any) -> Any:
        if not is_active():
            return original(*args, **kwds)
        return deep(lambda: original(*args, **kwds))

    return with_room


def make_parse_generator(
    original: Function, is_active: Callable[[], bool], deep: Callable[[Callable[[], Any]], Any]
) -> Function:
    """`parse_synapse_generator`, with fewer brackets where Python would not read them again.

    Brian writes each part of a generator anew, with brackets around whatever is an operand: in a
    sum, as many in one another as it has terms.

    Parameters
    ----------
    original, is_active, deep
        As for `make_deep`.
    """

    def parse_synapse_generator(expr: str) -> dict[str, Any]:
        # every bracket of Brian's stands for an operand and its operator
        if len(expr) < 2 * _MOST_BRACKETS or not is_active():
            return original(expr)
        return deep(lambda: _parse(original, expr))

    return parse_synapse_generator


def _parse(original: Function, expr: str) -> dict[str, Any]:
    try:
        # first: the original takes it for a mistake in `expr` if there is no room for this
        found: Any = ast.parse(f"[{expr}]", mode="eval").body
    except (SyntaxError, ValueError, MemoryError):  # the last: too deep for the parser
        return original(expr)
    parsed: dict[str, Any] = original(expr)
    (generator,) = found.generators
    keywords = [keyword.value for keyword in generator.iter.keywords]
    shorter = {}
    for part in (found.elt, *generator.iter.args, *keywords, *generator.ifs):
        text = NodeRenderer().render_node(part)
        if _brackets(text) > _MOST_BRACKETS:
            shorter[text] = ast.unparse(part)
    for name in ("element", "if_expression"):
        parsed[name] = shorter.get(parsed[name], parsed[name])
    arguments = parsed["iterator_kwds"].items()
    parsed["iterator_kwds"] = {name: shorter.get(text, text) for name, text in arguments}
    return parsed


def _brackets(text: str) -> int:
    """How many brackets there are in one another."""
    return max(accumulate((char == "(") - (char == ")") for char in text), default=0)
