"""Functions in Brian's code: its own, time arrays, random numbers, the user's."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from brian2.codegen.generators.cpp_generator import CPPCodeGenerator
from brian2.core.functions import DEFAULT_FUNCTIONS, Function
from brian2.core.preferences import prefs
from brian2.input.binomial import BinomialFunction
from brian2.input.timedarray import TimedArray, _find_K

from ..model import expr as ex
from ..model.dtypes import BOOL, FLOAT64, INT32, INT64, promote
from ..model.expr import Expr
from ..model.kernel import RandomSite, Table, UserFunction
from ..model.names import Origin
from ..model.network import Role
from ..model.user_code import UserCode, entry
from .brian_names import GENERATORS, with_neutral_names
from .compiling import compiler_arguments
from .cython_target import needs_cython
from .expressions import ExpressionReader, Unsupported
from .labels import referent

if TYPE_CHECKING:
    from .builder import NetworkBuilder

#: Brian's functions as they were when this module was imported.  Tests (and
#: users) may replace entries of ``DEFAULT_FUNCTIONS``; those are then functions
#: like any other and keep their own implementation.
ORIGINAL = dict(DEFAULT_FUNCTIONS)

#: By its identity, what Brian calls a function of its own: scripts may give it other names.
_BRIANS_NAME = {id(function): name for name, function in ORIGINAL.items()}


class GennGenerator(CPPCodeGenerator):
    """Under this name functions are looked up: C++ implementations are used."""

    class_name = "genn"


class GennTarget:
    """Stands for this device where Brian looks up a function's implementation."""

    class_name = "genn"
    generator_class = GennGenerator


def _binomial_numbers(n: int, p: float, use_normal: bool, name: str) -> tuple[Any, Any]:
    """Brian's extension point: keep the numbers, the code is the device's own."""
    return {"n": int(n), "p": float(p), "use_normal": bool(use_normal)}, {}


BinomialFunction.implementations["genn"] = _binomial_numbers

for _name in ("rand", "randn"):
    # the runtime gives C++ no implementation of these, the device does
    ORIGINAL[_name].implementations.add_implementation(GennGenerator, code=None, name=f"_{_name}")


#: What no function can be called in C++.
_WORDS_OF_CPP = re.compile(
    "alignas|alignof|and|and_eq|asm|auto|bitand|bitor|bool|break|case|catch|char|char8_t|char16_t|"
    "char32_t|class|compl|concept|const|consteval|constexpr|constinit|const_cast|continue|co_await|"
    "co_return|co_yield|decltype|default|defined|delete|do|double|dynamic_cast|else|enum|explicit|"
    "export|extern|false|float|for|friend|goto|if|inline|int|long|mutable|namespace|new|noexcept|"
    "not|not_eq|nullptr|operator|or|or_eq|private|protected|public|register|reinterpret_cast|"
    "requires|return|short|signed|sizeof|static|static_assert|static_cast|struct|switch|template|"
    "this|thread_local|throw|true|try|typedef|typeid|typename|union|unsigned|using|virtual|void|"
    "volatile|wchar_t|while|xor|xor_eq"
)

#: What the code of users' functions calls to draw random numbers.
_RANDOM_CALLS = {"rand": "b2g_user_rand", "randn": "b2g_user_randn"}


def _itself(array: np.ndarray) -> np.ndarray:
    return array


def _renamed(text: str, name: str, new: str) -> str:
    """C++ text in which an identifier has another name."""
    return text if name == new else re.sub(rf"\b{re.escape(name)}\b", new, text)


def _name_in_text(name: str, function: Function, implementation: Any, text: str) -> str:
    """What a user's function is called in its C++ text, if equations call it `name`.

    Raises
    ------
    Unsupported
        If it cannot be called that, or is not in the text.
    """
    if implementation.name:
        found = str(implementation.name)
    else:
        # known by another name in the namespace; its own is the one that it was written with
        pyfunc = getattr(function, "pyfunc", None)
        names = [name, getattr(pyfunc, "__name__", name)]
        there = [one for one in names if re.search(rf"\b{re.escape(one)}\s*\(", text)]
        brought = implementation.compiler_kwds.keys() & {"headers", "sources"} or "#" in text
        if text.strip() and not there and not brought and not prefs["codegen.cpp.headers"]:
            raise Unsupported(
                f"the C++ code of '{name}' has no function of this name (say which one it is with"
                " @implementation('cpp', ..., name='...'))"
            )
        found = there[0] if there else _BRIANS_NAME.get(id(function), name)
    if _WORDS_OF_CPP.fullmatch(found):
        raise Unsupported(f"'{found}' is a word of C++, where no function can have this name")
    return found


class FunctionCalls:
    """Translates the calls in one kernel's code.

    Parameters
    ----------
    builder : NetworkBuilder
        Collects arrays, parameters and users' code.
    owner : object
        The Brian group in whose context functions are resolved.
    variables : dict
        Name to Brian ``Variable`` or ``Function``.
    """

    def __init__(self, builder: NetworkBuilder, owner: Any, variables: dict[str, Any]) -> None:
        self.builder = builder
        self.owner = owner
        self.variables = variables
        self.shared = False
        #: calls of functions that look into arrays of the device
        self.looking_calls: list[Expr] = []
        self._count = 0

    def call(self, reader: ExpressionReader, name: str, args: list[Expr]) -> Expr | None:
        """The expression for ``name(*args)``; ``None`` for Brian's own functions."""
        function = self.variables.get(name)
        if not isinstance(function, Function):
            if name in ORIGINAL:
                return None
            raise Unsupported(f"'{name}' is not a function")
        brians = _BRIANS_NAME.get(id(function))
        if brians in ("rand", "randn", "poisson"):
            return self._random(brians, args, INT32 if brians == "poisson" else reader.float_dtype)
        if brians is not None:
            return reader.builtin(brians, args)
        if isinstance(function, TimedArray):
            return self._timed_array(function, args)
        if isinstance(function, BinomialFunction):
            return self._binomial(function, reader)
        return self._user(name, function, args)

    def _random(self, kind: str, args: list[Expr], dtype: str) -> Expr:
        site = RandomSite(kind, self._count, self.shared)
        self._count += 1
        if kind == "poisson":
            args = [ex.cast(args[0], FLOAT64)]
        return ex.make("random", args, attr=site, dtype=dtype)

    def _binomial(self, function: BinomialFunction, reader: ExpressionReader) -> Expr:
        numbers = function.implementations[GennTarget].get_code(self.owner)
        if not isinstance(numbers, dict) or "use_normal" not in numbers:
            raise Unsupported(f"'{function.name}' was made before brian2genn was imported")

        possible = numbers["n"] >= 0 and 0 <= numbers["p"] <= 1
        if not possible and not numbers["use_normal"]:
            # Brian's NumPy target raises the error for it
            raise Unsupported(f"no binomial distribution has n={numbers['n']}, p={numbers['p']}")

        # Brian numbers these functions, so their names are no part of the code
        def param(name: str, dtype: str, value: float | int) -> Expr:
            identity = (id(function), name)
            return self.builder.param(f"binomial_{name}", dtype, lambda: value, identity)

        n, p = param("n", INT64, numbers["n"]), param("p", FLOAT64, numbers["p"])
        if not numbers["use_normal"]:
            return self._random("binomial", [n, p], INT64)
        mean, variance = numbers["n"] * numbers["p"], numbers["n"] * numbers["p"]
        variance *= 1 - numbers["p"]
        scale = param("scale", FLOAT64, float(np.sqrt(variance)))
        loc = param("loc", FLOAT64, float(mean))
        normal = self._random("randn", [], reader.float_dtype)
        return ex.binary("add", ex.binary("mul", scale, normal), loc)

    def _timed_array(self, function: TimedArray, args: list[Expr]) -> Expr:
        clock = referent(self.owner.clock)
        name = self.builder.label(function)
        two_d = np.ndim(function.values) == 2
        self.builder.rely_on(lambda: np.ndim(function.values))

        # the parameters are only named here: the table's own code reads them
        def param(what: str, dtype: str, read: Callable[[], float | int], *of: Any) -> str:
            identity = (id(function), what, *(id(thing) for thing in of))
            parts = (name, *(self.builder.label(thing) for thing in of), what)
            return str(self.builder.param("_".join(parts), dtype, read, identity).attr)

        def upsampling() -> float:
            return float(_find_K(clock.dt_, function.dt))

        table = Table(
            name,
            self.builder.constant_array(
                name,
                lambda: np.ascontiguousarray(function.values, dtype=np.float64).ravel(),
                Origin("TimedArray", name),
                id(function),
            ),
            param("rows", INT64, lambda: np.shape(function.values)[0]),
            param("columns", INT64, lambda: np.shape(function.values)[1]) if two_d else None,
            param("epsilon", FLOAT64, lambda: function.dt / upsampling(), clock),
            param("upsampling", FLOAT64, upsampling, clock),
        )
        if len(args) != 1 + two_d:
            raise Unsupported(f"TimedArray '{name}' called with {len(args)} arguments")
        time = ex.cast(args[0], FLOAT64)
        columns = [ex.cast(arg, INT64) for arg in args[1:]]
        return ex.make("table", (time, *columns), attr=table, dtype=FLOAT64)

    def _user(self, name: str, function: Function, args: list[Expr]) -> Expr:
        c_name = self._add_code(name, function)
        vectorised = bool(getattr(function, "auto_vectorise", False))
        self.builder.note_arity(c_name, len(args) + vectorised)
        return_type = getattr(function, "_return_type", "float")
        if return_type == "highest":
            dtype = args[0].dtype
            for arg in args[1:]:
                dtype = promote(dtype, arg.dtype)
        else:
            dtype = {"integer": INT64, "boolean": BOOL}.get(return_type, FLOAT64)
        draws = c_name in self.builder.drawing_functions
        looks = c_name in self.builder.looking_functions
        stateless = bool(function.stateless) and not draws and not looks
        number = 0
        if not stateless:
            number, self._count = self._count, self._count + 1
        user = UserFunction(
            name,
            entry(c_name),
            dtype,
            stateless,
            vectorised,
            number,
            draws,
            looks,
            self.shared and not stateless,
        )
        call = ex.make("user", args, attr=user, dtype=dtype)
        if looks:
            self.looking_calls.append(call)
        return call

    def _add_code(self, name: str, function: Function) -> str:
        """Add a user function's code (and what it depends on); return its C name."""
        try:
            implementation = function.implementations[GennTarget]
        except KeyError:
            only = ", only one for Cython, which Brian takes" * needs_cython(function, GennTarget)
            raise Unsupported(
                f"the function '{name}' has no C++ implementation{only} (give it one with"
                " @implementation('cpp', ...))"
            ) from None
        code = implementation.get_code(self.owner)
        text = []
        if isinstance(code, dict):
            text = [code.get("hashdefine_code", ""), code.get("support_code", "")]
        elif isinstance(code, str):
            text = [code]
        wanted = _name_in_text(name, function, implementation, "\n".join(text))
        c_name = self.builder.function_name(wanted, function)
        users = self.builder.function_users.get(c_name, ())
        if self.owner.name not in users:
            self.builder.function_users[c_name] = (*users, self.owner.name)
        if c_name in self.builder.user_code:
            return c_name
        self.builder.compiler_arguments[c_name] = compiler_arguments(name, implementation)
        self.builder.looking_functions.pop(c_name, None)
        text = [self._neutral(part, name, c_name) for part in text]
        text = [_renamed(part, wanted, c_name) for part in text]
        self.builder.user_code[c_name] = (function, UserCode(c_name, ""))
        calls: dict[str, None] = {}
        for dependency_name, dependency in (implementation.dependencies or {}).items():
            brians = _BRIANS_NAME.get(id(dependency), "")
            if brians in _RANDOM_CALLS:
                real = _RANDOM_CALLS[brians]
                self.builder.drawing_functions.add(c_name)
            elif brians == "int":
                real = brians  # a conversion of C++
            else:
                real = self._add_code(dependency_name, dependency)
                calls |= dict.fromkeys((*self.builder.user_code[real][1].dependencies, real))
                if real in self.builder.drawing_functions:
                    self.builder.drawing_functions.add(c_name)
                if real in self.builder.looking_functions:
                    self.builder.looking_functions.setdefault(c_name, [])
            text = [_renamed(part, dependency_name, real) for part in text]
        pointers = []
        for variable, value in (implementation.get_namespace(self.owner) or {}).items():
            if not hasattr(value, "dtype") or value.shape == ():
                raise Unsupported(f"'{variable}' in the namespace of '{name}' is not an array")
            pointer = f"_namespace{variable}"
            array = np.ascontiguousarray(value).ravel()
            real = self.builder.constant_array(
                pointer,
                partial(_itself, array),
                f"namespace of the function '{name}'",
                (id(function), variable),
                Role.NAMESPACE,
            )
            pointers.append(real)
            text = [_renamed(part, pointer, real) for part in text]
        # re-insert, so that dependencies come first
        known = self.builder.user_code.pop(c_name)[1]
        joined = "\n".join(part for part in text if part)
        new = UserCode(c_name, joined, tuple(calls), known.arities, tuple(pointers))
        self.builder.user_code[c_name] = function, new
        return c_name

    def _neutral(self, text: str, name: str, c_name: str) -> str:
        """The text of a function in which arrays of the device have neutral names."""

        def look_up(wanted: str, certain: bool) -> tuple[str, str] | None:
            found = self.builder.look(wanted, name, certain=certain)
            if found is not None:
                self.builder.looking_functions.setdefault(c_name, []).append(found[1])
                if found[0] == GENERATORS:
                    self.builder.drawing_functions.add(c_name)
            return found

        return with_neutral_names(text, look_up)
