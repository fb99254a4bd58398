"""A bar for each kind."""

from __future__ import annotations

import statistics
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
    from matplotlib import pyplot, ticker

    rows = sorted((row for row in rows if row.ratio), key=lambda row: row.ratio or 0)
    figure, axes = pyplot.subplots(figsize=(9, 1.2 + 0.2 * len(rows)), layout="constrained")
    places = range(len(rows))
    ratios = [row.ratio or 0 for row in rows]
    two = [statistics.median(row.threads or [0]) for row in rows]
    missed = [ratio < GOAL for ratio in ratios]
    axes.barh(places, two, 0.8, color="#b9d3e8", label="two threads")
    for chosen, colour, label in (
        (False, "#33658a", "one thread"),
        (True, "#c8553d", f"one thread, below {GOAL:g}"),
    ):
        shown = [ratio if miss == chosen else 0 for ratio, miss in zip(ratios, missed, strict=True)]
        axes.barh(places, shown, 0.45, color=colour, label=label)
    for place, ratio in enumerate(ratios):
        axes.text(ratio, place, f" {ratio:.1f}", va="center", fontsize=7)
    axes.set_yticks(places, [KINDS[row.name].title for row in rows], fontsize=7)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.axvline(GOAL, color="grey", linewidth=0.8, linestyle="dashed")
    axes.axvline(mean, color="#33658a", linewidth=0.8, linestyle="dotted")
    axes.set(
        xscale="log",
        xlim=(min(0.5, *(0.9 * ratio for ratio in ratios)), 1.3 * max(*ratios, *two, GOAL)),
        xlabel=f"times as fast as cpp_standalone with one thread (geometric mean {mean:.1f})",
        ylim=(-0.6, len(rows) - 0.4),
    )
    axes.xaxis.set_major_locator(ticker.FixedLocator([0.5, 1, 2, 5, 10, 20, 50, 100]))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.legend(fontsize=7, loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
