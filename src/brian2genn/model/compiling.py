"""What a user's C++ functions need of the compiler."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class CompilerArguments:
    """Arguments of a compilation, under the names that Brian gives them.

    Attributes
    ----------
    headers : tuple of str
        As written after ``#include``, with quotes or brackets.
    sources : tuple of str
        Files that are compiled together with the program.
    define_macros : tuple of (str, str or None)
        Names and values.
    """

    headers: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    include_dirs: tuple[str, ...] = ()
    library_dirs: tuple[str, ...] = ()
    runtime_library_dirs: tuple[str, ...] = ()
    define_macros: tuple[tuple[str, str | None], ...] = ()
    extra_compile_args: tuple[str, ...] = ()
    extra_link_args: tuple[str, ...] = ()

    @classmethod
    def names(cls) -> frozenset[str]:
        """The names of all arguments."""
        return frozenset(field.name for field in fields(cls))

    @classmethod
    def joined(cls, parts: Iterable[CompilerArguments]) -> CompilerArguments:
        """The arguments of several functions together, each once."""
        collected: dict[str, dict[object, None]] = {name: {} for name in cls.names()}
        for part in parts:
            for name, values in collected.items():
                values.update(dict.fromkeys(getattr(part, name)))
        return cls(**{name: tuple(values) for name, values in collected.items()})  # type: ignore[arg-type]
