"""Run the networks on each device and compare: ``python -m benchmarks.run --help``.

Every run has a process of its own. The devices take turns (A B A B ...), so that what else a
machine does falls on all of them, and each ratio is of two runs next to each other. A device's
compiled code is cached across the repeats of a network, but not from before: the first run is from
a cold cache.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.networks import NETWORKS, USUAL

DEVICES = ("genn", "pygenn", "cpp_standalone", "cython", "numpy")
#: A real GeNN takes part where there is one.
DEFAULT = ["genn", *(["pygenn"] if find_spec("pygenn") else []), "cpp_standalone"]
REFERENCE = "cpp_standalone"
ROOT = Path(__file__).parents[1]
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

Result = dict[str, Any]


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of the command line, with what they imply filled in."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run",
        description="Run the field's networks on Brian 2 devices and compare them.",
    )
    names = list(NETWORKS)

    def listed(choices: Sequence[str]) -> Any:
        def convert(text: str) -> list[str]:
            chosen = text.split(",")
            for name in chosen:
                if name not in choices:
                    known = ", ".join(choices)
                    raise argparse.ArgumentTypeError(f"{name!r} is not one of {known}")
            return chosen

        return convert

    parser.add_argument(
        "--networks",
        type=listed(names),
        metavar="A,B",
        help=f"of {', '.join(names)} (all but the largest; cobahh with --cold)",
    )
    parser.add_argument(
        "--devices",
        type=listed(DEVICES),
        default=DEFAULT,
        metavar="A,B",
        help=f"of {', '.join(DEVICES)} ({','.join(DEFAULT)})",
    )
    parser.add_argument("--repeats", type=int, help="runs of each (3; 1 with --quick)")
    parser.add_argument(
        "--duration", type=float, help="biological seconds (1; 0.1 with --cold, less with --quick)"
    )
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that all runs")
    parser.add_argument(
        "--cold", action="store_true", help="empty caches before every run: script to result"
    )
    parser.add_argument("--name", help="of the files written (loop; cold, quick)")
    parser.add_argument(
        "--output", type=Path, default=Path("benchmarks/results"), help="the folder to write to"
    )
    parser.add_argument("--timeout", type=float, default=1800, help="seconds for one run (1800)")
    options = parser.parse_args(arguments)
    if options.networks is None:
        options.networks = ["cobahh"] if options.cold else USUAL
    if options.repeats is None:
        options.repeats = 1 if options.quick else 3
    if options.name is None:
        options.name = "quick" if options.quick else "cold" if options.cold else "loop"
    return options


def duration_of(network: str, options: argparse.Namespace) -> float:
    """The biological seconds to run a network for."""
    if options.duration is not None:
        return options.duration
    if options.quick:
        return NETWORKS[network].quick_duration
    return 0.1 if options.cold else 1.0


def in_a_process(
    module: str, job: Mapping[str, Any], environment: Mapping[str, str], timeout: float
) -> Result:
    """Have a module do a job in a process of its own, with one thread for libraries.

    Parameters
    ----------
    module
        Which is run with the job, as JSON, and the name of the file to write its result to.
    job
    environment
        More environment variables.
    timeout
        Seconds.

    Returns
    -------
    dict
        The result; or ``error``, a line that says why there is none.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark_") as scratch:
        file = Path(scratch) / "result.json"
        try:
            done = subprocess.run(
                [sys.executable, "-m", module, json.dumps(job), str(file)],
                cwd=ROOT,
                env={**os.environ, **ONE_THREAD, **environment},
                check=False,
                capture_output=True,
                text=True,
                timeout=timeout,
            )
        except subprocess.TimeoutExpired:
            return {"error": f"took more than {timeout:g} s"}
        if done.returncode == 0:
            result: Result = json.loads(file.read_text())
            return result
    print(done.stderr, file=sys.stderr)
    lines = (done.stderr or done.stdout).strip().splitlines()
    return {"error": lines[-1] if lines else f"exit status {done.returncode}"}


def run_once(network: str, device: str, repeat: int, cache: Path, options: Any) -> Result:
    """Run one network on one device in a new process.

    Returns
    -------
    dict
        What `benchmarks.worker.measure` returns, or the names and an ``error``.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark_") as scratch:
        caches = Path(scratch) if options.cold else cache
        (caches / device).mkdir(parents=True, exist_ok=True)
        job = {
            "network": network,
            "device": device,
            "duration": duration_of(network, options),
            "quick": options.quick,
            "seed": repeat + 1,
            "directory": str(caches / device),
        }
        environment = {"BRIAN2GENN_CACHE_DIR": str(caches / "genn")}
        result = in_a_process("benchmarks.worker", job, environment, options.timeout)
    named = {"network": network, "device": device, "repeat": repeat}
    if "error" in result:
        return named | result
    # cpp_standalone compiles anew in every run
    cold = options.cold or repeat == 0 or device == REFERENCE
    return result | {"repeat": repeat, "cold": cold}


def run_all(options: argparse.Namespace) -> list[Result]:
    """Run everything asked for, devices taking turns."""
    results = []
    for network in options.networks:
        with tempfile.TemporaryDirectory(prefix="benchmark_cache_") as cache:
            for repeat in range(options.repeats):
                for device in options.devices:
                    result = run_once(network, device, repeat, Path(cache), options)
                    results.append(result)
                    told = result.get("error") or (
                        f"loop {result['loop']:.3f} s, whole {result['whole']:.2f} s, "
                        f"{sum(result['spikes'].values()):,} spikes"
                    )
                    print(f"{network} on {device}, run {repeat + 1}: {told}", flush=True)
    return results


def spread(values: Sequence[float], digits: int = 3) -> str:
    """The median, with minimum and maximum where there are several."""
    if not values:
        return ""
    middle = f"{statistics.median(values):.{digits}g}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):.{digits}g}-{max(values):.{digits}g})"


def pair_ratios(results: list[Result], network: str, device: str, quantity: str) -> list[float]:
    """How often a device fits into the reference's time, repeat by repeat."""
    of = {
        (r["device"], r["repeat"]): r[quantity]
        for r in results
        if r["network"] == network and "error" not in r
    }
    return [
        of[REFERENCE, repeat] / value
        for (name, repeat), value in of.items()
        if name == device != REFERENCE and (REFERENCE, repeat) in of and value
    ]


def rates_differ(results: list[Result], tolerance: float = 0.1) -> list[str]:
    """Populations whose median rate is not the same on all devices, as sentences."""
    found = []
    rates: dict[tuple[str, str], dict[str, list[float]]] = {}
    for result in results:
        for population, rate in result.get("rates", {}).items():
            by_device = rates.setdefault((result["network"], population), {})
            by_device.setdefault(result["device"], []).append(rate)
    for (network, population), by_device in rates.items():
        medians = {device: statistics.median(values) for device, values in by_device.items()}
        if max(medians.values()) - min(medians.values()) > tolerance * max(medians.values()):
            told = ", ".join(f"{rate:.3g} Hz on {device}" for device, rate in medians.items())
            found.append(f"{network}: the rates of {population} differ: {told}")
    return found


def table(results: list[Result], options: argparse.Namespace) -> str:
    """The results as a markdown table."""
    rows = [
        "| network | device | loop, s | cpp_standalone / this | whole, cold, s | whole, warm, s "
        "| cpp_standalone / this, cold | spikes | peak memory, MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for network in options.networks:
        title = NETWORKS[network].title if not options.quick else network
        for device in options.devices:
            mine = [r for r in results if (r["network"], r["device"]) == (network, device)]
            good = [r for r in mine if "error" not in r]
            if not good:
                rows.append(f"| {title} | {device} | failed |" + " |" * 6)
                continue
            cold = [r for r in results if r.get("cold")]
            cells = [
                title,
                device,
                spread([r["loop"] for r in good]),
                spread(pair_ratios(results, network, device, "loop")),
                spread([r["whole"] for r in good if r["cold"]]),
                spread([r["whole"] for r in good if not r["cold"]]),
                spread(pair_ratios(cold, network, device, "whole")),
                f"{statistics.median(sum(r['spikes'].values()) for r in good):,.0f}",
                f"{statistics.median(r['memory'] for r in good):,.0f}",
            ]
            rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def git_commit() -> str | None:
    """The commit that is checked out, marked where files were changed since."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def machine() -> dict[str, Any]:
    """The processor and how busy it was."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "load_average": round(os.getloadavg()[0], 2),
    }


def report(results: list[Result], options: argparse.Namespace, setting: dict[str, Any]) -> str:
    """The table with all that is needed to judge and to repeat it."""
    where = setting["machine"]
    versions = setting["versions"]
    known = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    durations = {duration_of(network, options) for network in options.networks}
    seconds = " or ".join(f"{duration:g}" for duration in sorted(durations))
    lines = [
        table(results, options),
        "",
        f"{seconds} biological seconds, double precision, one thread; median (minimum-maximum) of "
        f"{options.repeats}. Loop: measured around it. Whole: from choosing the device to the "
        "results, with compilation; cold: nothing cached (cpp_standalone always compiles). Ratios: "
        "of each two runs next to each other. Peak memory: of the largest process, compilers "
        "included.",
        "",
        f"{where['cpu']}, {where['cores']} cores, {where['system']}, load {where['load_average']} "
        f"before the first run; {known}; commit {setting['commit']}; `{setting['command']}`.",
    ]
    lines += ["", *(f"- {sentence}." for sentence in setting["warnings"])]
    return "\n".join(lines).rstrip() + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print and write; the exit status is 1 where a run failed."""
    options = parse(arguments)
    given = sys.argv[1:] if arguments is None else list(arguments)
    setting: dict[str, Any] = {
        "command": shlex.join(["python", "-m", "benchmarks.run", *given]),
        "commit": git_commit(),
        "machine": machine(),
    }
    results = run_all(options)
    versions: dict[str, str | None] = {}
    for result in results:
        for name, version in result.pop("versions", {}).items():
            versions[name] = versions.get(name) or version
    setting["versions"] = versions
    # short runs of small networks differ by chance
    setting["warnings"] = [] if options.quick else rates_differ(results)

    text = report(results, options, setting)
    options.output.mkdir(parents=True, exist_ok=True)
    data = json.dumps(setting | {"results": results}, indent=1)
    (options.output / f"{options.name}.json").write_text(data + "\n")
    (options.output / f"{options.name}.md").write_text(text)
    print("\n" + text)
    return int(any("error" in result for result in results))


if __name__ == "__main__":
    sys.exit(main())
