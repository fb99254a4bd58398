"""Typed expressions as a shared graph.

Expressions are interned: building the same expression twice gives the same
object, so equality is identity and common subexpressions are found for free.

Which expressions are there already depends on the networks that a process has had before. So
nothing may follow from the order in which they were made: where an order is needed, `in_order`
has one that follows from the expressions alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cmp_to_key
from typing import Any
from weakref import WeakValueDictionary

from .dtypes import BOOL, FLOAT64, INT32, INT64, is_float, promote

#: Operators whose results are truths.
COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")

_interned: WeakValueDictionary[tuple[Any, ...], Expr] = WeakValueDictionary()
_serial = 0


class Expr:
    """One node of an expression graph; never changed after creation.

    Attributes
    ----------
    op : str
        ``const``, ``param``, ``load``, ``given``, an operator, ``call``, ``random``,
        ``user`` (a user's function) or ``table`` (a sampled function of time).
    args : tuple of Expr
        The operands.
    attr : object
        What the operator needs besides its operands: the value of a ``const``,
        the name of a ``param``, ``load``, ``given`` or ``call``.
    dtype : str
        The type of the value.
    serial : int
        A number that no other expression of this process has; it says nothing else.
    """

    __slots__ = ("__weakref__", "args", "attr", "dtype", "op", "serial")

    op: str
    args: tuple[Expr, ...]
    attr: Any
    dtype: str
    serial: int

    def __repr__(self) -> str:
        return show(self)


def make(op: str, args: Iterable[Expr] = (), attr: Any = None, dtype: str = FLOAT64) -> Expr:
    """Return the (single) expression with these properties."""
    global _serial
    args = tuple(args)
    # repr distinguishes 0.0 from -0.0 and 1 from 1.0 and True
    attr_key = repr(attr) if op == "const" else attr
    key = (op, tuple(id(arg) for arg in args), attr_key, dtype)
    node = _interned.get(key)
    if node is None:
        node = Expr.__new__(Expr)
        node.op, node.args, node.attr, node.dtype = op, args, attr, dtype
        node.serial = _serial = _serial + 1
        _interned[key] = node
    return node


def const(value: float | int | bool, dtype: str | None = None) -> Expr:
    """A literal number."""
    if dtype is None:
        if isinstance(value, bool):
            dtype = BOOL
        elif isinstance(value, int):
            dtype = INT32 if -(2**31) <= value < 2**31 else INT64
        else:
            dtype = FLOAT64
    if is_float(dtype):
        value = float(value)
    elif dtype == BOOL:
        value = bool(value)
    else:
        value = int(value)
    return make("const", attr=value, dtype=dtype)


def cast(value: Expr, dtype: str) -> Expr:
    """`value` converted to `dtype` (as C converts: towards zero)."""
    if value.dtype == dtype:
        return value
    if value.op == "const" and (is_float(dtype) or (dtype != BOOL and abs(value.attr) < 2**31)):
        return const(value.attr, dtype)
    return make("cast", (value,), dtype=dtype)


def binary(op: str, left: Expr, right: Expr) -> Expr:
    """An arithmetic operation; operands are promoted to a common type."""
    dtype = promote(left.dtype, right.dtype)
    return make(op, (cast(left, dtype), cast(right, dtype)), dtype=dtype)


def compare(op: str, left: Expr, right: Expr) -> Expr:
    """A comparison."""
    dtype = BOOL if left.dtype == right.dtype == BOOL else promote(left.dtype, right.dtype)
    return make(op, (cast(left, dtype), cast(right, dtype)), dtype=BOOL)


def logical(op: str, *args: Expr) -> Expr:
    """``and``, ``or`` or ``not``."""
    return make(op, [truth(arg) for arg in args], dtype=BOOL)


def truth(value: Expr) -> Expr:
    """Whether `value` is not zero."""
    if value.dtype == BOOL:
        return value
    return compare("ne", value, const(0, value.dtype))


def select(condition: Expr, yes: Expr, no: Expr) -> Expr:
    """`yes` where `condition` holds, else `no` (both are evaluated)."""
    if yes is no:
        return yes
    if condition.op == "const":
        return yes if condition.attr else no
    dtype = yes.dtype if yes.dtype == no.dtype else promote(yes.dtype, no.dtype)
    return make("select", (condition, cast(yes, dtype), cast(no, dtype)), dtype=dtype)


def call(name: str, args: Iterable[Expr], dtype: str) -> Expr:
    """A function that every backend knows by `name`."""
    return make("call", args, attr=name, dtype=dtype)


def walk(roots: Iterable[Expr], leave_out: Callable[[Expr], bool] | None = None) -> Iterator[Expr]:
    """Every expression below `roots` once, operands before what uses them.

    Parameters
    ----------
    roots : iterable of Expr
    leave_out : callable, optional
        Says which expressions are left out, with what is below only them.
    """
    done: set[int] = set()
    for root in roots:
        stack = [root]
        while stack:
            node = stack[-1]
            if node.serial in done or (leave_out is not None and leave_out(node)):
                stack.pop()
                continue
            missing = [arg for arg in node.args if arg.serial not in done]
            if missing and leave_out is not None:
                missing = [arg for arg in missing if not leave_out(arg)]
            if missing:
                missing.reverse()
                stack += missing
            else:
                done.add(node.serial)
                stack.pop()
                yield node


#: Two expressions of thousands of operations each are not compared down to the last one: products
#: of such would take a time that grows with the square of their number.
_DEEPEST_COMPARED = 64


def in_order(values: Iterable[Expr]) -> list[Expr]:
    """Expressions in an order that follows from what they are, and not from when they were made.

    First what has no operands, by its name; then what is computed, by what it is computed of.
    Those that differ very deep inside only stay as they are given.
    """
    return sorted(values, key=cmp_to_key(_compared))


def _compared(one: Expr, other: Expr) -> int:
    """Whether one expression comes before (-1) or after (1) another."""
    for _ in range(_DEEPEST_COMPARED):
        if one is other:
            return 0
        first, second = _own_key(one), _own_key(other)
        if first != second:
            return -1 if first < second else 1
        # equal operands are one object: the first two that differ decide
        differing = [
            pair for pair in zip(one.args, other.args, strict=True) if pair[0] is not pair[1]
        ]
        if not differing:
            return 0
        one, other = differing[0]
    return 0


def _own_key(node: Expr) -> tuple[bool, str, str, str, int]:
    """What an expression is, without its operands."""
    attr = node.attr if isinstance(node.attr, str) else repr(node.attr)
    return bool(node.args), node.op, attr, node.dtype, len(node.args)


#: From an expression and its rewritten operands to what replaces it.
Rule = Callable[[Expr, tuple[Expr, ...]], Expr]


def rebuild(roots: Iterable[Expr], rule: Rule) -> dict[int, Expr]:
    """Rewrite bottom-up.

    Parameters
    ----------
    roots : iterable of Expr
        What to rewrite.
    rule : callable
        Called as ``rule(old, new_args)`` once for every node.

    Returns
    -------
    dict
        From the serial number of every old node to its replacement.
    """
    new: dict[int, Expr] = {}
    for node in walk(roots):
        new[node.serial] = rule(node, tuple(new[arg.serial] for arg in node.args))
    return new


_SYMBOLS = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "floordiv": "//", "mod": "%",
    "pow": "**", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=",
    "and": "and", "or": "or",
}  # fmt: skip

#: How much of an expression is shown: one that uses its parts several times has no end.
_MOST_SHOWN = 20_000


def show(node: Expr, names: Mapping[int, str] | None = None) -> str:
    """`node` as text for people.

    Parameters
    ----------
    node : Expr
    names : mapping of int to str, optional
        By serial numbers: expressions that have a name, and are not shown where they are used.
    """
    names = names or {}
    pieces: list[str] = []
    waiting: list[Expr | str] = [node]
    while waiting:
        if len(pieces) > _MOST_SHOWN:
            return "".join([*pieces, " ..."])
        part = waiting.pop()
        if isinstance(part, str):
            pieces.append(part)
            continue
        if part.op in ("const", "param", "load", "given"):
            pieces.append(str(part.attr))
            continue
        if part.serial in names and part is not node:
            pieces.append(names[part.serial])
            continue
        between = ", "
        if part.op in _SYMBOLS:
            between = f" {_SYMBOLS[part.op]} "
        elif part.attr is None:
            pieces.append(part.op)
        else:
            pieces.append(str(getattr(part.attr, "name", part.attr)))
        pieces.append("(")
        waiting.append(")")
        for number, arg in enumerate(reversed(part.args)):
            waiting += [between, arg] if number else [arg]
    return "".join(pieces)
