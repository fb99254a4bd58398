"""Run the parts of the report and write it after each of them."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.gpu_report import picture, text
from benchmarks.gpu_report.jobs import Job, Result, run_lanes
from benchmarks.gpu_report.parts import PARTS, Setting, cores, cuda_toolkit
from benchmarks.run import ROOT, git_commit

Report = dict[str, Any]

#: While peers compile, the largest network is made; all wait for the GPU. Nothing that measures
#: runs beside compute-sanitizer.
_USUAL = "card,tests+sanitizer,peers+whole,networks,large,processor,scaling"


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of the command line."""
    names = [part.name for part in PARTS]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu_report",
        description="Check and measure a GPU with this package, and write a report.",
    )
    parser.add_argument("--parts", default=_USUAL, metavar="A,B+C",
                        help=f"of {', '.join(names)}; B and C at once ({_USUAL})")  # fmt: skip
    parser.add_argument("--prebuilt", type=Path, metavar="FOLDER",
                        help="of peers' programs, for the part versus")  # fmt: skip
    parser.add_argument("--seconds", type=float, default=480.0, help="for all parts (480)")
    parser.add_argument("--only", default="", metavar="REGEX", help="jobs whose names match it")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that all runs")
    parser.add_argument("--commit", default="", help="to be told where there is no repository")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks/results/gpu",
                        help="the folder (benchmarks/results/gpu)")  # fmt: skip
    options = parser.parse_args(arguments)
    options.parts = [together.split("+") for together in options.parts.split(",")]
    unknown = [name for together in options.parts for name in together if name not in names]
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(names)}")
    return options


def write(report: Report, folder: Path) -> None:
    """Write what there is so far: report.json and report.md."""
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    (folder / "report.md").write_text(text.report(report))


def _without_output(arguments: Sequence[str]) -> list[str]:
    """The arguments but for where files are, which is nobody's business."""
    kept = list(arguments)
    for name, instead in (("--output", []), ("--prebuilt", ["--prebuilt", "FOLDER"])):
        if name in kept:
            place = kept.index(name)
            kept[place : place + 2] = instead
    return kept


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts; the exit status is 1 if something failed."""
    options = parse(arguments)
    given = sys.argv[1:] if arguments is None else list(arguments)
    report: Report = {
        "command": shlex.join(["python", "-m", "benchmarks.gpu_report", *_without_output(given)]),
        "commit": options.commit or git_commit(),
        "began": time.strftime("%Y-%m-%d %H:%M:%S"),
        "parts": [],
    }
    options.output.mkdir(parents=True, exist_ok=True)
    end = time.perf_counter() + options.seconds

    def is_wanted(job: Job) -> bool:
        return re.search(options.only, job.name) is not None

    with tempfile.TemporaryDirectory(prefix="gpu_report_") as scratch:
        setting = Setting(
            options.output, Path(scratch), cores(), options.quick, options.commit, cuda_toolkit(),
            options.prebuilt,
        )  # fmt: skip
        known = {part.name: part for part in PARTS}
        for together in options.parts:
            parts = [known[name] for name in together]
            title = " · ".join(part.title for part in parts)
            began = time.perf_counter()
            rest = min(max(part.limit for part in parts), end - began)
            print(f"{title}:", flush=True)
            lanes = [
                lane
                for part in parts
                for lane in part.chosen(
                    setting, lambda job: bool(re.search(options.only, job.name))
                )
            ]
            here: Report = {
                "name": "+".join(together), "title": title, "seconds": 0.0, "jobs": []
            }  # fmt: skip
            report["parts"].append(here)

            def note(result: Result, here: Report = here, began: float = began) -> None:
                here["jobs"].append(result)
                here["seconds"] = round(time.perf_counter() - began, 1)
                write(report, options.output)

            run_lanes(lanes, rest, options.output, note)
            picture.draw(report, options.output / "report.png")
    print(f"\n{options.output / 'report.md'}")
    failed = [job for part in report["parts"] for job in part["jobs"] if job["outcome"] == "failed"]
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
