"""The report's picture: time steps beside peers and processors, and the speed-up by size.

``python -m benchmarks.gpu_report.picture REPORT.json ... --output FILE.png`` draws the speed-up by
size alone, of what several reports have measured on one card; with ``--steps``, the time steps.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.gpu_report.text import best_of, result_of, scaling
from benchmarks.networks import NETWORKS

#: Who is compared, and how the jobs of each end.
_DEVICES = {
    "GeNN, same card": "GeNN",
    "Brian2CUDA, same card": "Brian2CUDA",
    "this package, one core": "one core",
}

#: The same networks in another part of the report.
_ALSO = {"cobahh_large large": "cobahh 100000 GPU"}


def draw(report: dict[str, Any], path: Path) -> None:
    """Draw what there is; nothing where matplotlib is missing or nothing was measured."""
    try:
        import matplotlib
    except ImportError:
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    jobs = {job["name"]: job for part in report["parts"] for job in part["jobs"]}
    best, sizes = best_of(jobs), scaling(jobs)
    if not best:
        return
    figure, axes = pyplot.subplots(
        1, 1 + bool(sizes), figsize=(13 if sizes else 9, 1.5 + 0.8 * len(best)), squeeze=False
    )
    _bars(axes[0, 0], jobs, best)
    if sizes:
        _curves(axes[0, 1], sizes)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _bars(axes: Any, jobs: dict[str, Any], best: dict[str, Any]) -> None:
    """Microseconds of a time step, by network and device."""
    devices = {"this package, GPU": best}
    for label, ending in _DEVICES.items():
        results = {n: r for n in best if (r := result_of(jobs, f"{n} {ending}"))}
        devices |= {label: results} if results else {}
    height = 0.8 / len(devices)
    for k, (label, results) in enumerate(devices.items()):
        places = [list(best).index(name) + (k + 0.5) * height for name in results]
        axes.barh(places, [r["microseconds"] for r in results.values()], height, label=label)
    axes.set(xscale="log", xlabel="µs a time step")
    axes.set_xlim(left=1)
    axes.set_yticks([k + 0.4 for k in range(len(best))], [NETWORKS[n].title for n in best])
    axes.set_ylim(len(best), -0.2)  # whole groups, also of networks that one device alone has
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2, frameon=False)


def _curves(axes: Any, sizes: dict[str, list[tuple[int, dict[str, float]]]]) -> None:
    """How many times as fast as one core, by size."""
    for name, points in sizes.items():
        for device, style in (("cpp_standalone", "o-"), ("one core", "s--")):
            known = [(n, t[device] / t["GPU"]) for n, t in points if device in t and "GPU" in t]
            if known:
                other = "Brian's C++" if device == "cpp_standalone" else "this package"
                axes.plot(*zip(*known, strict=True), style, label=f"{name}, over {other}")
    axes.set(xscale="log", yscale="log", xlabel="neurons", ylabel="times as fast as one core")
    axes.legend(fontsize=8)


#: Who is drawn, how, and what they are called.
_STEPS = {
    "cpp_standalone": ("o:", "Brian's C++, one core"),
    "one core": ("s--", "this package, one core"),
    "GPU": ("^-", "this package, GPU"),
}


def _steps(axes: Any, sizes: dict[str, list[tuple[int, dict[str, float]]]]) -> None:
    """How long a time step takes, by size; a colour for each network."""
    for number, (name, points) in enumerate(sizes.items()):
        for device, (style, who) in _STEPS.items():
            known = [(n, t[device]) for n, t in points if device in t]
            if known:
                label = f"{name}: {who}"
                axes.plot(*zip(*known, strict=True), style, color=f"C{number}", label=label)
    axes.set(xscale="log", yscale="log", xlabel="neurons", ylabel="µs for a time step")
    low, high = axes.get_ylim()
    axes.set_ylim(low, 100 * high)  # room for what lines are called
    axes.legend(fontsize=7, loc="upper left")


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the speed-up by size of several reports; what the first of them has counts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_report.picture")
    parser.add_argument("reports", nargs="+", type=Path, metavar="REPORT.json")
    parser.add_argument("--output", required=True, type=Path, metavar="FILE.png")
    parser.add_argument("--steps", action="store_true", help="the time steps, no ratios")
    options = parser.parse_args(arguments)
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    jobs: dict[str, Any] = {}
    for path in options.reports:
        for part in json.loads(path.read_text())["parts"]:
            for job in part["jobs"]:
                if job["outcome"] == "done":
                    jobs.setdefault(_ALSO.get(job["name"], job["name"]), job)
    figure, axes = pyplot.subplots(figsize=(6.5, 4.2))
    (_steps if options.steps else _curves)(axes, scaling(jobs))
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(options.output, dpi=110)


if __name__ == "__main__":
    main()
