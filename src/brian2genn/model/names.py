"""What objects are called in a model, and what the script calls them.

A model is the same, and its program is compiled once, whatever numbers Brian has given its
objects: ``neurongroup_7`` of the seventh network of a loop is ``neurongroup`` in the model. That
is its *label*. People are told the name.
"""

from __future__ import annotations

from collections.abc import Mapping


class Origin(str):
    """What something is and of which object, as texts of programs say it.

    Parameters
    ----------
    what : str
        Such as ``threshold``.
    label : str
        The label of the object.
    """

    __slots__ = ("label", "what")

    what: str
    label: str

    def __new__(cls, what: str, label: str) -> Origin:
        origin = super().__new__(cls, f"{what} '{label}'")
        origin.what, origin.label = what, label
        return origin

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        # for copies and pickles
        return self.what, self.label


class Names:
    """What the script calls the objects of one network.

    Parameters
    ----------
    by_label : mapping, optional
        From labels to names. What is not there is called by its label.
    """

    def __init__(self, by_label: Mapping[str, str] | None = None) -> None:
        self._by_label = dict(by_label or {})

    def of(self, label: str) -> str:
        """The name of the object with this label."""
        return self._by_label.get(label, label)

    def items(self) -> list[tuple[str, str]]:
        """All labels and names."""
        return list(self._by_label.items())

    def tell(self, origin: str) -> str:
        """What something is and of which object, for people."""
        if isinstance(origin, Origin):
            return f"{origin.what} '{self.of(origin.label)}'"
        return origin
