"""Which backend is taken, and what is said if it cannot be had."""

import logging
import shutil

import pytest
from brian2 import BrianLogger, Network, NeuronGroup, ms, run, set_device
from brian2.utils.logger import catch_logs

import brian2genn
from brian2genn.backends import choice, install
from brian2genn.backends.cpu.backend import CpuBackend
from brian2genn.backends.cuda.device import choice as cuda_choice
from brian2genn.backends.cuda.device import presence
from brian2genn.backends.cuda.device.driver import CudaUnavailable
from tests import devices
from tests.faults.processes import run_script


@pytest.fixture(autouse=True)
def _another_device_afterwards():
    yield
    brian2genn.genn_device.build_options = {}
    set_device("runtime")


@pytest.fixture
def no_gpu(monkeypatch):
    def missing(instead=None):
        raise CudaUnavailable("There is no NVIDIA driver on this machine (say the tests).")

    monkeypatch.setattr(choice, "find_driver", missing)
    devices.set_defaults(monkeypatch, backend="auto")


def test_without_a_gpu_the_processor_is_taken(no_gpu):
    set_device("genn")
    assert isinstance(brian2genn.genn_device.backend, CpuBackend)


@pytest.fixture
def machine(no_gpu, tmp_path, monkeypatch):
    """A machine on which there is nothing; tests put signs of a GPU there."""
    monkeypatch.setattr(presence, "_ROOT", tmp_path)
    monkeypatch.setattr(presence, "_packages_are_there", lambda: False)
    which = shutil.which

    def which_here(name):
        return which(name, path=tmp_path / "bin") if name == "nvidia-smi" else which(name)

    monkeypatch.setattr(shutil, "which", which_here)
    monkeypatch.setattr(BrianLogger, "_log_messages", set())

    def put(name: str, text: str = "") -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    return put


def said(**arguments) -> list[str]:
    """What the device says in two scripts."""
    with catch_logs(log_level=logging.INFO) as logs:
        for _ in range(2):
            set_device("genn", **arguments)
            group = NeuronGroup(3, "dv/dt = 1/ms : 1", method="euler")
            Network(group).run(1 * ms)
    return [text for _level, name, text in logs if name.startswith("brian2.devices.genn")]


PROCESSOR = "Networks run on this machine's processor."


def test_without_a_sign_of_a_gpu_nobody_speaks_of_one(machine):
    assert said() == [PROCESSOR]
    explained = str(brian2genn.explain())
    assert f"{PROCESSOR} No GPU: There is no sign of one" in explained


def test_who_has_the_packages_hears_what_is_missing(machine, monkeypatch):
    monkeypatch.setattr(presence, "_packages_are_there", lambda: True)
    assert said() == [PROCESSOR]
    assert "No GPU: There is no NVIDIA driver on this machine" in str(brian2genn.explain())


def version(number: str) -> str:
    return f"NVRM version: NVIDIA UNIX x86_64 Kernel Module  {number}  Thu Aug 1\nGCC version:\n"


@pytest.mark.parametrize(
    ("files", "extra"),
    [
        ({"dev/nvidia0": "", "proc/driver/nvidia/version": version("535.104.05")}, "cuda12"),
        ({"proc/driver/nvidia/version": version("580.65.06")}, "cuda13"),
        ({"proc/driver/nvidia/version": "something else"}, "cuda13"),
        ({"dev/nvidia3": ""}, "cuda13"),
        ({"bin/nvidia-smi": "#!/bin/sh\n"}, "cuda13"),
        ({"dev/dxg": "", "usr/lib/wsl/lib/libcuda.so.1": ""}, "cuda13"),
    ],
)
def test_who_has_a_gpu_is_told_once_how_to_use_it(machine, files, extra):
    for name, text in files.items():
        machine(name, text)
    assert said(backend="cpu") == [PROCESSOR]
    (hint,) = said()  # where networks run has been said before
    assert install.line(extra) in hint
    assert "backend='cpu'" in hint


def test_who_has_a_gpu_and_its_packages_is_told_once_what_is_missing(machine, monkeypatch):
    monkeypatch.setattr(presence, "_packages_are_there", lambda: True)
    machine("dev/nvidia0")
    _, hint = said()
    assert "GPU is not used. There is no NVIDIA driver on this machine" in hint


def test_half_of_windows_is_no_sign(machine):
    machine("dev/dxg")
    assert said() == [PROCESSOR]


def test_asking_for_a_gpu_says_at_once_what_is_missing(no_gpu):
    with pytest.raises(CudaUnavailable, match="no NVIDIA driver"):
        set_device("genn", backend="cuda")


def test_who_insists_hears_first_that_there_is_no_gpu(machine):
    with pytest.raises(CudaUnavailable, match=r"^There is no sign of an NVIDIA GPU.*backend='cpu'"):
        set_device("genn", backend="cuda")
    machine("dev/nvidia0")
    with pytest.raises(CudaUnavailable, match=r"^There is no NVIDIA driver"):
        set_device("genn", backend="cuda")


def test_packages_are_no_advice_where_there_is_no_gpu(machine, monkeypatch):
    def missing(instead=None):
        raise CudaUnavailable(f"The CUDA packages are not installed: {install.line('cuda13')}.")

    monkeypatch.setattr(choice, "find_driver", missing)
    with pytest.raises(CudaUnavailable) as caught:
        set_device("genn", backend="cuda")
    told = str(caught.value)
    assert told.index("no sign of an NVIDIA GPU") < told.index("backend='cpu'")
    assert told.index("backend='cpu'") < told.index("pip install")


def test_an_unknown_backend_is_refused_at_once():
    with pytest.raises(ValueError, match=r"'opencl'.*'auto', 'cpu', 'cuda'"):
        set_device("genn", backend="opencl")


def test_a_gpu_that_is_usable_is_taken(shim, monkeypatch):
    devices.set_defaults(monkeypatch, backend="auto")
    set_device("genn")
    assert brian2genn.genn_device.backend.name == "cuda"
    set_device("genn", backend="cpu")
    group = NeuronGroup(3, "dv/dt = 1/ms : 1", method="euler")
    launches = shim.counts["launches"]
    run(1 * ms)
    assert shim.counts["launches"] == launches
    assert group.v[0] == pytest.approx(1)


def test_where_networks_run_is_said_once(shim, monkeypatch):
    devices.set_defaults(monkeypatch, backend="auto")
    monkeypatch.setattr(BrianLogger, "_log_messages", set())
    with catch_logs(log_level=logging.INFO) as logs:
        for _ in range(2):
            set_device("genn")
            group = NeuronGroup(3, "dv/dt = 1/ms : 1", method="euler")
            Network(group).run(1 * ms)
    said = [text for _level, _name, text in logs if "Networks run on" in text]
    assert said == [f"Networks run on the GPU: {shim.name}."]


def test_without_the_packages_a_plain_script_hears_nothing_of_gpus():
    script = """
    import sys
    sys.modules["cuda"] = None
    from brian2 import *
    import brian2genn
    from brian2genn.backends.cuda.device import presence
    presence.gpu_is_there = lambda: False
    set_device("genn")
    group = NeuronGroup(3, "v : 1")
    run(0.1*ms)
    print(brian2genn.explain())
    """
    done = run_script(script)
    assert "No GPU: There is no sign of one, and the CUDA packages" in done.stdout, done.stderr
    assert "cuda-bindings" not in done.stdout  # nothing to install where there is no card
    assert done.stderr.count(PROCESSOR) == 1
    assert "GPU" not in done.stderr


@pytest.mark.parametrize("error", [MemoryError("full"), AttributeError("no 'cuInit'")])
def test_whatever_the_gpu_does_when_it_is_opened_a_script_runs(error, monkeypatch):
    def fails():
        raise error

    monkeypatch.setattr(cuda_choice, "NvidiaDriver", fails)
    devices.set_defaults(monkeypatch, backend="auto", driver=None, trusted=False)
    cuda_choice._gpu.cache_clear()
    try:
        set_device("genn")
        assert isinstance(brian2genn.genn_device.backend, CpuBackend)
        with pytest.raises(CudaUnavailable, match=f"could not be opened .*{error}"):
            set_device("genn", backend="cuda")
    finally:
        cuda_choice._gpu.cache_clear()


def test_what_is_missing_for_a_real_gpu_is_said(monkeypatch):
    """On this machine there may be anything from a GPU to nothing at all."""
    cuda_choice._gpu.cache_clear()
    try:
        driver = cuda_choice.find_driver()
    except CudaUnavailable as missing:
        assert any(
            text in str(missing) for text in ("pip install", "no NVIDIA driver", "NVIDIA GPUs")
        )
    else:
        assert driver.multiprocessors > 0
    cuda_choice._gpu.cache_clear()
