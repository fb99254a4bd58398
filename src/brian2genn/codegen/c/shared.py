"""What the kernels of one program share: values computed once per run, and random streams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..symbols import Symbols

#: The C type of the table of a distribution, and its bytes (a multiple of 8).
TABLE, TABLE_BYTES = "b2g_distribution", 256 * 12 + 16 + 64 * 10 + 16


@dataclass
class Constants:
    """Values computed once per run, for all kernels of a program."""

    #: (C type, field name)
    fields: list[tuple[str, str]] = field(default_factory=list)
    #: kernel origin and the statements that fill its fields
    blocks: list[tuple[str, list[str]]] = field(default_factory=list)


class Streams:
    """Numbers the streams of random numbers in a program.

    Parameters
    ----------
    count : int, optional
        How many are taken already: to print a kernel again, with the streams that it has.
    base : int, optional
        The number that the scope of a step tells its function, which counts from there on.
    """

    def __init__(self, count: int = 0, base: int | None = None) -> None:
        self.count, self._base = count, base

    def take(self) -> str:
        """C text of the next unused stream."""
        self.count += 1
        if self._base is None:
            return str(self.count)
        return f"ctx->stream + {self.count - self._base}"

    def at(self, count: int) -> Streams:
        """The same streams when so many were taken."""
        return Streams(count, self._base)


@dataclass
class Unit:
    """A program that kernels are printed for.

    Attributes
    ----------
    params : mapping
        Parameter name to the C text that reads it.
    arrays : mapping
        Array name to its number in the program.
    constants : Constants
        Collects what is computed once per run.
    streams : Streams
    literals : mapping
        C names of constants whose values a step's scope has, by their serial numbers.
    inlined : list of str
        Collects which functions of headers become a part of what is printed.
    functions : set of str
        Collects which functions are called more than once per run.
    """

    params: Mapping[str, str]
    arrays: Mapping[str, int]
    constants: Constants = field(default_factory=Constants)
    streams: Streams = field(default_factory=Streams)
    literals: Mapping[int, str] = field(default_factory=dict)
    inlined: list[str] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)

    def again(self, count: int) -> Unit:
        """The program as it was when so many streams of random numbers were taken."""
        return replace(self, streams=self.streams.at(count))

    @classmethod
    def of(cls, symbols: Symbols) -> Unit:
        """A program in which nothing is printed yet."""
        return cls(symbols.params, symbols.arrays)
