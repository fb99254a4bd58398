"""What users' C++ code asks of the compiler."""

from __future__ import annotations

from typing import Any

from brian2.core.preferences import prefs

from ..model.compiling import CompilerArguments
from .expressions import Unsupported

#: Preferences of Brian for the compilation of C++ that apply here, too.
_PREFERENCES = (
    "headers", "libraries", "include_dirs", "library_dirs", "runtime_library_dirs",
    "define_macros",
)  # fmt: skip


def compiler_arguments(name: str, implementation: Any) -> CompilerArguments:
    """What the code of one function needs of the compiler.

    Raises
    ------
    Unsupported
        For an argument that is not known.
    """
    wanted = {key: value for key, value in implementation.compiler_kwds.items() if value}
    if "headers" in wanted:
        # a standalone program's own header; what it declares is there without it
        wanted["headers"] = [name for name in wanted["headers"] if name != '"objects.h"']
    unknown = sorted(set(wanted) - CompilerArguments.names())
    if unknown:
        raise Unsupported(f"the C++ code of '{name}' needs {', '.join(unknown)}")
    return CompilerArguments(**{key: tuple(values) for key, values in wanted.items()})


def brian_arguments() -> CompilerArguments:
    """What Brian's preferences for C++ say."""
    names = CompilerArguments.names() & set(_PREFERENCES)
    return CompilerArguments(**{name: tuple(prefs[f"codegen.cpp.{name}"]) for name in names})
