"""What people are told of a run, where it is more than a sentence."""

from __future__ import annotations


class Note(str):
    """A sentence about who does what in a time step: a picture of the time step tells it, too."""

    __slots__ = ()


class Item(Note):
    """An item of a list, which the sentence before it announces.

    Parameters
    ----------
    said : str
        What it says.
    """

    __slots__ = ("said",)

    said: str

    def __new__(cls, said: str) -> Item:
        item = super().__new__(cls, f"- {said}")
        item.said = said
        return item

    def __getnewargs__(self) -> tuple[str]:
        # for copies and pickles
        return (self.said,)
