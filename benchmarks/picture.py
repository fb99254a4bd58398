"""Draw the README's picture: the time to the first result, by what was measured.

    python -m benchmarks.picture

reads ``results/loop.json`` (of ``python -m benchmarks.run``) and writes
``docs/images/first_result.png``.
"""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results/loop.json"
PICTURE = ROOT / "docs/images/first_result.png"

NAMES = {
    "cobahh": "COBAHH\n4,000 neurons",
    "mushroom_body": "mushroom body\n2,500 Kenyon cells",
    "cuba": "CUBA\n4,000 neurons",
    "brunel_hakim": "Brunel-Hakim\n10⁷ synapses",
    "stdp": "STDP\n10,000 inputs",
}

#: Dark for the time steps, light for all before them; readable in black and white.
COLOURS = {"genn": ("#1f77b4", "#aec7e8"), "cpp_standalone": ("#555555", "#c7c7c7")}


def medians() -> dict[tuple[str, str], tuple[float, float]]:
    """Network and device: seconds in the loop, and from the choice of the device to the result."""
    runs: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for result in json.loads(RESULTS.read_text("utf-8"))["results"]:
        if result["cold"]:  # nothing was compiled beforehand
            runs[result["network"], result["device"]].append((result["loop"], result["whole"]))
    return {
        key: (
            statistics.median(loop for loop, _ in times),
            statistics.median(whole for _, whole in times),
        )
        for key, times in runs.items()
    }


def draw() -> Path:
    """Draw it; returns the file."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    found = medians()
    figure, axes = plt.subplots(figsize=(8, 3.4), layout="constrained")
    for side, device in enumerate(COLOURS):
        dark, light = COLOURS[device]
        places = [number + 0.4 * side for number in range(len(NAMES))]
        loops, wholes = zip(*(found[network, device] for network in NAMES), strict=True)
        before = [whole - loop for loop, whole in zip(loops, wholes, strict=True)]
        axes.bar(places, before, 0.36, color=light, label=f"{device}: before the first time step")
        axes.bar(places, loops, 0.36, before, color=dark, label=f"{device}: time steps")
        for place, whole in zip(places, wholes, strict=True):
            axes.text(place, whole + 0.15, f"{whole:.1f} s", ha="center", fontsize=8)
    axes.set_xticks([number + 0.2 for number in range(len(NAMES))], list(NAMES.values()))
    axes.set_ylabel("seconds")
    axes.set_title("Time to the first result of one simulated second, nothing compiled beforehand")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(PICTURE, dpi=130)
    return PICTURE


if __name__ == "__main__":
    print(draw())
