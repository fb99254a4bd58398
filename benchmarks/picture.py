"""Draw the README's picture: one network on all devices, and the time to the first result.

    python -m benchmarks.picture --run

runs COBAHH with the same connections and initial values on every device, keeps what they give in
``results/same_network.json``, and draws it to ``docs/images/first_result.png``, beside the times of
``results/loop.json``: those of ``python -m benchmarks.run``, with Cython's if asked for.
Without ``--run``, what is kept is drawn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results/loop.json"
SAME = ROOT / "benchmarks/results/same_network.json"
PICTURE = ROOT / "docs/images/first_result.png"

#: Of the network that all devices get: seconds, and those of a bin of spikes.
DURATION, BIN = 0.2, 0.002

#: What the example says of its random parts, and what it gets instead: numbers of `drawn`.
REPLACED = {
    "excitatory.connect(p=0.02)": "excitatory.connect(i=drawn['ei'], j=drawn['ej'])",
    "inhibitory.connect(p=0.02)": "inhibitory.connect(i=drawn['ii'], j=drawn['ij'])",
    'neurons.v = "El + (randn()*5 - 5)*mV"': "neurons.v = El + (drawn['v']*5 - 5)*mV",
    'neurons.ge = "(randn()*1.5 + 4)*10*nS"': "neurons.ge = (drawn['ge']*1.5 + 4)*10*nS",
    'neurons.gi = "(randn()*12 + 20)*10*nS"': "neurons.gi = (drawn['gi']*12 + 20)*10*nS",
}

#: Line below line: the widest first, so that lines that coincide are all seen.
LINES = {
    "genn": {"color": "#8fb8de", "linewidth": 6},
    "cpp_standalone": {"color": "#d9822b", "linewidth": 2.2},
    "cython": {"color": "black", "linewidth": 0.9, "linestyle": (0, (4, 3))},
}

NAMES = {
    "cobahh": "COBAHH\n4,000 neurons",
    "mushroom_body": "mushroom body\n2,500 Kenyon cells",
    "cuba": "CUBA\n4,000 neurons",
    "brunel_hakim": "Brunel-Hakim\n10⁷ synapses",
    "stdp": "STDP\n10,000 inputs",
}

#: Dark for the time steps, light for all before them; readable in black and white.
COLOURS = {
    "genn": ("#1f77b4", "#aec7e8"),
    "cpp_standalone": ("#555555", "#c7c7c7"),
    "cython": ("#b2621b", "#f0c9a0"),  # where it was measured
}


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


def drawn_once(neurons: int = 4000, p: float = 0.02) -> dict[str, np.ndarray]:
    """Connections and initial values, the same for every device: drawn by NumPy."""
    random = np.random.default_rng(1)
    numbers = {name: random.standard_normal(neurons) for name in ("v", "ge", "gi")}
    for name, sources in (("e", neurons * 4 // 5), ("i", neurons // 5)):
        numbers[f"{name}i"], numbers[f"{name}j"] = np.nonzero(random.random((sources, neurons)) < p)
    return numbers


def run_here(device: str) -> list[int]:
    """The spikes of all neurons in each bin, as the device gives them in this process."""
    sys.path.insert(0, str(ROOT / "examples"))
    import demo

    script = demo.script_for(device, DURATION)
    for old, new in REPLACED.items():
        if script.count(old) != 1:
            raise ValueError(f"{demo.SCRIPT} has no line {old}, which is to be replaced.")
        script = script.replace(old, new)
    namespace: dict[str, Any] = {"__name__": "__main__", "drawn": drawn_once()}
    exec(compile(script, str(demo.SCRIPT), "exec"), namespace)
    bins = np.arange(round(DURATION / BIN) + 1) * BIN
    counts, _ = np.histogram(np.array(namespace["spikes"].t), bins)
    return [int(count) for count in counts]


def run_all() -> None:
    """Run every device in a process of its own, and keep what they give."""
    found = {}
    for device in LINES:
        with tempfile.TemporaryDirectory(prefix="picture_") as folder:
            answer = Path(folder) / "counts.json"
            command = [sys.executable, "-m", "benchmarks.picture", "--device", device, str(answer)]
            subprocess.run(command, check=True, cwd=ROOT)
            found[device] = json.loads(answer.read_text("utf-8"))
        print(f"{device}: {sum(found[device])} spikes", flush=True)
    SAME.write_text(json.dumps({"bin": BIN, "neurons": 4000, "counts": found}) + "\n", "utf-8")


def draw_same(axes: Any) -> None:
    """The rate of the network on each device."""
    same = json.loads(SAME.read_text("utf-8"))
    width, neurons = same["bin"], same["neurons"]
    for device, counts in same["counts"].items():
        times = 1000 * width * (np.arange(len(counts)) + 0.5)
        axes.plot(times, np.array(counts) / neurons / width, label=device, **LINES[device])
    axes.set_xlabel("time (ms)")
    axes.set_ylabel("rate of COBAHH (Hz)")
    axes.set_title("The same network on three devices", fontsize="medium")
    axes.set_ylim(0, 1.2 * axes.get_ylim()[1])  # room for the legend
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, ncols=3, loc="upper center")


def draw() -> Path:
    """Draw it; returns the file."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    found = medians()
    figure, (left, axes) = plt.subplots(
        1, 2, figsize=(12, 3.6), layout="constrained", width_ratios=[2, 3]
    )
    draw_same(left)
    devices = [name for name in COLOURS if all((network, name) in found for network in NAMES)]
    width = 0.8 / len(devices)
    for side, device in enumerate(devices):
        dark, light = COLOURS[device]
        places = [number + width * side for number in range(len(NAMES))]
        loops, wholes = zip(*(found[network, device] for network in NAMES), strict=True)
        before = [whole - loop for loop, whole in zip(loops, wholes, strict=True)]
        axes.bar(
            places, before, 0.9 * width, color=light, label=f"{device}: before the first time step"
        )
        axes.bar(places, loops, 0.9 * width, before, color=dark, label=f"{device}: time steps")
        for place, whole in zip(places, wholes, strict=True):
            axes.annotate(f"{whole:.1f} s", (place, whole), (0, 2), textcoords="offset points",
                          ha="center", fontsize=8)  # fmt: skip
    middle = width * (len(devices) - 1) / 2
    axes.set_xticks([number + middle for number in range(len(NAMES))], list(NAMES.values()))
    axes.set_ylabel("seconds")
    axes.set_title(
        "Time to the first result of one simulated second, nothing compiled beforehand",
        fontsize="medium",
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(PICTURE, dpi=130)
    return PICTURE


def main() -> None:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.picture")
    parser.add_argument("--run", action="store_true", help="run the network on every device first")
    parser.add_argument("--device", nargs=2, metavar=("NAME", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.device:
        name, answer = options.device
        Path(answer).write_text(json.dumps(run_here(name)), "utf-8")
        return
    if options.run:
        run_all()
    print(draw())


if __name__ == "__main__":
    main()
