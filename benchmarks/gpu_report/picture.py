"""The report's picture: time steps beside peers and processors, and the speed-up by size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.gpu_report.text import _best, _result, scaling
from benchmarks.networks import NETWORKS


def draw(report: dict[str, Any], path: Path) -> None:
    """Draw what there is; nothing where matplotlib is missing or nothing was measured."""
    try:
        import matplotlib
    except ImportError:
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    jobs = {job["name"]: job for part in report["parts"] for job in part["jobs"]}
    best, sizes = _best(jobs), scaling(jobs)
    if not best and not sizes:
        return
    figure, (bars, curves) = pyplot.subplots(1, 2, figsize=(13, 6), width_ratios=[3, 2])
    devices = {"this package, GPU": best}
    for label, suffix in (("GeNN", "GeNN"), ("Brian2CUDA", "Brian2CUDA"),
                          ("this package, one core", "one core")):  # fmt: skip
        devices[label] = {n: r for n in best if (r := _result(jobs, f"{n} {suffix}"))}
    height = 0.8 / len(devices)
    for k, (label, results) in enumerate(devices.items()):
        places = [list(best).index(name) + k * height for name in results]
        bars.barh(places, [r["microseconds"] for r in results.values()], height, label=label)
    bars.set(xscale="log", xlabel="µs a time step")
    bars.set_yticks(range(len(best)), [NETWORKS[name].title for name in best], fontsize=8)
    bars.invert_yaxis()
    bars.legend(fontsize=8)
    for name, points in sizes.items():
        for device, style in (("cpp_standalone", "o-"), ("one core", "s--")):
            known = [(n, t[device] / t["GPU"]) for n, t in points if device in t and "GPU" in t]
            if known:
                other = "Brian's C++" if device == "cpp_standalone" else "this package"
                curves.plot(*zip(*known, strict=True), style, label=f"{name}, over {other}")
    curves.set(xscale="log", yscale="log", xlabel="neurons", ylabel="times as fast as one core")
    if sizes:
        curves.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
