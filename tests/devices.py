"""The device under test, and how to put Brian back to how it is when it is imported.

``BRIAN2GENN_TEST_DEVICE`` names the device under test. It is there to check the tests themselves:
with ``plain``, a `RuntimeDevice` that changes nothing, every comparison with Brian's runtime has to
come out equal, so that what fails with ``genn`` is not the fault of the test.

``BRIAN2GENN_TEST_BACKEND`` names its backend: ``cpu``, ``cuda`` (a GPU), or ``shim``, the CUDA
backend with a driver that executes CUDA programs on the processor; there, set-up code goes the same
way however small the task. With ``shim``, ``BRIAN2GENN_TEST_NVRTC=1`` also has NVRTC compile every
program, in turn for the oldest, a middle and the newest architecture that it knows. ``ptx`` is like
``shim``, but executes what NVRTC makes of CUDA programs; accesses outside of memory and races are
errors there. With all of these, short runs execute time steps in all ways in turn. With ``cpu``,
``BRIAN2GENN_TEST_THREADS=3`` lets three threads share out whatever can be shared out, and
``BRIAN2GENN_TEST_GRAIN=4`` lets processes that MPI has started cut small groups, too. With
``pygenn``, a real GeNN; tests of networks that it refuses are skipped with its reasons.
With ``numpy``, the interpreter of models in ``tests/interpreter`` takes the place of the CPU
backend. ``BRIAN2GENN_TEST_DRIVER`` is set by `tests/cuda_driver`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from brian2 import all_devices, magic_network, second, start_scope
from brian2.devices import RuntimeDevice, device_module, reinit_devices, reset_device

if TYPE_CHECKING:
    from brian2genn.backends.cuda.device.driver import Driver
    from brian2genn.backends.interface import Backend

DEVICE = os.environ.get("BRIAN2GENN_TEST_DEVICE", "genn")
BACKEND = os.environ.get("BRIAN2GENN_TEST_BACKEND", "cpu")
#: With these arguments of ``set_device``, results are the same bit by bit in every run.
REPRODUCIBLE = (
    {"deterministic": True} if BACKEND in ("cuda", "shim", "ptx") and DEVICE == "genn" else {}
)
#: What takes the place of the GPU: the driver of the backends ``shim`` and ``ptx``; for ``cuda``,
#: the GPU itself, so that tests find out what is wrong with one that would not be taken.
shim = None
#: More environment variables, for scripts in other processes that name no backend.
ON_THE_PROCESSOR = {"CUDA_VISIBLE_DEVICES": ""}


def compiled_for() -> list[int]:
    """For which architectures NVRTC compiles programs."""
    if not os.environ.get("BRIAN2GENN_TEST_NVRTC"):
        return []
    from brian2genn.backends.cuda.device.bindings import supported_architectures

    known = supported_architectures()
    return [known[0], known[len(known) // 2], known[-1]]


class PlainDevice(RuntimeDevice):
    """Brian's runtime under another name."""


def register() -> None:
    """Make the device under test known to Brian."""
    if DEVICE == "plain":
        all_devices.setdefault("plain", PlainDevice())
    else:
        import brian2genn
        from brian2genn.backends.choice import Defaults

        name = {"shim": "cuda", "ptx": "cuda", "numpy": "cpu"}.get(BACKEND, BACKEND)
        defaults = Defaults(name)
        if BACKEND == "numpy":
            from tests.interpreter.backend import InterpreterBackend

            defaults = Defaults(name, InterpreterBackend)
        if os.environ.get("BRIAN2GENN_TEST_DRIVER"):
            from tests.cuda_driver import images

            images.install()
        global shim
        if BACKEND == "cuda":
            from brian2genn.backends.cuda.device.choice import find_driver
            from brian2genn.backends.cuda.device.driver import CudaUnavailable

            with suppress(CudaUnavailable):
                shim = find_driver()
                # tests are short: all ways to execute time steps have their turn
                shim.rules = replace(shim.rules, steps=3)
        if BACKEND in ("shim", "ptx"):
            from emulation.ptx.driver import PtxDriver
            from tests.cuda_shim.driver import ShimDriver

            defaults = Defaults(name, setup_from=0)  # tests are small
            if BACKEND == "ptx":
                shim = PtxDriver(watch=True)
            else:
                shim = ShimDriver(architectures=compiled_for(), in_turn=True)
        brian2genn.genn_device.defaults = defaults
        use(shim)
        share_out(int(os.environ.get("BRIAN2GENN_TEST_THREADS", "0")))
        cut_finely(int(os.environ.get("BRIAN2GENN_TEST_GRAIN", "0")))


def set_defaults(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    """Change what the device does where a script does not say, within a test."""
    from brian2genn import genn_device

    monkeypatch.setattr(genn_device, "defaults", replace(genn_device.defaults, **changes))


def set_execution(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    """Change how time steps are executed on a GPU (see `Execution`), within a test."""
    from brian2genn import genn_device
    from brian2genn.backends.cuda.run.options import Execution

    usual = genn_device.defaults.execution or Execution()
    set_defaults(monkeypatch, execution=replace(usual, **changes))


def use(driver: Driver | None, *, trusted: bool = True) -> None:
    """Have a driver take the GPU's place from now on; None for the GPU itself.

    Parameters
    ----------
    driver : Driver or None
    trusted : bool, optional
        Whether it need not show that it computes right, as a GPU has to.
    """
    from brian2genn import genn_device

    trusted = trusted and driver is not None
    genn_device.defaults = replace(genn_device.defaults, driver=driver, trusted=trusted)


def processor(
    threads: int | None = None, **options: Any
) -> Callable[[Callable[[], int | None]], Backend]:
    """What makes the processor's backend, with `Options` of it.

    With so many threads, where a script asks for no number of them.
    """
    from brian2genn.backends.cpu.backend import CpuBackend
    from brian2genn.backends.cpu.options import Options

    def make(asked: Callable[[], int | None]) -> Backend:
        def or_else() -> int | None:
            wanted = asked()
            return threads if wanted is None else wanted

        return CpuBackend(or_else, Options(**options))

    return make


def cut_finely(grain: int) -> None:
    """Let several processes cut groups anywhere, as tests have small ones; 0: as ever."""
    from brian2genn.runtime.ranks import world

    if grain:
        world.GRAIN = grain


def share_out(threads: int) -> None:
    """Let so many threads share out all work, however little; 0 leaves it as it is."""
    from brian2genn import genn_device

    if threads:
        # runs of tests are short: memory is fitted to them all the same
        made = processor(threads, share_always=True, fitted_from=0)
        genn_device.defaults = replace(genn_device.defaults, processor=made)


def reset() -> None:
    """Put devices, preferences and scope back, whatever a test has left.

    The magic network forgets its time and what was stored in it by name, and each device's default
    clock begins anew.
    """
    reinit_devices()
    for device in all_devices.values():
        if isinstance(device, RuntimeDevice) and device.defaultclock is not None:
            device.defaultclock.set_interval(0 * second, 0 * second)
    device_module.previous_devices.clear()
    reset_device("runtime")
    start_scope()
    magic_network.t_ = 0.0
    magic_network.schedule = None
    magic_network.objects.clear()
    magic_network._stored_state.clear()


def skip_refused(error: BaseException) -> None:
    """Skip the present test if its network was refused by the backend under test."""
    from brian2genn.backends.refusal import RefusedNetwork
    from brian2genn.runtime.ranks.running import RefusedOnSeveralRanks

    chain = error
    while chain is not None:
        if isinstance(chain, RefusedNetwork) and BACKEND == "pygenn":
            reasons = "; ".join(str(refusal) for refusal in chain.refusals)
            pytest.skip(f"refused by GeNN: {reasons}")
        if isinstance(chain, RefusedOnSeveralRanks):
            pytest.skip(f"refused: {'; '.join(map(str, chain.refusals))}")
        chain = chain.__cause__
