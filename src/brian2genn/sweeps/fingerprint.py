"""Whether a function, or a parameter, is the one that it was."""

from __future__ import annotations

import functools
import hashlib
import inspect
import random
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
from brian2.core.functions import Function
from brian2.core.names import Nameable
from brian2.core.network import Network
from brian2.units.fundamentalunits import Quantity

_IDENTIFIER = re.compile(r"[^\W\d]\w*")


def inner_function(function: Any) -> FunctionType | None:
    """The Python function behind a callable; None if there is none."""
    while not isinstance(function, FunctionType):
        if isinstance(function, functools.partial):
            function = function.func
        elif inspect.ismethod(function):
            function = function.__func__
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif not isinstance(function, type) and isinstance(
            vars(type(function)).get("__call__"), FunctionType
        ):
            function = type(function).__call__
        else:
            return None
    return function


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _constants(code: CodeType) -> tuple[Any, ...]:
    """The constants of some code; where its documentation would come first, there is None."""
    named = not code.co_name.startswith("<")  # neither a lambda nor a comprehension
    has_text = bool(code.co_consts) and isinstance(code.co_consts[0], str)
    return (None, *code.co_consts[1:]) if named and has_text else code.co_consts


def _texts(code: CodeType) -> Iterator[str]:
    """Texts in the code of a function: equations, among others."""
    for inner in _codes(code):
        for constant in _constants(inner):
            for text in constant if isinstance(constant, tuple) else (constant,):
                if isinstance(text, str):
                    yield text


def names_used(function: FunctionType) -> tuple[dict[str, Any], dict[str, Any]]:
    """The global names that a function uses, by its code and by the texts in it.

    Brian looks up the names in equations where they are run. So a name that occurs in a text only
    is used all the same, which nobody else would notice.

    Returns
    -------
    by_code, by_text : dict of str to object
        What the names stand for.
    """
    by_code: dict[str, Any] = {}
    by_text: dict[str, Any] = {}
    seen: set[int] = set()

    def read_text(text: str) -> None:
        for name in _IDENTIFIER.findall(text):
            if name in function.__globals__ and name not in by_text:
                by_text[name] = function.__globals__[name]
                follow(by_text[name])

    def follow(value: Any) -> None:
        if isinstance(value, str):
            read_text(value)
        inner = inner_function(value) if callable(value) and not isinstance(value, type) else None
        if inner is None or inner.__globals__ is not function.__globals__ or id(inner) in seen:
            return
        seen.add(id(inner))
        for code in _codes(inner.__code__):
            for name in code.co_names:
                if name in inner.__globals__ and name not in by_code:
                    by_code[name] = inner.__globals__[name]
                    follow(by_code[name])
        for text in _texts(inner.__code__):
            read_text(text)
        for cell in inner.__closure__ or ():
            with_value = _content(cell)
            if with_value:
                follow(with_value[0])

    follow(function)
    return by_code, {name: value for name, value in by_text.items() if name not in by_code}


def _content(cell: Any) -> tuple[Any, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:  # not set yet
        return ()


#: The part of a function that is the function itself.
ITSELF = ""


def parts_of(function: Callable[..., Any]) -> dict[str, str]:
    """What a function is made of: itself, and each function and value of its module that it uses.

    Each part changes when that does. Functions and classes of other modules are looked at if they
    are people's own: those of installed packages are not. Comments and line numbers do not matter.

    Returns
    -------
    dict of str to str
        A mark for each name; the function itself is `ITSELF`.
    """
    inner = inner_function(function)
    if inner is None:
        return {ITSELF: _mark(function)}
    by_code, by_text = names_used(inner)
    names = {**by_code, **by_text}
    home = inner.__module__ or ""  # what was made by exec() has none
    attributes = {name for code in _codes(inner.__code__) for name in code.co_names}
    for value in names.values():
        if isinstance(value, FunctionType):
            attributes |= {name for code in _codes(value.__code__) for name in code.co_names}
    named = {ITSELF: function, **names}
    return {name: _mark(value, home, inner, attributes) for name, value in named.items()}


def of_values(values: Mapping[str, Any]) -> str:
    """Changes when one of the values does."""
    return _mark(dict(values))


#: Bytecode can be compared between equal versions only.
PYTHON = ".".join(map(str, sys.version_info[:2]))


def _mark(
    value: Any,
    home: str = "",
    inner: FunctionType | None = None,
    attributes: Collection[str] = (),
) -> str:
    digest = _Digest(home, inner, attributes)
    digest.feed(value)
    return digest.result()


# -- what is people's own ---------------------------------------------------------------

_OURS = ("brian2", "brian2genn")


@functools.cache
def _is_own(module: str) -> bool:
    """Whether a module is a script, or a module that is not installed."""
    if module == "__main__":
        return True
    package = module.partition(".")[0]
    if package in _OURS or package in sys.stdlib_module_names:
        return False
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and not {"site-packages", "dist-packages"} & set(Path(file).parts)


#: Attributes of Brian's objects that say what they are, in place of what they have come to.
_DESCRIBING = (
    "user_equations", "equations", "events", "event_codes", "method_choice", "code", "namespace",
    "_pathways", "_N", "_rates", "rate", "weight", "values", "dt", "pyfunc", "_arg_units",
)  # fmt: skip

#: What is another one in each process, unless it was seeded.
_GENERATORS = (np.random.Generator, np.random.BitGenerator, np.random.RandomState, random.Random)

#: What Python writes into classes.
_OF_PYTHON = frozenset((
    "__dict__", "__weakref__", "__module__", "__doc__", "__annotations__", "__firstlineno__",
    "__static_attributes__", "__slotnames__", "__abstractmethods__", "_abc_impl",
))  # fmt: skip


def _state_of(value: Any) -> Any:
    """What makes an object what it is; None if nobody can tell."""
    if isinstance(value, Network):
        return list(value.objects)
    if isinstance(value, Nameable | Function):
        return {name: vars(value)[name] for name in _DESCRIBING if name in vars(value)}
    if isinstance(value, _GENERATORS):
        return None
    try:
        reduced = value.__reduce_ex__(2)  # what pickles and copies are made of
    except Exception:  # what cannot be copied says so in any way that it likes
        return None
    if isinstance(reduced, str):
        return reduced
    _, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
    return (arguments, state, items and list(items), pairs and dict(pairs))


class _Digest:
    """Of a value and all that it refers to.

    Parameters
    ----------
    home : str
        The module of a function, which is looked at wherever it is.
    inner : function, optional
        One whose names are not followed: each of them has a digest of its own.
    attributes : collection of str
        What is used of modules.
    """

    def __init__(self, home: str, inner: FunctionType | None, attributes: Collection[str]) -> None:
        self._hash = hashlib.sha256()
        self._home, self._inner, self._attributes = home, inner, attributes
        self._seen: dict[int, Any] = {}  # with the objects: what has gone gives away its number

    def result(self) -> str:
        return self._hash.hexdigest()

    def _write(self, *parts: object) -> None:
        for part in parts:
            data = part if isinstance(part, bytes) else str(part).encode("utf-8", "replace")
            self._hash.update(b"%d:" % len(data) + data)

    def _is_own(self, value: Any) -> bool:
        module = getattr(value, "__module__", None) or ""
        return module == self._home or _is_own(module)

    def feed(self, value: Any) -> None:
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, Quantity):
            self._write("quantity", value.dim._dims)
            value = np.asarray(value)
        if value is None or isinstance(value, bool | int | float | complex | str | bytes):
            self._write(type(value).__name__, value if isinstance(value, bytes) else repr(value))
        elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
            self._write(
                "array", value.dtype.str, value.shape, np.ascontiguousarray(value).tobytes()
            )
        elif id(value) in self._seen:
            self._write("again")
        else:
            self._seen[id(value)] = value
            self._feed_structure(value)

    def _feed_structure(self, value: Any) -> None:
        if isinstance(value, ModuleType):
            self._feed_module(value)
        elif isinstance(value, FunctionType):
            self._feed_function(value)
        elif isinstance(value, functools.partial):
            self._write("partial")
            self.feed(value.func)
            self.feed([value.args, value.keywords])
        else:
            former, self._inner = self._inner, None  # `names_used` does not look into what follows
            self._feed_content(value)
            self._inner = former

    def _feed_content(self, value: Any) -> None:
        if isinstance(value, Mapping):
            self._write("mapping", len(value))
            for key in value:
                self.feed(key)
                self.feed(value[key])
        elif isinstance(value, list | tuple):
            self._write(type(value).__name__, len(value))
            for item in value:
                self.feed(item)
        elif isinstance(value, set | frozenset):
            items = (_mark(item, self._home, self._inner, self._attributes) for item in value)
            self._write("set", *sorted(items))
        elif isinstance(value, type):
            self._feed_class(value)
        else:
            self._feed_object(value)

    def _feed_module(self, module: ModuleType) -> None:
        self._write("module", module.__name__)
        if _is_own(module.__name__):
            for name in sorted(self._attributes):
                if name in vars(module):
                    self._write(name)
                    self.feed(vars(module)[name])

    def _feed_class(self, kind: type) -> None:
        self._write("class", kind.__module__, kind.__qualname__)
        if not self._is_own(kind):
            return
        for base in kind.__bases__:
            self.feed(base)
        for name, value in sorted(vars(kind).items()):
            if name in _OF_PYTHON:
                continue
            self._write(name)
            if isinstance(value, property):
                self.feed([value.fget, value.fset, value.fdel])
            else:
                self.feed(getattr(value, "__func__", value))  # that of a static or a class method

    def _feed_object(self, value: Any) -> None:
        self._write("object")
        kind = type(value)
        self._write(kind.__module__, kind.__qualname__)
        if self._is_own(kind):
            self.feed(kind)
        inner = inner_function(value) if callable(value) else None
        if inner is not None:
            self.feed(inner)
        try:
            self.feed(_state_of(value))
        except RecursionError:  # a chain that is too long: its class has to do
            self._write("long")

    def _feed_function(self, function: FunctionType) -> None:
        self._write("function", function.__qualname__)
        if self._is_own(function):
            self._feed_code(function.__code__)
            self.feed(function.__defaults__)
            self.feed(function.__kwdefaults__)
        else:  # it may be wrapped around one of people's own
            self._write(function.__module__)
        for cell in function.__closure__ or ():
            for content in _content(cell):
                self.feed(content)
        has_parts = self._inner is not None and function.__globals__ is self._inner.__globals__
        if has_parts or not self._is_own(function):
            return
        by_code, by_text = names_used(function)
        former = self._attributes
        self._attributes = {name for code in _codes(function.__code__) for name in code.co_names}
        for name, value in sorted({**by_code, **by_text}.items()):
            self._write(name)
            self.feed(value)
        self._attributes = former

    def _feed_code(self, code: CodeType) -> None:
        self._write(code.co_code, code.co_names, code.co_varnames, code.co_freevars)
        for constant in _constants(code):
            if isinstance(constant, CodeType):
                self._feed_code(constant)
            elif isinstance(constant, frozenset):
                self.feed(constant)
            else:
                self._write(repr(constant))
