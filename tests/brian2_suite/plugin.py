"""A pytest plugin that runs Brian's own tests under the device, in every process.

Brian's conftest calls `set_device` before each test with what it finds in the configuration; this
plugin puts the device's name there, in pytest's main process and in pytest-xdist's workers. It
also leaves out the tests of `deselected.txt` and counts what became of the others.
"""

from collections import Counter
from pathlib import Path

import pytest

from tests import devices

devices.register()

DESELECTED = Path(__file__).with_name("deselected.txt")

#: What can become of a test.
KINDS = ("passed", "failed", "error", "skipped")

#: What became of the tests, one counter a session, in pytest's main process.
sessions: list[Counter] = []

#: With which code each session ended.
exit_codes: list[int] = []

#: Why tests were skipped and which ones failed, over all sessions.
skipped: list[str] = []
failed: list[str] = []


def deselected() -> dict[str, str]:
    """The tests that are left out, as file::name, and why."""
    lines = (line.strip() for line in DESELECTED.read_text().splitlines())
    pairs = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return {name: reason.strip() for name, _, reason in pairs}


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Name the device where Brian's conftest looks for it."""
    if hasattr(config, "workerinput"):
        config.workerinput["device"] = devices.DEVICE
    else:
        config.device = devices.DEVICE


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of the list."""
    names = deselected()
    left_out = [item for item in items if item.nodeid.rpartition("/")[2].split("[")[0] in names]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter, exitstatus: int) -> None:
    """Keep the numbers for the summary at the end of all sessions."""
    exit_codes.append(int(exitstatus))
    stats = terminalreporter.stats
    sessions.append(Counter({kind: len(stats.get(kind, [])) for kind in KINDS}))
    for report in stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        skipped.append(f"{report.nodeid}: {reason}")
    failed.extend(report.nodeid for kind in ("failed", "error") for report in stats.get(kind, []))
