"""In plain words: which object of a network runs where, and why."""

from __future__ import annotations

from collections.abc import Sequence

from ..frontend.network import BY_BRIAN, COMPILED, Placement


class Explanation:
    """A table of the objects of a network; prints itself.

    Parameters
    ----------
    network : str
        The network's name.
    placements : sequence of Placement
    """

    def __init__(self, network: str, placements: Sequence[Placement]) -> None:
        self.network = network
        self.placements = list(placements)

    def where(self, name: str) -> str:
        """Where the object called `name` runs: ``'compiled'``, ``'Brian'`` or ``'-'``."""
        for placement in self.placements:
            if placement.name == name:
                return placement.where
        raise KeyError(f"there is no object called '{name}' in the network")

    def count(self, where: str) -> int:
        """How many objects run there."""
        return sum(placement.where == where for placement in self.placements)

    def __repr__(self) -> str:
        rows = [("object", "kind", "runs", "why")]
        rows += [(p.name, p.kind, p.where, p.reason) for p in self.placements]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines = [
            "  ".join([*(row[c].ljust(widths[c]) for c in range(3)), row[3]]).rstrip()
            for row in rows
        ]
        lines.insert(1, "  ".join("-" * width for width in [*widths, 3]))
        summary = (
            f"Network '{self.network}': {self.count(COMPILED)} objects compiled,"
            f" {self.count(BY_BRIAN)} run by Brian."
        )
        return "\n".join([summary, "", *lines])
