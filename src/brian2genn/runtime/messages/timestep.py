"""A picture of the time step: its objects in their order, where they run, and what they take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from ...frontend.network import BY_BRIAN, COMPILED, Placement

#: Colours that are told apart on light and dark ground, and without seeing red and green.
_COLOURS = {COMPILED: "#3a76af", BY_BRIAN: "#d9822b"}
_OTHER = "#999999"

#: Characters of a line below the picture.
_WIDTH = 70


def draw(
    title: str,
    placements: Sequence[Placement],
    shares: Mapping[str, float],
    rest: tuple[str, float],
    notes: Sequence[str],
    ax: Any,
) -> Any:
    """Draw a row for each object, and one for the rest of the time.

    Parameters
    ----------
    title : str
    placements : sequence of Placement
        In the order of the schedule.
    shares : mapping
        Percents of the time of the loop that objects took, by their names, as far as known.
    rest : tuple of str and float
        What else there is, and its percents: with it, all are 100. Without a name, nothing is
        known.
    notes : sequence of str
        Shown below.
    ax : matplotlib.axes.Axes or None

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        Without matplotlib, with what to install.
    """
    if ax is None:
        try:
            from matplotlib import pyplot
        except ImportError as error:
            raise ImportError(
                f"A picture of the time step needs matplotlib ({error}). Install it:"
                " pip install matplotlib."
            ) from error
        height = 1.5 + 0.3 * len(placements) + 0.4 * len(notes)
        _, ax = pyplot.subplots(figsize=(7, height), layout="constrained")
    rows = [(p.name, shares.get(p.name), p.where) for p in placements]
    if rest[0]:
        rows.append((*rest, ""))
    for row, (_, share, where) in enumerate(rows):
        colour = _COLOURS.get(where, _OTHER)
        ax.barh(row, share or 0.0, color=colour, height=0.7)
        told = "" if share is None else f"{share:.0f} %"
        ax.annotate(
            "  ".join(filter(None, (told, where if where in _COLOURS else ""))),
            (share or 0.0, row), (4, 0),
            textcoords="offset points", va="center", fontsize="small", color=colour,
        )  # fmt: skip
    ax.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlim(0, 100)
    ax.set_xticks(range(0, 101, 25))
    ax.spines[["top", "right"]].set_visible(False)  # what stands beside the longest bars
    below = [fitting for note in notes for fitting in wrap(note, _WIDTH, subsequent_indent="  ")]
    label = "\n".join(["% of the time of the loop", *below])
    ax.set_xlabel(label, loc="left", multialignment="left", fontsize="small")
    ax.set_title(title, fontsize="medium")
    return ax
