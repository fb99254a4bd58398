"""What every test needs: a compile cache of its own, and a Brian without a past."""

import gc
import os
import shutil
import signal
import tempfile
from pathlib import Path

os.environ["MPLBACKEND"] = "Agg"

# Shells start what runs in the background with Ctrl-C ignored. Brian, when it is imported, takes
# what is there for a function.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest

CACHE = "BRIAN2GENN_CACHE_DIR"

#: Flags for the programs of tests about what networks do, not about how they are compiled: of the
#: time that the compiler takes as users have it, ``-O1`` needs a half and ``-O0`` a fifth. `make
#: test` sets them; `make test-slow` runs the same tests without.
FLAGS = os.environ.get("BRIAN2GENN_TEST_SEMANTICS_CFLAGS", "")

#: Where these tests are.
OF_SEMANTICS = tuple(
    f"tests/{room}"
    for room in (
        "semantics/", "frontend/", "runtime/", "backends/cpu/", "codegen/c/test_alike.py",
        "codegen/test_long_code.py",
    )
)  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Give the session an empty compile cache, which pytest-xdist's workers inherit."""
    if CACHE not in os.environ:
        os.environ[CACHE] = tempfile.mkdtemp(prefix="brian2genn-tests-")
        config.add_cleanup(_remove_cache)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is not in the sample of `make test`, and what runs on a GPU.

    The latter are the tests marked ``gpu`` and, with ``BRIAN2GENN_TEST_BACKEND=cuda``, all of the
    tests that ask for no backend of their own. Where there is no GPU, they are skipped, with the
    reason.
    """
    from tests import devices
    from tests.samples import left_out

    for item in left_out(items):
        item.add_marker(pytest.mark.slow)

    if devices.BACKEND == "cuda":
        for item in items:
            if item.nodeid.startswith("tests/semantics"):
                item.add_marker(pytest.mark.gpu)
    on_gpu = [item for item in items if item.get_closest_marker("gpu")]
    if on_gpu and (missing := _missing_for_a_gpu()):
        for item in on_gpu:
            item.add_marker(pytest.mark.skip(reason=f"needs a GPU: {missing}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what NVRTC made of all programs of these tests, if it had to compile them."""
    from tests.cuda_shim.resources import told_resources

    if lines := told_resources():
        terminalreporter.section("NVRTC")
        for line in lines:
            terminalreporter.write_line(line)


def _missing_for_a_gpu() -> str:
    """Why no GPU can be used; empty if one can."""
    from brian2genn.backends.cuda.device.driver import CudaUnavailable
    from brian2genn.backends.cuda.device.nvidia import NvidiaDriver

    try:
        NvidiaDriver().wait_until_open()
    except CudaUnavailable as missing:
        return str(missing)
    return ""


def _remove_cache() -> None:
    shutil.rmtree(os.environ.pop(CACHE), ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _brian():
    """Register the device and choose Brian's NumPy target for what Brian itself runs.

    With the default target Brian would spend minutes compiling Cython.
    """
    from brian2 import prefs

    from tests import devices

    devices.register()
    prefs.codegen.target = "numpy"
    prefs._backup()
    gc.collect()


@pytest.fixture(autouse=True)
def _flags(request: pytest.FixtureRequest):
    """Compile tests of semantics with flags of their own."""
    from brian2genn.backends.host import toolchain

    wanted = FLAGS if request.node.nodeid.startswith(OF_SEMANTICS) else ""
    if FLAGS and os.environ.get(toolchain.FLAGS_VARIABLE, "") != wanted:
        os.environ[toolchain.FLAGS_VARIABLE] = wanted
        toolchain.find.cache_clear()


@pytest.fixture(autouse=True)
def _same_test(request: pytest.FixtureRequest):
    """Let processes that MPI has started begin each test together, whatever was before."""
    from tests import together

    together.begin(request.node.nodeid)


@pytest.fixture
def tmp_path(tmp_path: Path) -> Path:
    """The same folder for all processes of MPI."""
    from tests import together

    return Path(together.same(str(tmp_path)))


@pytest.fixture(autouse=True)
def _no_past(_brian, _same_test):
    """Reset devices, preferences, the default clock and the scope after each test.

    Brian collects garbage in each run and each reset. What is still there before a test (modules,
    the caches of Brian and SymPy) is kept out of that: it makes a test five times faster.
    """
    from brian2genn import genn_device
    from tests import devices

    gc.freeze()
    defaults = genn_device.defaults
    yield
    devices.reset()
    genn_device.defaults = defaults


@pytest.fixture
def device() -> str:
    """The name of the device under test."""
    from tests import devices

    return devices.DEVICE


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Skip a test whose network the backend under test refuses, with its reasons."""
    from tests import devices

    try:
        return (yield)
    except Exception as error:
        if not item.nodeid.startswith("tests/backends/pygenn/"):
            devices.skip_refused(error)
        raise
