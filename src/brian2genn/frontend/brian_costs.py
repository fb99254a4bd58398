"""Functions of Brian that take longer than need be, or less code, each with one that does the same.

This is the only place where functions of Brian's are replaced. A `Replacement` says when both give
the same, until when it is needed, and what could be changed in Brian instead. All act only while
this device is the active one. ``tests/frontend/test_brian_costs.py`` compares them with the
originals.
"""

from __future__ import annotations

import inspect
import sys
import weakref
from functools import cache
from numbers import Number
from typing import Any

import numpy as np
from brian2.codegen import translation
from brian2.core import magic
from brian2.core import names as brian_names
from brian2.core.base import BrianObject
from brian2.core.variables import VariableView
from brian2.devices.device import Device
from brian2.equations import equations
from brian2.groups.group import VariableOwner
from brian2.synapses.synapses import Synapses
from brian2.units.fundamentalunits import Dimension
from brian2.utils import caching
from sympy.core.expr import Expr
from sympy.matrices import reductions
from sympy.matrices.utilities import _iszero, _simplify

from . import brian_depth, brian_statements, brian_values, pivots
from .integration import INTEGRATORS, integrate
from .replacement import Context, Function, Replacement


def install(context: Context) -> None:
    """Put all replacements in place."""
    for replacement in REPLACEMENTS:
        replacement.install(context)


# -- statements --------------------------------------------------------------------
def _make_statements(original: Function, context: Context) -> Function:
    return brian_statements.make_make_statements(original, context.is_active)


def _make_str_to_sympy(original: Function, context: Context) -> Function:
    return brian_statements.make_str_to_sympy(original, context.is_active)


def _make_deep(original: Function, context: Context) -> Function:
    return brian_depth.make_deep(original, context.is_active, context.deep)


def _make_parse_generator(original: Function, context: Context) -> Function:
    return brian_depth.make_parse_generator(original, context.is_active, context.deep)


def _make_namedtuple(original: Function, context: Context) -> Function:
    make = cache(lambda name, fields, defaults: original(name, fields, defaults=defaults))

    def namedtuple(typename: Any, field_names: Any, *, defaults: Any = None, **others: Any) -> Any:
        if others or type(field_names) is not list or not context.is_active():
            return original(typename, field_names, defaults=defaults, **others)
        return make(typename, tuple(field_names), defaults)

    return namedtuple


# -- keys of Brian's caches --------------------------------------------------------
#: Types whose objects are their own keys: they have neither a state of Brian's nor a unit.
_PLAIN = frozenset((str, int, float, bool, type(None), Dimension))


@cache
def _has_plain_state(kind: Any) -> bool:
    """Whether the state of objects of a type is what `CacheKey` says."""
    return (
        isinstance(kind, type)
        and issubclass(kind, caching.CacheKey)
        and (getattr(kind, "_state_tuple", None) is vars(caching.CacheKey)["_state_tuple"])
    )


def _make_hashable(original: Function, context: Context) -> Function:
    plain = _PLAIN

    def key_of(obj: Any) -> Any:
        kind: Any = type(obj)
        if kind in plain:
            return obj
        if kind is tuple or kind is list:
            return tuple([item if type(item) in plain else key_of(item) for item in obj])
        if kind is dict:
            return frozenset([(key_of(key), key_of(value)) for key, value in obj.items()])
        if kind is set or kind is frozenset:
            return frozenset([key_of(item) for item in obj])
        if kind is type and issubclass(obj, np.generic | float | int):
            return obj
        if isinstance(obj, Device):
            return key_of(obj._state_tuple)
        if _has_plain_state(kind):
            left_out = obj._cache_irrelevant_attributes
            return tuple(
                [
                    value if type(value) in plain else key_of(value)
                    for name, value in sorted(obj.__dict__.items())
                    if name not in left_out
                ]
            )
        return original(obj)

    def _hashable(obj: Any) -> Any:
        return key_of(obj) if context.is_active() else original(obj)

    return _hashable


# -- names of objects --------------------------------------------------------------
def _make_find_name(original: Function, context: Context) -> Function:
    def find_name(name: str, names: Any = None) -> str:
        if names is None and name.endswith("*") and context.is_active():
            wanted = name[:-1]
            names = set()
            for reference in list(brian_names.Nameable.__instances__()):
                found = getattr(reference(), "name", None)
                if found is not None and found.startswith(wanted):
                    names.add(found)
        result: str = original(name, names)
        return result

    return find_name


# -- objects of the magic network --------------------------------------------------
def _make_objects_in_namespace(original: Function, context: Context) -> Function:
    def get_objects_in_namespace(level: int) -> set[Any]:
        if not context.is_active():
            found: set[Any] = original(level + 1)
            return found
        frame = sys._getframe(level + 1)
        names = (*frame.f_globals.values(), *frame.f_locals.values())
        return {weakref.ref(value) for value in names if isinstance(value, BrianObject)}

    return get_objects_in_namespace


# -- values of variables -----------------------------------------------------------
#: Neither is, nor has, code.
_VALUES = (np.ndarray, Number, np.generic, list, tuple)
_INDICES = (slice, np.ndarray, int, np.integer)


def _make_set_item(original: Function, context: Context) -> Function:
    def set_item(self: Any, item: Any, value: Any, level: int = 0, namespace: Any = None) -> None:
        values = isinstance(value, _VALUES) and isinstance(item, _INDICES)
        if values and namespace is None:
            hooked = context.hooks()
            if hooked is not None:
                if (
                    type(value) in brian_values.VALUES
                    and self.index_var == "_idx"
                    and brian_values.is_all(item)
                    and brian_values.WRITE not in hooked
                    and brian_values.put(self.group, self.variable, value, self.dim is not None)
                ):
                    return
                namespace = {}  # nothing is looked up
        original(self, item, value, level=level + 1, namespace=namespace)

    return set_item


def _make_getitem(original: Function, context: Context) -> Function:
    return brian_values.make_getitem(original, context.hooks)


def _make_getattr(original: Function, context: Context) -> Function:
    return brian_values.make_getattr(original, context.hooks)


def _make_setattr(original: Function, context: Context) -> Function:
    return brian_values.make_setattr(original, context.hooks)


# -- synapses ----------------------------------------------------------------------
def _make_connect(original: Function, context: Context) -> Function:
    def connect(
        self: Any,
        condition: Any = None,
        i: Any = None,
        j: Any = None,
        p: Any = 1.0,
        n: Any = 1,
        skip_if_invalid: bool = False,
        namespace: Any = None,
        level: int = 0,
    ) -> None:
        indices = condition is None and isinstance(i, _INDICES) and isinstance(j, _INDICES)
        numbers = not isinstance(p, str) and not isinstance(n, str)
        if indices and numbers and namespace is None and context.is_active():
            namespace = {}  # nothing is looked up
        original(self, condition, i, j, p, n, skip_if_invalid, namespace, level + 1)

    return connect


def _make_add_synapses(original: Function, context: Context) -> Function:
    def _add_synapses_from_arrays(
        self: Any, sources: Any, targets: Any, n: Any, p: Any, namespace: Any = None
    ) -> None:
        if type(p) in (int, float) and p == 1 and sources.size and context.is_active():
            ends = []
            for indices, group in ((sources, self.source), (targets, self.target)):
                found = np.atleast_1d(indices).astype(np.int32)
                if found.min() < 0 or found.max() >= len(group):
                    break  # Brian says what is wrong
                found = found.repeat(np.atleast_1d(n))
                offset = group.variables.get("_offset")
                ends.append(found if offset is None else found + np.int32(offset.get_value()))
            else:
                if context.add_synapses(self, *ends):
                    return
        original(self, sources, targets, n, p, namespace=namespace)

    return _add_synapses_from_arrays


# -- integrators -------------------------------------------------------------------
def _make_integrator(original: Function, context: Context) -> Function:
    signature = inspect.signature(original)

    def by_numbers(*args: Any) -> Any:
        with pivots.integrating():
            return original(*args)

    def __call__(self: Any, *args: Any, **kwds: Any) -> Any:
        if not context.is_active():
            return original(self, *args, **kwds)
        given = signature.bind(self, *args, **kwds)
        given.apply_defaults()
        return integrate(by_numbers, context.kept, *given.arguments.values())

    return __call__


# -- zeros of matrices ---------------------------------------------------------------
def _make_find_pivot(original: Function, context: Context) -> Function:
    def _find_reasonable_pivot(
        col: Any, iszerofunc: Any = _iszero, simpfunc: Any = _simplify
    ) -> Any:
        return pivots.find_pivot(original, col, iszerofunc, simpfunc)

    return _find_reasonable_pivot


def _make_equals(original: Function, context: Context) -> Function:
    def equals(self: Any, other: Any, failing_expression: bool = False) -> Any:
        return pivots.equals(original, self, other, failing_expression)

    return equals


REPLACEMENTS = (
    Replacement(
        translation,
        "make_statements",
        _make_statements,
        "Without optimisation, what `analyse_identifiers` gets depends on the variables that the"
        " code names, directly or by subexpressions; and scalar subexpressions are checked in any"
        " case. All these are still handed on.",
        "the first in which `analyse_identifiers` does not make a key of all variables of a group",
        "`analyse_identifiers` calls `make_statements`, whose cache makes a key of all variables"
        " it is given: of a `Synapses` object these are all of both groups. With 326 `Synapses`,"
        " keys take most of the time before a run. Reduce `variables` to"
        " `get_identifiers_recursively([code], variables)` and the scalar subexpressions first.",
    ),
    Replacement(
        translation,
        "str_to_sympy",
        _make_str_to_sympy,
        "`make_statements` asks sympy only whether an assignment to a variable is an addition to it"
        " or a multiple of it. Where the variable does not stand on the right side, it is neither;"
        " 1 is an expression without it. What is left out could not have failed: only arithmetic,"
        " numbers, names and functions of as many arguments as they have.",
        "the first in which `make_statements` looks for the variable on the right side first",
        "`make_statements` makes a sympy expression of the right side of each assignment, to see"
        " whether it can be `+=` or `*=`: a millisecond and more. Do it only if the variable is"
        " among the identifiers there.",
    ),
    *(
        Replacement(
            place,
            name,
            _make_deep,
            "It is the original, called again in a thread with a larger stack where it ends in a"
            " `RecursionError`.",
            "the first that takes equations with sums of 2,000 terms",
            "Sums of some hundreds of terms end in a `RecursionError`: `render_node` and"
            " `parse_expression_dimensions` call themselves for every term. Walk along the left"
            " operands of `ast.BinOp` in a loop.",
        )
        for place, name in brian_depth.PLACES
    ),
    Replacement(
        brian_depth.synapses,
        "parse_synapse_generator",
        _make_parse_generator,
        "It is the original; a part with more than a hundred brackets in one another is written as"
        " `ast.unparse` does it, of the same tree.",
        "the first in which `connect` takes conditions of 2,000 terms",
        "`NodeRenderer` puts brackets around operands that need none, as many in one another as a"
        " sum has terms; Python takes 200. Leave them out around the left operand of an operator"
        " of the same precedence.",
    ),
    Replacement(
        equations,
        "namedtuple",
        _make_namedtuple,
        "`Equations` makes the class `Dependency`, always the same, for each of its objects; here"
        " it makes it once.",
        "the first in which `Dependency` is a class of the module",
        "Making a class takes a third of a millisecond for each `Equations`.",
    ),
    Replacement(
        caching,
        "_hashable",
        _make_hashable,
        "Keys are equal: only the order of the questions is another one. Strings and numbers"
        " are their own keys; exact dictionaries, lists, tuples and sets have no state and no"
        " unit of their own; the state of a `CacheKey` is made once, not twice; all else is left"
        " to the original.",
        "the first in which `_hashable` looks at the type first",
        "Ask `type(obj) in (str, int, float, bool, type(None))` before `hasattr(obj,"
        " '_state_tuple')`: nine of ten calls end there. And ask for `_state_tuple` once: `hasattr`"
        " makes it, too.",
    ),
    Replacement(
        brian_names,
        "find_name",
        _make_find_name,
        "Only names that begin as the wanted one can be in its way.",
        "the first in which a name is not looked for among copies of all names",
        "`find_name` makes a set of all names for every new object, and asks every object twice."
        " Names that do not begin with the wanted one need not be collected.",
    ),
    Replacement(
        magic,
        "get_objects_in_namespace",
        _make_objects_in_namespace,
        "The same frame is looked at. `inspect.stack()` looks for the text around the place of each"
        " frame, too, which nobody reads.",
        "the first in which `get_objects_in_namespace` does not call `inspect.stack`",
        "`inspect.stack()` looks up source lines for each frame of the stack. Where a file belongs"
        " to no module (a cell of a notebook, a function that joblib has sent to a worker), each"
        " look goes through all modules: 15 ms for every `run`, and more in a notebook. Use"
        " `sys._getframe(level + 1)`, or `inspect.currentframe()` and `f_back`.",
    ),
    Replacement(
        VariableView,
        "set_item",
        _make_set_item,
        "Names are looked up for strings (and, since Brian 2.11, expressions) only: a number, an"
        " array or a list is neither, and an index that is none is not, either.",
        "the first in which `set_item` asks for the caller's names where it needs them",
        "`set_item` copies all local and global names of the caller also where a number or an array"
        " is set: 60 of 70 microseconds after `from brian2 import *`. Call `get_local_namespace`"
        " in the branches with strings.",
    ),
    Replacement(
        VariableView,
        "__getitem__",
        _make_getitem,
        "All values of an array variable are its array, or a quantity of that. What has an index"
        " of its own, a subexpression, a part, and a device with a hook for it are left to the"
        " original.",
        "the first in which `G.v[:]` is no slower than two calls of Python functions",
        "`view[:]` goes through `get_item`, a decorator that looks for a hook, comparisons of"
        " slices and `Quantity.__new__`: 4 microseconds. Ask for all of an array variable first.",
    ),
    Replacement(
        VariableOwner,
        "__getattr__",
        _make_getattr,
        "Only for array variables, and where neither the object nor its class has the name: for"
        " those, the original asks `state`, which makes this view.",
        "the first in which attributes look among variables first",
        "`__getattr__` could look in the dictionary of variables before it asks for attributes.",
    ),
    Replacement(
        VariableOwner,
        "__setattr__",
        _make_setattr,
        "Numbers and arrays of the right unit are written to the array, after the same checks; all"
        " else (code, a number without a unit, one number in an array, another index, a link), and"
        " a device with a hook for it, are left to the original.",
        "the first in which `G.v = x` is no slower than a few calls of Python functions",
        "`G.v = x` checks units twice, tries to make a number of an array, copies the caller's"
        " names and looks for a hook: 10 microseconds. Numbers and arrays could go straight to"
        " `set_with_index_array`.",
    ),
    Replacement(
        Synapses,
        "connect",
        _make_connect,
        "Names are looked up for strings only; with indices for both sides, and numbers for p and"
        " n, there is none.",
        "the first in which `connect` asks for the caller's names where it needs them",
        "`connect(i=..., j=...)` copies all local and global names of the caller, which nobody"
        " needs. Call `get_local_namespace` where there is a string.",
    ),
    Replacement(
        Synapses,
        "_add_synapses_from_arrays",
        _make_add_synapses,
        "All that the code it would generate does is to append the indices, with the offsets of"
        " parts of groups, to those of the synapses that are there; afterwards, the same is counted"
        " and numbered. Wrong indices, and p below 1, are left to the original.",
        "the first in which `connect(i=..., j=...)` generates no code",
        "With a runtime device, `connect(i=..., j=...)` need not generate and analyse code to"
        " append two arrays to two arrays: 5 ms for each call, which loops over single synapses"
        " repeat thousands of times.",
    ),
    *(
        Replacement(
            integrator,
            "__call__",
            _make_integrator,
            "The statements are those that the integrator has made before of the same: see"
            " `integration.ingredients`.",
            "never, but the algebra could be quicker",
            "`LinearStateUpdater` takes seconds for equations of three variables: sympy's Jordan"
            " form of a symbolic matrix asks for each entry whether it is zero, by numbers drawn at"
            " random. Variables that nothing else feeds back into could be solved one after the"
            " other, and results could be kept on the disk, as compiled code is.",
        )
        for integrator in INTEGRATORS
    ),
    *(
        Replacement(
            place,
            name,
            make,
            "Only while an integrator looks for a pivot: exact fractions show that an entry is not"
            " zero somewhere, so `equals(0)` would not be true; and that it is zero elsewhere, so"
            " its sign stays unknown when it is simplified. Both are all that is asked.",
            "never, but sympy could be quicker",
            "`_find_reasonable_pivot` of sympy could evaluate an entry once, at whole numbers,"
            " before it simplifies it and calls `equals`: two of the three seconds for the"
            " exponential of a matrix of three symbolic time constants.",
        )
        for place, name, make in (
            (reductions, "_find_reasonable_pivot", _make_find_pivot),
            (Expr, "equals", _make_equals),
        )
    ),
)
