"""A bar for each kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.kinds.registry import KINDS
from benchmarks.kinds.report import GOAL, Row, geometric_mean


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw how fast each kind is beside cpp_standalone; nothing where matplotlib is missing."""
    try:
        import matplotlib
    except ImportError:
        return
    mean = geometric_mean(rows)
    if mean is None:
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = sorted((row for row in rows if row.ratio), key=lambda row: row.ratio or 0)
    figure, axes = pyplot.subplots(figsize=(9, 1.2 + 0.2 * len(rows)), layout="constrained")
    places = range(len(rows))
    two = [max(row.threads, default=0) and (row.ratio or 0) * (row.gain or 1) for row in rows]
    axes.barh(places, two, 0.8, color="#b9d3e8", label="two threads")
    colours = ["#c8553d" if (row.ratio or 0) < GOAL else "#33658a" for row in rows]
    axes.barh(places, [row.ratio or 0 for row in rows], 0.45, color=colours, label="one thread")
    for place, row in zip(places, rows, strict=True):
        axes.text(row.ratio or 0, place, f" {row.ratio:.1f}", va="center", fontsize=7)
    axes.set_yticks(places, [KINDS[row.name].title for row in rows], fontsize=7)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.axvline(GOAL, color="grey", linewidth=0.8, linestyle="dashed")
    axes.axvline(mean, color="#33658a", linewidth=0.8, linestyle="dotted")
    axes.set(
        xscale="log",
        xlabel=f"times as fast as cpp_standalone with one thread (geometric mean {mean:.1f})",
        ylim=(-0.6, len(rows) - 0.4),
    )
    axes.legend(fontsize=7, loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
