"""What the kernels of one program share: values computed once per run, and random streams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..symbols import Symbols

#: The C type of the table of a distribution, and its bytes (a multiple of 8).
ALIAS_TABLE, ALIAS_TABLE_BYTES = "b2g_alias", 256 * 12 + 16


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
    """

    def __init__(self, count: int = 0) -> None:
        self.count = count

    def take(self) -> int:
        """The next unused stream."""
        self.count += 1
        return self.count


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
    """

    params: Mapping[str, str]
    arrays: Mapping[str, int]
    constants: Constants = field(default_factory=Constants)
    streams: Streams = field(default_factory=Streams)

    @classmethod
    def of(cls, symbols: Symbols) -> Unit:
        """A program in which nothing is printed yet."""
        return cls(symbols.params, symbols.arrays)
