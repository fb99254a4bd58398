"""Run one network with this package and with Brian's own devices, and compare.

The network is `cobahh.py`, beside this file. Every device runs that text in a
process of its own; nothing in it but the choice of the device and the duration
is changed. `make demo` calls this script.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SCRIPT = Path(__file__).with_name("cobahh.py")

#: Device: (what it is, the lines that choose it, in place of the script's own two).
DEVICES = {
    "genn": (
        "this package, on the processor",
        'import brian2genn\nset_device("genn", backend="cpu")',
    ),
    "cpp_standalone": (
        "Brian's C++ program, one thread",
        'set_device("cpp_standalone", directory=None)',
    ),
    "cython": ("Brian's runtime with Cython", 'prefs.codegen.target = "cython"'),
}


@dataclass
class Result:
    """What one device made of the network."""

    device: str
    spike_times: np.ndarray  # seconds
    spike_indices: np.ndarray
    neurons: int
    loop: float  # seconds of wall time in the time loop
    whole: float  # seconds of wall time from choosing the device to the spikes


def script_for(device: str, duration: float) -> str:
    """The example's text, for another device, another duration and without its plot."""
    network, found, _ = SCRIPT.read_text(encoding="utf-8").partition("# What came of it\n")
    if not found:
        raise ValueError(f"{SCRIPT} has no line '# What came of it', where its network ends.")
    choice = DEVICES[device][1]
    for pattern, text in {
        r"^import brian2genn\n+set_device\(.*\)$": choice,
        r"^duration = .*$": f"duration = {duration!r}*second",
    }.items():
        network, count = re.subn(pattern, lambda _, text=text: text, network, flags=re.MULTILINE)
        if count != 1:
            raise ValueError(f"{SCRIPT} has {count} places like {pattern!r} where one is expected.")
    return network


def run_here(device: str, duration: float, caches: Path, answer: Path) -> None:
    """Run the network in this process; write spikes and times to the file `answer`."""
    # Importing Brian takes as long for every device, and is not what is compared.
    import brian2

    if device == "genn":
        import brian2genn
    brian2.prefs.codegen.runtime.cython.cache_dir = str(caches / "cython")
    code = compile(script_for(device, duration), str(SCRIPT), "exec")
    namespace = {"__name__": "__main__"}

    start = time.perf_counter()
    exec(code, namespace)
    spikes = namespace["spikes"]
    times, indices = np.array(spikes.t / brian2.second), np.array(spikes.i)
    whole = time.perf_counter() - start

    numbers = {
        "neurons": len(namespace["neurons"]),
        "loop": brian2.get_device()._last_run_time,
        "whole": whole,
    }
    np.savez(answer, times=times, indices=indices, numbers=json.dumps(numbers))


def run_apart(device: str, duration: float, output: Path) -> Result | str:
    """Run the network in a new process; return its result, or why there is none."""
    log = output / f"{device}.log"
    with tempfile.TemporaryDirectory(prefix="brian2genn_demo_") as folder:
        answer = Path(folder) / "answer.npz"
        arguments = ["--in-process", device, folder, str(answer), "--duration", str(duration)]
        # Every device starts with nothing compiled, so that a second demo shows
        # the same as the first.
        environment = {
            **os.environ,
            "BRIAN2GENN_CACHE_DIR": str(Path(folder) / "genn"),
            "PYTHONUNBUFFERED": "1",
        }
        with log.open("w", encoding="utf-8") as stream:
            code = subprocess.call(
                [sys.executable, str(Path(__file__).resolve()), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=folder,  # Brian writes some files where it is
            )
        if code != 0 or not answer.exists():
            lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
            reason = lines[-1].strip() if lines else f"exit status {code}"
            if device != "genn" and not any(map(shutil.which, ("c++", "g++", "clang++", "cl"))):
                reason = "it needs a C++ compiler, and this machine has none"
            return f"{reason} (see {log})"
        with np.load(answer) as data:
            return Result(
                device, data["times"], data["indices"], **json.loads(str(data["numbers"]))
            )


def print_table(results: dict[str, Result | str], duration: float) -> None:
    """Print spikes, times and ratios, a device a line."""
    header = ("", "spikes", "mean rate", "loop", "whole", "loop", "whole")
    reference = results.get("genn")
    lines = []
    for device, result in results.items():
        if isinstance(result, str):
            continue
        rate = len(result.spike_times) / result.neurons / duration
        ratios = ("", "")
        if isinstance(reference, Result) and result is not reference:
            ratios = (
                f"{result.loop / reference.loop:.1f} x",
                f"{result.whole / reference.whole:.1f} x",
            )
        lines.append(
            (
                device,
                f"{len(result.spike_times):,}",
                f"{rate:.1f} Hz",
                f"{result.loop:.2f} s",
                f"{result.whole:.2f} s",
                *ratios,
            )
        )
    if lines:
        print()
        widths = [max(map(len, column)) for column in zip(header, *lines, strict=True)]
        for name, *cells in (header, *lines):
            padded = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
            print("  ".join((name.ljust(widths[0]), *padded)).rstrip())
        print()
        print("loop:  the simulation alone. whole: from choosing the device to the spikes, with")
        print("       all compiling. Times with an x are multiples of genn's.")
        if len(lines) > 1:
            print("Each device draws random connections of its own, so numbers of spikes differ.")
    for device, result in results.items():
        if isinstance(result, str):
            print(f"{device} did not run: {result}")


def draw(results: dict[str, Result | str], duration: float, output: Path) -> list[Path]:
    """Draw the spikes of one run and the rates of all; return the files."""
    try:
        import matplotlib
    except ImportError:
        print("For pictures of it: pip install matplotlib")
        return []

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    done = [result for result in results.values() if isinstance(result, Result)]
    if not done:
        return []

    shown = done[0]
    figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
    # A picture has too few rows for all neurons: lines would merge to patterns of their own.
    step = max(1, shown.neurons // 500)
    chosen = shown.spike_indices % step == 0
    axes.plot(
        shown.spike_times[chosen],
        shown.spike_indices[chosen],
        linestyle="",
        marker=".",
        markersize=1.5,
        color="black",
    )
    axes.set(
        xlim=(0, duration),
        ylim=(0, shown.neurons),
        xlabel="time (s)",
        ylabel="neuron",
        title=f"COBAHH: spikes of {shown.neurons // step:,} of {shown.neurons:,} neurons"
        f" ({shown.device})",
    )
    raster = output / "raster.png"
    figure.savefig(raster, dpi=150)

    # 5 ms is short against the network's rhythm and long enough to hold many spikes.
    bin_width = min(0.005, duration)
    edges = np.arange(0, duration + bin_width / 2, bin_width)
    figure, axes = plt.subplots(figsize=(9, 3), layout="constrained")
    for result in done:
        counts, _ = np.histogram(result.spike_times, edges)
        rate = counts / result.neurons / bin_width
        axes.stairs(rate, edges, baseline=None, label=result.device, linewidth=1.2, alpha=0.8)
    axes.set(
        xlim=(0, duration),
        xlabel="time (s)",
        ylabel="rate (Hz)",
        title="The same network, random connections drawn anew by each device",
    )
    axes.set_ylim(0, 1.25 * axes.get_ylim()[1])  # room for the legend
    axes.legend(frameon=False, ncols=len(done), loc="upper right")
    rates = output / "rates.png"
    figure.savefig(rates, dpi=150)
    return [raster, rates]


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--duration",
        type=float,
        default=1.0,
        metavar="SECONDS",
        help="biological time to simulate (default: 1)",
    )
    parser.add_argument(
        "--skip",
        action="append",
        default=[],
        choices=list(DEVICES),
        help="leave a device out (may be repeated)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("demo_output"),
        metavar="FOLDER",
        help="where plots and logs go (default: demo_output)",
    )
    parser.add_argument("--in-process", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.duration <= 0:
        parser.error("--duration must be more than 0")
    if options.in_process:
        device, folder, answer = options.in_process
        try:
            run_here(device, options.duration, Path(folder), Path(answer))
        except Exception as error:
            traceback.print_exc()
            # The last line is what the user gets to see: the first cause of all.
            while error.__cause__ or error.__context__:
                error = error.__cause__ or error.__context__
            print(f"{type(error).__name__}: {' '.join(str(error).split())}", flush=True)
            return 1
        return 0

    options.output.mkdir(parents=True, exist_ok=True)
    print(f"COBAHH: 4,000 Hodgkin-Huxley neurons, 2 % connectivity, {options.duration:g} s,")
    print(f"every device with nothing compiled beforehand; {os.cpu_count()} CPU cores.")
    print("It takes a minute or so, most of it Cython's compiler.")
    results: dict[str, Result | str] = {}
    for device, (what, _) in DEVICES.items():
        if device in options.skip:
            continue
        print(f"  {device:15} {what:32}", end="", flush=True)
        results[device] = result = run_apart(device, options.duration, options.output)
        print("failed" if isinstance(result, str) else f"{result.whole:8.2f} s", flush=True)

    print_table(results, options.duration)
    files = draw(results, options.duration, options.output)
    if files:
        print("Plots:", ", ".join(map(str, files)))
    # A peer that cannot run here is told, not an error; this package must run.
    return int(isinstance(results.get("genn"), str))


if __name__ == "__main__":
    sys.exit(main())
