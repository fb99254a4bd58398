"""Whether a pivot of a symbolic matrix may be zero: shown by numbers, where algebra takes seconds.

Integrators of linear equations ask sympy for the exponential of a matrix. On the way it reduces
matrices to rows, and asks of each possible pivot whether it is zero: `_find_reasonable_pivot`
simplifies it and looks whether its sign is known then; if not, it asks ``x.equals(0)``, which
simplifies, differentiates, and evaluates at random places. For what integrators meet, sums and
products of symbols, all of that has an outcome that exact fractions show at once:

- where it is not zero at one place, nothing can prove that it is zero: ``equals`` does not say so;
- where it is, beside that, zero at another one, no sign is known, simplified or not.

Then the pivot is what it would have been.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import sympy
from sympy.core.function import AppliedUndef
from sympy.matrices.utilities import _iszero

Values = dict[Any, Fraction]

#: Values of the first symbols, no numbers that people write, and how much more the next have.
_PLACES = (41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89)
_FURTHER = 97

#: What would leave out numbers such as these.
_NARROW = (
    "is_composite", "is_even", "is_infinite", "is_irrational", "is_noninteger", "is_odd",
    "is_prime", "is_transcendental", "is_zero",
)  # fmt: skip


class _State(threading.local):
    #: an integrator of this thread is at work
    works = False
    #: sympy looks for a pivot for it
    looks = False


_state = _State()


@contextmanager
def integrating() -> Iterator[None]:
    """Pivots that are looked for in this thread meanwhile are found by numbers."""
    before, _state.works = _state.works, True
    try:
        yield
    finally:
        _state.works = before


@contextmanager
def _looking(looks: bool) -> Iterator[None]:
    before, _state.looks = _state.looks, looks
    try:
        yield
    finally:
        _state.looks = before


def find_pivot(
    original: Callable[..., Any],
    column: Sequence[Any],
    is_zero: Callable[[Any], bool | None],
    simplify: Callable[[Any], Any],
) -> Any:
    """What `_find_reasonable_pivot` of sympy finds.

    Parameters
    ----------
    original : callable
        Sympy's own function.
    column, is_zero, simplify
        What it is asked with.
    """
    if not _state.works or is_zero is not _iszero:
        return original(column, is_zero, simplify)

    def simplified(entry: Any) -> Any:
        if may_be_zero_or_not(entry):
            return entry  # nothing is known of its sign
        with _looking(False):
            return simplify(entry)

    with _looking(True):
        return original(column, is_zero, simplified)


def equals(
    original: Callable[..., Any], this: Any, other: Any, failing_expression: bool = False
) -> Any:
    """What ``this.equals(other)`` of sympy gives; False for None where a pivot is looked for."""
    if not _state.looks:
        return original(this, other, failing_expression)
    if other is sympy.S.Zero and _somewhere_not_zero(this) is not None:
        return False
    with _looking(False):
        return original(this, other, failing_expression)


def may_be_zero_or_not(expression: Any) -> bool:
    """Whether numbers show that an expression is zero for some values of its symbols only.

    Parameters
    ----------
    expression : sympy.Expr

    Returns
    -------
    bool
        False as well where nothing was found out.
    """
    values = _somewhere_not_zero(expression)
    return values is not None and any(
        _value(expression, other) == 0 for other in _roots(expression, values)
    )


def _somewhere_not_zero(expression: Any) -> Values | None:
    """Values for which an expression is not zero; None if there are none at hand."""
    atoms = sorted(expression.atoms(sympy.Symbol, AppliedUndef), key=str)
    # symbols that stand in functions are values of their own only if nothing else shows of them
    if any(not all(arg.is_Symbol for arg in atom.args) for atom in atoms):
        return None
    values = {
        atom: Fraction(_PLACES[number % len(_PLACES)] + _FURTHER * (number // len(_PLACES)))
        for number, atom in enumerate(atoms)
    }
    if not all(_is_possible(atom, value) for atom, value in values.items()):
        return None
    found = _value(expression, values)
    return None if found is None or found == 0 else values


def _roots(expression: Any, values: Values) -> Iterator[Values]:
    """Values of which one symbol may make an expression zero: what holds for straight lines."""
    here = _value(expression, values)
    # two values of one function, of symbols that come to be the same, would have to be the same
    fixed = {arg for atom in values for arg in atom.args}
    for atom, value in values.items():
        if atom in fixed:
            continue
        there = _value(expression, values | {atom: value + 1})
        if here is None or there is None or here == there:
            continue
        candidates = [value - here / (there - here)]
        inverse = 1 / value - here * (1 / (value + 1) - 1 / value) / (there - here)
        if inverse:
            candidates.append(1 / inverse)
        yield from (values | {atom: root} for root in candidates if _is_possible(atom, root))


def _is_possible(atom: Any, value: Fraction) -> bool:
    """Whether a symbol may have a value, by what sympy assumes of it."""
    if any(getattr(atom, name) for name in _NARROW) or atom.is_commutative is False:
        return False
    if atom.is_complex is False or atom.is_real is False or atom.is_extended_real is False:
        return False
    if value == 0 and (atom.is_zero is False or atom.is_positive or atom.is_negative):
        return False
    if value.denominator != 1 and (atom.is_integer or atom.is_rational is False):
        return False
    if value > 0 and (atom.is_positive is False or atom.is_nonpositive):
        return False
    return not (value < 0 and (atom.is_negative is False or atom.is_nonnegative))


def _value(expression: Any, values: Values) -> Fraction | None:
    """The exact value of sums, products and whole powers; None for all else, and 1/0."""
    try:
        return _exactly(expression, values)
    except (_OtherwiseMade, ZeroDivisionError):
        return None


class _OtherwiseMade(Exception):
    """An expression has more than sums, products and whole powers."""


def _exactly(expression: Any, values: Values) -> Fraction:
    if expression.is_Rational:
        return Fraction(int(expression.p), int(expression.q))
    found = values.get(expression)
    if found is not None:
        return found
    if expression.is_Add:
        return sum((_exactly(part, values) for part in expression.args), Fraction())
    if expression.is_Mul:
        product = Fraction(1)
        for part in expression.args:
            product *= _exactly(part, values)
        return product
    if expression.is_Pow and expression.exp.is_Integer and abs(int(expression.exp)) < 100:
        return _exactly(expression.base, values) ** int(expression.exp)
    raise _OtherwiseMade
