"""Run every kind of network in turns: ``python -m benchmarks.kinds --help``.

Each run has a process of its own. The device with one thread, with two, and ``cpp_standalone`` take
turns, and every ratio is of runs next to each other.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.kinds import KINDS
from benchmarks.kinds.picture import draw
from benchmarks.kinds.report import Row, line, report, rows_of
from benchmarks.run import ROOT, Result, git_commit, in_a_process, machine, rates_differ

DEVICES = ("genn", "genn_2", "cpp_standalone")

#: A run beside which fixed work took so many times as long as it can is made once more, so often.
SLOW, MOST_TRIES = 1.2, 4


def _pattern(text: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no regular expression: {error}") from None
    if not any(map(pattern.search, KINDS)):
        raise argparse.ArgumentTypeError(f"{text!r} is in none of {', '.join(KINDS)}")
    return pattern


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.kinds",
        description="Run kinds of networks on this device and on cpp_standalone, and compare.",
    )
    parser.add_argument(
        "--only", type=_pattern, metavar="REGEX", help="kinds whose name it is found in"
    )
    parser.add_argument("--pairs", type=int, help="runs of each (5; 1 with --quick)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that all runs")
    parser.add_argument("--list", action="store_true", help="tell the kinds and end")
    parser.add_argument(
        "--output", type=Path, help="the folder to write to (benchmarks/results, for all kinds)"
    )
    parser.add_argument("--timeout", type=float, default=1800, help="seconds for one run (1800)")
    options = parser.parse_args(arguments)
    options.kinds = [name for name in KINDS if not options.only or options.only.search(name)]
    if options.pairs is None:
        options.pairs = 1 if options.quick else 5
    # a part of the kinds, or tiny ones, do not replace the table of all
    options.picture = None
    if options.output is None and not options.quick and options.only is None:
        options.output = ROOT / "benchmarks" / "results"
        options.picture = ROOT / "docs" / "images" / "kinds.png"
    elif options.output is not None:
        options.picture = options.output / "kinds.png"
    return options


class Pace:
    """Makes runs, and makes those again beside which the machine was slow.

    Attributes
    ----------
    again : int
        How many were.
    """

    def __init__(self) -> None:
        self._fastest = float("inf")
        self.again = 0

    def run(self, make: Callable[[], Result]) -> Result:
        """Make a run until the machine is as fast as it was; the one with the fastest pulse."""
        best: Result = {}
        for trial in range(MOST_TRIES):
            result = make()
            if "error" in result:
                return result
            self.again += trial > 0
            slowest = max(result["pulses"])
            self._fastest = min(self._fastest, *result["pulses"])
            if not best or slowest < max(best["pulses"]):
                best = result
            if slowest <= SLOW * self._fastest:
                break
        return best


def run_kind(name: str, options: argparse.Namespace, pace: Pace) -> list[Result]:
    """Run one kind on all devices in turns."""
    kind = KINDS[name]
    duration = kind.quick_duration if options.quick else kind.duration
    results = []
    with tempfile.TemporaryDirectory(prefix="benchmark_kinds_") as directory:
        for pair in range(options.pairs):
            for device in DEVICES:
                job = {
                    "kind": name,
                    "device": device,
                    "duration": duration,
                    "quick": options.quick,
                    "seed": pair + 1,
                    "directory": directory,
                }
                environment = {"BRIAN2GENN_CACHE_DIR": str(Path(directory) / "cache")}
                told = "benchmarks.kinds.worker", job, environment, options.timeout
                result = pace.run(partial(in_a_process, *told))
                results.append({"network": name, "device": device, **result, "repeat": pair})
    return results


def write(
    rows: list[Row], results: list[Result], setting: dict[str, Any], options: argparse.Namespace
) -> str:
    """Write what there is so far, so that who ends a long run keeps it; returns the table."""
    versions: dict[str, str | None] = {}
    for result in results:
        for package, version in result.get("versions", {}).items():
            versions[package] = versions.get(package) or version
    # short runs of small networks differ by chance
    warnings = [] if options.quick else rates_differ(results)
    setting = setting | {"versions": versions, "warnings": warnings}
    text = report(rows, setting)
    if options.output is not None:
        options.output.mkdir(parents=True, exist_ok=True)
        told = [{k: v for k, v in result.items() if k != "versions"} for result in results]
        data = json.dumps(setting | {"results": told}, indent=1)
        (options.output / "kinds.json").write_text(data + "\n")
        (options.output / "kinds.md").write_text(text)
        draw(rows, options.picture)
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print and write; the exit status is 1 where a run failed."""
    options = parse(arguments)
    if options.list:
        for name in options.kinds:
            print(f"{name:24} {KINDS[name].title}")
        return 0
    given = sys.argv[1:] if arguments is None else list(arguments)
    setting: dict[str, Any] = {
        "command": shlex.join(["python", "-m", "benchmarks.kinds", *given]),
        "commit": git_commit(),
        "machine": machine(),
        "pairs": options.pairs,
    }
    pace = Pace()
    results: list[Result] = []
    rows: list[Row] = []
    text = ""
    for name in options.kinds:
        results += run_kind(name, options, pace)
        setting["again"] = pace.again
        rows += rows_of(results, [name])
        print(line(rows[-1]), flush=True)
        text = write(rows, results, setting, options)
    print("\n" + text)
    return int(any("error" in result for result in results))


if __name__ == "__main__":
    sys.exit(main())
