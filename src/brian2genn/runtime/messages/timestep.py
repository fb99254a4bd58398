"""A picture of the time step: its objects in their order, where they run, and what they take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from ...frontend.network import BY_BRIAN, COMPILED, Placement

#: Colours that are told apart on light and dark ground, and without seeing red and green.
_COLOURS = {COMPILED: "#3a76af", BY_BRIAN: "#d9822b"}
_OTHER = "#999999"

#: Of the loop, for objects whose time is not known.
_UNKNOWN = 0.0

#: Characters of a line below the picture.
_WIDTH = 70


def draw(
    title: str,
    placements: Sequence[Placement],
    seconds: Mapping[str, float],
    loop: float,
    notes: Sequence[str],
    ax: Any,
) -> Any:
    """Draw a row for each object.

    Parameters
    ----------
    title : str
    placements : sequence of Placement
        In the order of the schedule.
    seconds : mapping
        What objects took, by their names, as far as it is known.
    loop : float
        Seconds that all time steps took.
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
        height = 1.2 + 0.3 * len(placements) + 0.4 * len(notes)
        _, ax = pyplot.subplots(figsize=(7, height), layout="constrained")
    whole = max(loop, sum(seconds.values()))
    for row, placement in enumerate(placements):
        share = seconds.get(placement.name, _UNKNOWN) / whole if whole > 0 else _UNKNOWN
        colour = _COLOURS.get(placement.where, _OTHER)
        ax.barh(row, 100 * share, color=colour, height=0.7)
        told = f"{100 * share:.0f} %" if placement.name in seconds else ""
        where = placement.where if placement.where in _COLOURS else ""
        ax.annotate(
            "  ".join(filter(None, (told, where))), (100 * share, row), (4, 0),
            textcoords="offset points", va="center", fontsize="small", color=colour,
        )  # fmt: skip
    ax.set_yticks(range(len(placements)), [placement.name for placement in placements])
    ax.set_ylim(len(placements) - 0.5, -0.5)
    ax.set_xlim(0, 118)
    ax.set_xticks(range(0, 101, 25))
    below = [fitting for note in notes for fitting in wrap(note, _WIDTH, subsequent_indent="  ")]
    label = "\n".join(["% of the time of the loop", *below])
    ax.set_xlabel(label, loc="left", multialignment="left", fontsize="small")
    ax.set_title(title, fontsize="medium")
    return ax
