"""The small network that shows whether a GPU computes what the processor computes."""

import gc
import json
import re
import threading
from dataclasses import replace

import numpy as np
import pytest
from brian2 import defaultclock, magic_network
from brian2.core.names import find_name

from brian2genn.backends.cuda.device.driver import CudaError, Meeting
from brian2genn.backends.cuda.run import stepping
from brian2genn.backends.host import toolchain
from brian2genn.backends.host.structures import support
from brian2genn.backends.trial import verdict as trial
from brian2genn.backends.trial.attempt import Attempt, TrialError
from brian2genn.backends.trial.comparison import differences
from brian2genn.backends.trial.verdict import verdict
from brian2genn.model import expr
from tests.cuda_shim.driver import ShimDriver
from tests.cuda_shim.faults import FAULTS, FailingDriver, FaultyDriver, WrongDriver
from tests.faults.processes import in_fork

pytestmark = pytest.mark.usefixtures("folder")


def kept(folder) -> list:
    return sorted(folder.glob("gpu-*.json"))


# -- the trial ---------------------------------------------------------------------


def test_a_device_that_computes_right():
    driver = FaultyDriver()
    assert verdict(driver).differences == ()
    assert driver.changed == set(FAULTS)


def test_time_steps_are_executed_in_all_ways(monkeypatch):
    """What is not tried here would be tried by a user's network, later, if it is fast."""
    driver = FaultyDriver()
    # several steps at once, also where it is slow
    driver.rules = replace(driver.rules, patience=60.0)
    plans = set()
    go_over = stepping.Stepper._set
    monkeypatch.setattr(
        stepping.Stepper, "_set", lambda self, plan: (plans.add(plan), go_over(self, plan))
    )
    graphs, last = set(), []
    together = {Meeting.MEMORY: set(), Meeting.CLUSTER: set()}
    launch = driver.launch

    def watched(several):
        sizes = [one.blocks for one in several]
        if several[0].meeting in together or len(sizes) > 1:
            last[:] = [several[0].meeting]
        if several[0].meeting in together:
            together[several[0].meeting].update((one.blocks, one.threads) for one in several)
        elif len(sizes) > 2:
            graphs.add((len(sizes), *sizes[:3]))
        launch(several)

    driver.launch = watched
    assert verdict(driver).differences == ()
    assert together[Meeting.MEMORY]
    ways = {(plan.meeting, plan.owned, plan.told) for plan in plans if plan.together}
    assert ways == {
        (Meeting.MEMORY, False, False), (Meeting.MEMORY, True, False),
        (Meeting.CLUSTER, False, False), (Meeting.CLUSTER, True, False),
        (Meeting.CLUSTER, True, True),
    }  # fmt: skip
    assert len({threads for _, threads in together[Meeting.CLUSTER]}) == 2
    lengths, *blocks = zip(*graphs, strict=True)
    assert len(set(lengths)) > 1, "graphs of several time steps"
    # how spikes are delivered is varied in the way that was the fastest
    several = {
        Meeting.NOWHERE: max(len(set(numbers)) for numbers in blocks) > 2,
        Meeting.MEMORY: len(together[Meeting.MEMORY]) > 1,
        Meeting.CLUSTER: True,  # a cluster has all of its blocks anyway
    }
    assert several[last[0]]


# a quarter of them with every change, the others in `make test-slow`
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, marks=[pytest.mark.slow] if number % 4 else [])
        for number, fault in enumerate(FAULTS)
    ],
)
def test_every_fault_is_found(fault):
    assert verdict(FaultyDriver(fault)).differences


class SwapsKernels(WrongDriver):
    """The first two kernels of a graph in the wrong order."""

    def graph(self, launches):
        first, second, *others = super().graph(launches)
        return [second, first, *others]


class LosesUploads(WrongDriver):
    """What the host changes between two runs does not arrive."""

    def upload(self, address, array):
        if array.nbytes != 8 * 419 or not np.any(array) or self.counts["replays"] == 0:
            super().upload(address, array)


class OldConstants(WrongDriver):
    def copy(self, target, source, nbytes):
        self.fill(target, 0, nbytes)


@pytest.mark.parametrize("driver", [SwapsKernels, LosesUploads, OldConstants])
def test_faults_of_drivers_are_found(driver):
    assert verdict(driver()).differences


def test_what_the_processor_needs_is_compiled_beforehand(monkeypatch):
    """And nothing else: a program that is compiled under another name is one more to wait for."""
    asked = {True: set(), False: set()}
    compile_library = toolchain.compile_library

    def watched(chain, text, *arguments):
        ahead = threading.current_thread() is not threading.main_thread()
        asked[ahead].add((chain.identity, text))
        return compile_library(chain, text, *arguments)

    monkeypatch.setattr(toolchain, "compile_library", watched)
    support()  # every script has it compiled
    asked[False].clear()
    attempt = Attempt(ShimDriver(), ShimDriver().rules)
    assert not asked[False]
    assert attempt.differences(60.0) == []
    assert asked[False]
    assert asked[False] == asked[True]


def test_what_the_gpu_needs_is_compiled_beforehand():
    driver = ShimDriver()
    begun, built = [], []
    build = driver.build
    driver.compile_ahead = lambda text, *, exact=False: begun.append((text, exact))
    driver.build = lambda text, *, exact=False: (
        built.append((text, exact)), build(text, exact=exact)
    )[1]  # fmt: skip
    attempt = Attempt(driver, driver.rules)
    assert not built
    assert attempt.differences(60.0) == []
    assert set(built) <= set(begun)
    assert len(set(built)) == 4


def test_differences_say_what_where_and_how_much():
    found = verdict(FaultyDriver("additions to integers are lost"))
    assert re.match(
        r"'reached' has \d+ wrong values of 419, the first at \[\d+\]: \d", found.told()
    )
    found = verdict(FaultyDriver("additions are lost"))
    assert re.search(r"; and \d+ more$", found.told())


@pytest.mark.parametrize(
    ("found", "exact", "expected"),
    [
        ({"x": np.array([1.0, np.nan, 0.0])}, False, []),
        ({"x": np.array([1 + 1e-12, np.nan, 1e-14])}, False, []),
        (
            {"x": np.array([1 + 1e-12, np.nan, 0.0])},
            True,
            ["'x' has 1 wrong values of 3, the first at [0]: 1.000000000001 instead of 1.0"],
        ),
        (
            {"x": np.array([1.0, 0.0, np.nan])},
            False,
            ["'x' has 2 wrong values of 3, the first at [1]: 0.0 instead of nan"],
        ),
        ({}, False, ["'x' was not computed"]),
        ({"x": np.zeros(2)}, False, ["'x' has the shape (2,) instead of (3,)"]),
        ({"x": np.zeros(3, int)}, False, ["'x' is of type int64 instead of float64"]),
    ],
)
def test_comparisons(found, exact, expected):
    assert differences({"x": np.array([1.0, np.nan, 0.0])}, found, exact=exact) == expected


def test_nothing_of_a_script_is_touched(folder):
    gc.collect()
    name = find_name("neurongroup*")
    before = np.random.get_state()[1].copy(), defaultclock.t, len(magic_network.objects)
    expressions = len(expr._interned)
    driver = ShimDriver()
    assert verdict(driver).is_right
    assert np.array_equal(np.random.get_state()[1], before[0])
    assert (defaultclock.t, len(magic_network.objects)) == before[1:]
    assert len(expr._interned) == expressions
    assert not driver._memory
    assert find_name("neurongroup*") == name


# -- what is remembered ----------------------------------------------------------------


@pytest.fixture
def trials(monkeypatch):
    """How often the trial was made; it is only said to have been."""
    made = []

    class Said:
        failure = None

        def __init__(self, driver, rules):
            made.append(driver)

        def differences(self, patience):
            return ["'v' differs"] if isinstance(made[-1], FaultyDriver) else []

    monkeypatch.setattr(trial, "Attempt", Said)
    return made


@pytest.mark.parametrize("driver", [ShimDriver, FaultyDriver])
def test_a_verdict_is_remembered(folder, trials, driver):
    first = verdict(driver())
    assert kept(folder) == [first.path]
    assert first.is_right == (driver is ShimDriver)
    assert verdict(driver()) == first
    assert len(trials) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: text.replace("differences", "deferences"),
        lambda text: json.dumps(json.loads(text) | {"differences": None}),
        lambda text: json.dumps(json.loads(text) | {"gpu": "another"}),
        lambda text: "\0\xff" * 30,
    ],
)
def test_what_cannot_be_read_is_found_out_again(trials, damage):
    path = verdict(ShimDriver()).path
    good = path.read_text()
    path.write_text(damage(good))
    assert verdict(ShimDriver()).is_right
    assert len(trials) == 2
    assert json.loads(path.read_text())["differences"] == json.loads(good)["differences"]


def test_another_gpu_driver_or_version_is_tried_anew(folder, trials, monkeypatch):
    verdict(ShimDriver())
    other = ShimDriver()
    other.identity = "another card"
    verdict(other)
    monkeypatch.setattr(trial, "driver_version", lambda: "999.1")
    verdict(ShimDriver())
    monkeypatch.setattr(trial, "_package_digest", lambda: "changed")
    verdict(ShimDriver())
    assert len(kept(folder)) == len(trials) == 4


def test_two_processes_at_once(folder):
    one, other = in_fork(*2 * [lambda: verdict(ShimDriver())])
    assert one == other
    assert kept(folder) == [one.path]
    assert list(folder.glob("*.tmp")) == []


def test_a_folder_that_cannot_be_written(folder, trials, monkeypatch):
    (folder / "file").write_text("")
    monkeypatch.setattr(trial, "cache_directory", lambda: folder / "file" / "cache")
    assert verdict(ShimDriver()).is_right


# -- devices that do not come to an end -------------------------------------------------


class Hangs(ShimDriver):
    def __init__(self):
        super().__init__()
        self.go_on = threading.Event()

    def replay(self, graph):
        self.go_on.wait(30)
        raise CudaError("ended")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (CudaError("kernel stage_0: an illegal address"), "an illegal address"),
        (AttributeError("no attribute 'cuLaunch'"), "AttributeError: no attribute 'cuLaunch'"),
    ],
)
def test_a_driver_that_fails(folder, error, text):
    driver = FailingDriver()
    driver.error = error
    with pytest.raises(TrialError, match=text):
        verdict(driver)
    assert not kept(folder)  # perhaps it does next time


def test_a_driver_without_memory(folder):
    driver = ShimDriver()
    driver.total_memory = 1 << 18
    with pytest.raises(TrialError, match=r"no memory left \([\d,]+ of [\d,]+ MiB are free\)"):
        verdict(driver)
    assert not kept(folder)


def test_a_device_that_never_ends(folder):
    driver = Hangs()
    try:
        with pytest.raises(TrialError, match=r"had not finished .* after 0.2 s"):
            verdict(driver, patience=0.2)
    finally:
        driver.go_on.set()
    assert not kept(folder)
