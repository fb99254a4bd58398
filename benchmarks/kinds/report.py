"""What was measured, as lines, a table and sentences."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.kinds.registry import KINDS
from benchmarks.run import Result, pair_ratios, spread

#: No kind should be less than so many times as fast as cpp_standalone; and their mean.
GOAL, MEAN_GOAL = 2.5, 5.0


@dataclass(frozen=True)
class Row:
    """What was measured of one kind; of each pair of runs a number.

    Attributes
    ----------
    name : str
    reference : list of float
        Seconds of the loop of ``cpp_standalone``.
    ratios, threads : list of float
        How often one thread, and two, fit into that.
    processor : list of float
        The ratio of one thread by the time that the processor works.
    memory : dict
        Peak memory in MB by device.
    errors : dict
        Why a device failed.
    """

    name: str
    reference: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    threads: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    memory: dict[str, float] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """The median with one thread."""
        return statistics.median(self.ratios) if self.ratios else None

    @property
    def gain(self) -> float | None:
        """How often two threads fit into the time of one, by the medians of pairs."""
        pairs = zip(self.ratios, self.threads, strict=False)
        gains = [two / one for one, two in pairs]
        return statistics.median(gains) if gains else None


def rows_of(results: Sequence[Result], kinds: Sequence[str]) -> list[Row]:
    """One row for each of the kinds."""
    rows = []
    for name in kinds:
        mine = [r for r in results if r["network"] == name]
        good = [r for r in mine if "error" not in r]
        rows.append(
            Row(
                name,
                [r["loop"] for r in good if r["device"] == "cpp_standalone"],
                pair_ratios(good, name, "genn", "loop"),
                pair_ratios(good, name, "genn_2", "loop"),
                pair_ratios(good, name, "genn", "processor"),
                {r["device"]: r["memory"] for r in good},
                {r["device"]: r["error"] for r in mine if "error" in r},
            )
        )
    return rows


def line(row: Row) -> str:
    """A row for people who wait."""
    if row.errors:
        reasons = "; ".join(f"{device}: {error}" for device, error in row.errors.items())
        return f"{row.name:24} failed: {reasons}"
    missed = f"  MISSES {GOAL:g}" if row.ratio is not None and row.ratio < GOAL else ""
    return (
        f"{row.name:24} cpp_standalone {spread(row.reference)} s, genn {spread(row.ratios)} times"
        f" (by processor time {spread(row.processor)}),"
        f" two threads {spread(row.threads)} times{missed}"
    )


def geometric_mean(rows: Sequence[Row]) -> float | None:
    """Of the ratios that there are, with one thread."""
    ratios = [row.ratio for row in rows if row.ratio]
    return statistics.geometric_mean(ratios) if ratios else None


def report(rows: Sequence[Row], setting: dict[str, Any]) -> str:
    """The table, the mean, what misses its goal, and all that is needed to repeat it."""
    lines = [
        "| kind | cpp_standalone, loop, s | cpp_standalone / this, one thread "
        "| the same by processor time | two threads | one / two threads "
        "| peak memory, MB: cpp_standalone, this |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        title = KINDS[row.name].title
        if row.errors:
            lines.append(f"| {title} | failed: {', '.join(row.errors)} |" + " |" * 5)
            continue
        memory = ", ".join(f"{row.memory[device]:,.0f}" for device in ("cpp_standalone", "genn"))
        cells = [title, *map(spread, (row.reference, row.ratios, row.processor, row.threads))]
        lines.append("| " + " | ".join([*cells, f"{row.gain:.2f}", memory]) + " |")
    mean = geometric_mean(rows)
    if mean is not None:
        lines += ["", f"Geometric mean of {len(rows)} kinds: {mean:.2f} (goal {MEAN_GOAL:g})."]
    missed = sorted((row.ratio, row.name) for row in rows if row.ratio and row.ratio < GOAL)
    if missed:
        told = ", ".join(f"{name} {ratio:.2f}" for ratio, name in missed)
        lines += ["", f"Below {GOAL:g}: {told}."]
    failed = [row for row in rows if row.errors]
    lines += ["", *(f"- {row.name}: {row.errors}" for row in failed)] if failed else []
    where, versions = setting["machine"], setting["versions"]
    known = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    lines += [
        "",
        f"Double precision; median (minimum-maximum) of {setting['pairs']} runs in turns, each in "
        "a process of its own. Loop: measured around it. Ratios: of runs next to each other. "
        "Processor time is what counts where a machine does other work.",
        "",
        "Before and after each run the same small work is timed: neighbours on the host slow a "
        "machine down for a while. Runs beside which it took over a fifth longer than it can are "
        f"made again; {setting['again']} were.",
        "",
        f"{where['cpu']}, {where['cores']} cores, {where['system']}, load {where['load_average']} "
        f"before the first run; {known}; commit {setting['commit']}; `{setting['command']}`.",
    ]
    if setting["pairs"] < 3:
        lines += ["", "- Fewer than three pairs: a moment in which others slow the machine counts."]
    lines += ["", *(f"- {sentence}." for sentence in setting["warnings"])]
    return "\n".join(lines).rstrip() + "\n"
