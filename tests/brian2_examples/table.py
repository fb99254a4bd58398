"""The table that tells how Brian's examples do."""

import os
import platform
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

ORDER = ("differs", "fails", "agrees", "not run")

INTRODUCTION = """\
# Brian's own examples under the device

The example scripts of Brian {version}'s source distribution, each run under Brian's runtime (NumPy
target) and under `genn`, by `make test-examples`. A script's text is changed only by the two lines
that choose the device; one that chooses `cpp_standalone` names the device instead. After each run
of a network, all that its monitors have recorded and all that its groups and synapses hold is
compared (where a script runs no network, what its groups hold at the end; where it hands its work
to other processes, the numbers that it gets back):

- *exactly*: shapes, integers and the number of events are equal, and floats are equal within 1e-8
  of the largest magnitude of the variable (the largest difference is in parentheses). Where Brian's
  own targets differ, by code whose result depends on an order, this is said of its Cython code;
- *as rounding allows*: differences are no more than {factor} times those that appear in Brian's
  runtime itself when the last place of its state variables varies. Where that is enough to add or
  move spikes, the run is compared as a random one;
- *statistically*: the script gives something else for another seed. Size, mean, spread and
  quantiles of every variable are compared over several seeds by Student's t, with a chance of one
  in a thousand for a script that all its statistics together raise a false alarm. "5 % would be
  noticed": half of its statistics would have been found to differ, had they been that far off.

Times are the sum of `device._last_run_time`, on a shared machine with {cores} cores
({machine}) that did other work meanwhile: they give an idea, they are no measurements. *Cut* says
which part of each run was simulated, with both, where the whole takes too long in Brian's runtime.
A script that ends in an error under Brian's runtime as well, after it has run its networks, is
compared by what it ran; the error is given.

"""


def git_commit() -> str:
    """The commit that is checked out, marked where files of the package were changed since."""

    def git(*command: str) -> str:
        done = subprocess.run(
            ["git", *command],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip()

    root = git("rev-parse", "--show-toplevel")
    changed = git("status", "--porcelain", "--", f"{root}/src")
    return git("rev-parse", "--short=12", "HEAD") + ("-dirty" if changed else "")


def table(rows: dict[str, dict[str, Any]], version: str) -> str:
    """All results as a page in Markdown."""
    from tests.brian2_examples.run import ROUNDING_FACTOR

    machine = f"{platform.system()}, {platform.machine()}"
    lines = [
        INTRODUCTION.format(
            version=version, factor=ROUNDING_FACTOR, cores=os.cpu_count(), machine=machine
        ).rstrip("\n"),
        "",
        summary(rows),
        "",
        "| script | agrees | how | Brian, s | genn, s | cut | run by Brian |",
        "|---|---|---|---|---|---|---|",
    ]
    shown = sorted(rows.items(), key=lambda item: ORDER.index(item[1]["status"]))
    lines += [line(name, row) for name, row in shown if row["status"] != "not run"]
    lines += ["", "Not run, and why:", "", "| script | reason |", "|---|---|"]
    lines += [f"| {name} | {row['how']} |" for name, row in shown if row["status"] == "not run"]
    return "\n".join(lines) + "\n"


def summary(rows: dict[str, dict[str, Any]]) -> str:
    """The numbers, in words."""
    status = Counter(row["status"] for row in rows.values())
    ways = Counter(row["how"].split(" (")[0] for row in rows.values() if row["status"] == "agrees")
    objects: Counter[str] = sum((Counter(r.get("objects") or {}) for r in rows.values()), Counter())
    commits = sorted({row["commit"] for row in rows.values() if "commit" in row})
    working = objects["compiled"] + objects["Brian"]
    share = 100 * objects["Brian"] / working if working else 0.0
    parts = ", ".join(f"{count} {way}" for way, count in ways.most_common())
    return (
        f"Of {len(rows)} scripts {status['agrees']} agree ({parts}), {status['differs']} differ, "
        f"{status['fails']} fail, and {status['not run']} were not run. Of {working} objects that "
        f"have something to do in a time step, Brian ran {objects['Brian']} ({share:.1f} %). "
        f"Source: commit {', '.join(commits)}."
    )


def line(name: str, row: dict[str, Any]) -> str:
    """A row of the table."""
    how = row["how"]
    if row.get("error"):
        how += f"; ends in {row['error']} with both" if row["status"] == "agrees" else ""
    by_brian = "; ".join(f"{kind} ({reason})" for kind, reason in row.get("by_brian") or ())
    cut = "" if row["scale"] == 1 else f"{100 * row['scale']:g} %"
    cells = [
        name,
        "yes" if row["status"] == "agrees" else f"**{row['status']}**",
        how.replace("|", "\\|").replace("\n", " "),
        _seconds(row.get("runtime")),
        _seconds(row.get("ours")),
        cut,
        by_brian.replace("|", "\\|"),
    ]
    return "| " + " | ".join(cells) + " |"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
