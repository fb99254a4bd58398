"""A device that executes CUDA programs on the processor, for these tests."""

import shutil
from dataclasses import replace

import pytest

import brian2genn
from brian2genn.backends.cuda.device.bindings import nvrtc_version
from brian2genn.backends.cuda.device.driver import CudaUnavailable
from brian2genn.backends.cuda.run import options
from brian2genn.backends.cuda.run.autotuning import LaunchPlan
from brian2genn.backends.trial import verdict
from emulation.driver import EmulatedDriver
from emulation.ptx.driver import PtxDriver
from tests import devices
from tests.cuda_shim.driver import ShimDriver


@pytest.fixture
def shim():
    """The driver; ``set_device("genn", backend="cuda")`` takes it."""
    driver = ShimDriver()
    devices.use(driver)
    yield driver
    devices.reset()
    devices.use(devices.shim)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where it is kept which devices compute right; nothing is known of any.

    Launches are of several time steps, however slow the machine: some faults are between them.
    """
    monkeypatch.setattr(verdict, "cache_directory", lambda: tmp_path)
    patient = replace(EmulatedDriver.rules, patience=1000.0)
    monkeypatch.setattr(EmulatedDriver, "rules", patient)
    return tmp_path


@pytest.fixture
def gpu(folder, monkeypatch):
    """Have a driver taken for the GPU of this machine, of which nothing is known."""
    devices.set_defaults(monkeypatch, backend="auto")

    def be(driver):
        devices.use(driver, trusted=False)
        return driver

    yield be
    brian2genn.genn_device.build_options = {}  # what may have been refused
    devices.reset()
    devices.use(devices.shim)


def _no_nvrtc() -> bool:
    try:
        nvrtc_version()
    except CudaUnavailable:
        return True
    return shutil.which("g++") is None


#: What NVRTC makes of programs, executed: `make test` has a sample of `tests/cuda_ptx` only.
PTX = pytest.param(
    "ptx",
    marks=[pytest.mark.skipif(_no_nvrtc(), reason="there is no NVRTC"), pytest.mark.slow],
)


@pytest.fixture
def made(monkeypatch):
    """The programs that are built, for the device that is set then."""
    programs = []
    devices.set_execution(monkeypatch, on_program=lambda network, one: programs.append(one))
    return programs


@pytest.fixture(params=["shim", PTX])
def driver(request):
    """What executes CUDA programs here; races are errors for the second one."""
    one = PtxDriver(watch=True) if request.param == "ptx" else ShimDriver()
    one.most_blocks_together, one.largest_cluster = 100, 16
    devices.use(one)
    yield one
    devices.reset()
    devices.use(devices.shim)


@pytest.fixture
def only(monkeypatch):
    """Make one way the only one, for the device that is set then."""

    def choose(plan: LaunchPlan) -> None:
        devices.set_execution(monkeypatch, candidates=options.only(plan))

    return choose
