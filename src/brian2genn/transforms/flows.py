"""Whether an expression brings a variable from one time to another so that two steps make one.

That is so for exact solutions of ``dx/dt = (b - x)/tau`` with constants ``b`` and ``tau``, which
Brian's integrators write as ``x*exp(-(t - lastupdate)/tau)`` and, with ``b``, as
``x*e + b - b*e``, in one order or another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..model.expr import Expr, walk

#: A term of a sum: whether it is subtracted, and its factors.
_Term = tuple[bool, list[Expr]]


def is_flow(value: Expr, name: str, since: str, now: str) -> bool:
    """Whether `value` is the variable `name`, integrated from the time `since` to `now`.

    Parameters
    ----------
    value : Expr
    name, since, now : str
        Of variables.
    """
    constants: Counter[tuple[bool, frozenset[tuple[int, int]]]] = Counter()
    shrinking: Counter[tuple[bool, frozenset[tuple[int, int]]]] = Counter()
    factor: Expr | None = None
    decays = 0
    for negative, factors in _terms(value):
        plain = [one for one in factors if not (one.op == "const" and one.attr == 1.0)]
        exps = [one for one in plain if _is_decay(one, now, since)]
        others = [one for one in plain if one not in exps]
        if len(exps) > 1 or (factor is not None and exps and exps[0] is not factor):
            return False
        factor = exps[0] if exps else factor
        variables = [one for one in others if one.op == "load"]
        if variables:
            if negative or not exps or len(others) != 1 or variables[0].attr != name:
                return False
            decays += 1
            continue
        if any(node.op == "load" for node in walk(others)):
            return False
        key = frozenset(Counter(one.serial for one in others).items())
        (shrinking if exps else constants)[negative, key] += 1
    # what grows towards b: b - b*e
    return decays == 1 and constants == Counter(
        {(not negative, key): count for (negative, key), count in shrinking.items()}
    )


def _terms(value: Expr, negative: bool = False) -> Iterator[_Term]:
    waiting = [(value, negative)]
    while waiting:
        node, negative = waiting.pop()
        match node.op:
            case "add":
                waiting += [(arg, negative) for arg in node.args]
            case "sub":
                waiting += [(node.args[0], negative), (node.args[1], not negative)]
            case "neg":
                waiting.append((node.args[0], not negative))
            case _:
                yield negative, list(_factors(node))


def _factors(value: Expr) -> Iterator[Expr]:
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if node.op == "mul":
            waiting += node.args
        else:
            yield node


def _is_decay(node: Expr, now: str, since: str) -> bool:
    """Whether a node is the exponential of a constant times the time that has passed."""
    if node.op != "call" or node.attr != "exp":
        return False
    (node,) = node.args
    while node.op != "sub":
        if node.op == "neg":
            (node,) = node.args
        elif node.op in ("mul", "div"):
            one, other = node.args
            if not any(below.op == "load" for below in walk([other])):
                node = one
            elif node.op == "mul" and not any(below.op == "load" for below in walk([one])):
                node = other
            else:
                return False
        else:
            return False
    one, other = node.args
    return (one.op, other.op) == ("load", "load") and (one.attr, other.attr) == (now, since)
