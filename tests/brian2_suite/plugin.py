"""A pytest plugin that runs Brian's own tests under the device, in every process.

Brian's conftest calls `set_device` before each test with what it finds in the configuration; this
plugin puts the device's name there, in pytest's main process and in pytest-xdist's workers. It
also leaves out the tests of `deselected.txt`, counts what became of the others, and counts the
objects and pieces of set-up code that they ran: how many were compiled, how many Brian had to
run, and why.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from brian2 import all_devices

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

#: Where objects ran, as (where, reason), over all sessions; an object counts once a test.
placements: Counter[tuple[str, str]] = Counter()
#: The same for set-up code; a piece counts once a test and object.
setup_placements: Counter[tuple[str, str]] = Counter()
COUNTERS = {"placements": placements, "setup_placements": setup_placements}

#: Where the objects of the present test ran: (network, object, kind, where, reason).
_of_this_test: set[tuple[str, str, str, str, str]] = set()
#: Where set-up code of the present test ran: (object, code, where, reason).
_setup_of_this_test: set[tuple[str, str, str, str]] = set()

#: The scripts that Brian's tests run in another process, by the name of the module's variable.
SCRIPTS = ("_RESTORE_RANDOM_STATE_SCRIPT",)

#: Names in reasons, which differ from test to test.
_NAMES = re.compile(r"'[^']*'")


def deselected() -> dict[str, str]:
    """The tests that are left out, as file::name, and why."""
    lines = (line.strip() for line in DESELECTED.read_text().splitlines())
    pairs = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return {name: reason.strip() for name, _, reason in pairs}


def _watch(device: Any) -> None:
    """Note what the device says about the networks and the set-up code that it runs."""
    # under the plain device there is nothing to note
    from brian2genn.frontend.network import BY_BRIAN, COMPILED
    from brian2genn.runtime.messages.explain import SetupLog

    remember, add = device.log.remember, SetupLog.add

    def note(net: Any, found: Sequence[Any], *others: Any) -> None:
        _of_this_test.update((net.name, p.name, p.kind, p.where, p.reason) for p in found)
        remember(net, found, *others)

    def note_setup(log: SetupLog, code: Any, reason: str | None, elsewhere: bool = False) -> None:
        where = COMPILED if reason is None else BY_BRIAN
        _setup_of_this_test.add((code.owner.name, code.describe(), where, reason or ""))
        add(log, code, reason, elsewhere)

    device.log.remember = note
    SetupLog.add = note_setup  # type: ignore[method-assign]


if devices.DEVICE == "genn":
    _watch(all_devices[devices.DEVICE])


def _add_device(module: Any) -> None:
    """Add the device to what a module's tests run in another process."""
    lines = (
        "from tests import devices\n"
        "devices.register()\n"
        "from brian2 import set_device\n"
        f"set_device({devices.DEVICE!r})\n"
    )
    for name in SCRIPTS:
        script = getattr(module, name, lines)
        if not script.startswith(lines):
            setattr(module, name, lines + script)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Brian's own function `test` can include long tests, but not run them alone."""
    parser.addoption("--only-long", action="store_true", help="only tests that Brian calls long")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Name the device where Brian's conftest looks for it."""
    if hasattr(config, "workerinput"):
        config.workerinput["device"] = devices.DEVICE
    else:
        config.device = devices.DEVICE


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of the list, and those that are not asked for."""
    names = deselected()
    only_long = config.getoption("--only-long")
    left_out = [
        item
        for item in items
        if item.nodeid.rpartition("/")[2].split("[")[0] in names
        or (only_long and item.get_closest_marker("long") is None)
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    for module in {item.module for item in items if isinstance(item, pytest.Function)}:
        _add_device(module)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Any:
    """Skip a test whose network the backend under test refuses, with its reasons."""
    try:
        return (yield)
    except Exception as error:
        devices.skip_refused(error)
        raise


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Add up where the objects of the test ran."""
    placements.update((where, _NAMES.sub("'…'", reason)) for *_, where, reason in _of_this_test)
    _of_this_test.clear()
    setup_placements.update(
        (where, _NAMES.sub("'…'", reason)) for *_, where, reason in _setup_of_this_test
    )
    _setup_of_this_test.clear()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send what a worker of pytest-xdist has counted to the main process."""
    if hasattr(session.config, "workeroutput"):
        for name, counter in COUNTERS.items():
            session.config.workeroutput[name] = [[*key, count] for key, count in counter.items()]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Receive what a worker of pytest-xdist has counted."""
    for name, counter in COUNTERS.items():
        for where, reason, count in getattr(node, "workeroutput", {}).get(name, []):
            counter[where, reason] += count


def pytest_terminal_summary(terminalreporter, exitstatus: int) -> None:
    """Keep the numbers for the summary at the end of all sessions."""
    exit_codes.append(int(exitstatus))
    stats = terminalreporter.stats
    sessions.append(Counter({kind: len(stats.get(kind, [])) for kind in KINDS}))
    for report in stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        skipped.append(f"{report.nodeid}: {reason}")
    failed.extend(report.nodeid for kind in ("failed", "error") for report in stats.get(kind, []))
