"""Whether a function, or a parameter, is the one that it was."""

from __future__ import annotations

import functools
import hashlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
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


def of_function(function: Callable[..., Any]) -> str:
    """Changes when a function, a function of its module that it calls, or a value it uses does.

    What comes from other modules is not looked at. Comments and line numbers do not matter.
    """
    digest = _Digest()
    digest.feed(function)
    return digest.result()


def of_values(values: Mapping[str, Any]) -> str:
    """Changes when one of the values does."""
    digest = _Digest()
    digest.feed(dict(values))
    return digest.result()


#: Bytecode can be compared between equal versions only.
PYTHON = ".".join(map(str, sys.version_info[:2]))


class _Digest:
    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._seen: set[int] = set()

    def result(self) -> str:
        return self._hash.hexdigest()

    def _write(self, *parts: object) -> None:
        for part in parts:
            data = part if isinstance(part, bytes) else str(part).encode("utf-8", "replace")
            self._hash.update(b"%d:" % len(data) + data)

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
        elif isinstance(value, ModuleType):
            self._write("module", value.__name__)
        elif id(value) in self._seen:
            self._write("again")
        else:
            self._seen.add(id(value))
            self._feed_structure(value)

    def _feed_structure(self, value: Any) -> None:
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
            self._write("set", *sorted(map(repr, value)))
        elif isinstance(value, functools.partial):
            self._write("partial")
            self.feed([value.func, value.args, value.keywords])
        elif isinstance(value, FunctionType):
            self._feed_function(value)
        else:
            kind = value if isinstance(value, type) else type(value)
            self._write("object", kind.__module__, kind.__qualname__)
            inner = inner_function(value) if callable(value) else None
            if inner is not None and not isinstance(value, type):
                self.feed(inner)
                self.feed(getattr(value, "__dict__", {}))

    def _feed_function(self, function: FunctionType) -> None:
        self._write("function", function.__qualname__)
        self._feed_code(function.__code__)
        self.feed(function.__defaults__)
        self.feed(function.__kwdefaults__)
        for cell in function.__closure__ or ():
            for content in _content(cell):
                self.feed(content)
        by_code, by_text = names_used(function)
        for name, value in sorted({**by_code, **by_text}.items()):
            own = getattr(value, "__module__", function.__module__) == function.__module__
            if callable(value) and not own:
                self._write(name, "of", getattr(value, "__module__", ""))
            else:
                self._write(name)
                self.feed(value)

    def _feed_code(self, code: CodeType) -> None:
        self._write(code.co_code, code.co_names, code.co_varnames, code.co_freevars)
        for constant in _constants(code):
            if isinstance(constant, CodeType):
                self._feed_code(constant)
            elif isinstance(constant, frozenset):
                self.feed(constant)
            else:
                self._write(repr(constant))
