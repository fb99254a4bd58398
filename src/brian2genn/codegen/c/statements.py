"""Statements of a kernel: objects until a template writes them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Define:
    """Give a value a name.

    Attributes
    ----------
    ctype, name, value : str
    reads : bool
        Whether it reads a variable.
    of_run : bool
        Whether it reads what is the same in all time steps of a run.
    """

    ctype: str
    name: str
    value: str
    reads: bool = False
    of_run: bool = False

    def __str__(self) -> str:
        return f"const {self.ctype} {self.name} = {self.value};"


@dataclass(frozen=True)
class Write:
    """Write a value to a place, or add it to what is there."""

    place: str
    value: str
    add: bool = False

    def __str__(self) -> str:
        return f"{self.place} {'+=' if self.add else '='} {self.value};"


@dataclass(frozen=True)
class Call:
    """Anything else that is done."""

    text: str

    def __str__(self) -> str:
        return f"{self.text};"


Statement = Define | Write | Call
