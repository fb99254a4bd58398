"""What is said where there is no GPU that can be used."""

import json

import pytest

#: What the environment has, and what is said.
CASES = {
    "no GPU": ({"FAKE_CUDA_INIT": "100"}, ["finds no NVIDIA GPUs."]),
    "no GPU is visible": (
        {"CUDA_VISIBLE_DEVICES": ""},
        ["finds no NVIDIA GPUs (the environment has CUDA_VISIBLE_DEVICES='')"],
    ),
    "none is counted": ({"FAKE_CUDA_DEVICES": "0"}, ["finds no NVIDIA GPUs."]),
    "driver and kernel do not fit": (
        {"FAKE_CUDA_INIT": "803"},
        ["does not start (CUDA_ERROR_SYSTEM_DRIVER_MISMATCH)", "restarting the machine"],
    ),
    "in use": (
        {"FAKE_CUDA_CONTEXT": "46"},
        ["cannot be opened; another program may be using it", "CUDA_ERROR_DEVICE_UNAVAILABLE"],
    ),
    "full": (
        {"FAKE_CUDA_CONTEXT": "2"},
        ["cannot be opened; another program may be using it", "no memory left"],
    ),
    "driver too old": (
        {"FAKE_CUDA_VERSION": "11080"},
        ["driver is for CUDA 11.8, older than", "Update the driver."],
    ),
    "card too old for all compilers": (
        {"FAKE_CUDA_CAPABILITY": "35"},
        ["compute capability 3.5, which is too low: 5.0 (Maxwell)", "backend='cpu'"],
    ),
    "card too new": (
        {"FAKE_CUDA_CAPABILITY": "990"},
        ["compute capability 99.0", "does not know", "pip install --upgrade"],
    ),
}
#: With the compiler of CUDA 13 only.
CASES_13 = {
    "driver for CUDA 12": (
        {"FAKE_CUDA_VERSION": "12040"},
        ["driver is for CUDA 12.4, older than", "pip install 'cuda-bindings>=12.9,<13'"],
    ),
    "card too old for this compiler": (
        {"FAKE_CUDA_CAPABILITY": "61"},
        [
            "compute capability 6.1, which is too low for the installed compiler",
            "'nvidia-cuda-nvrtc-cu12",
        ],
    ),
}


def test_what_is_missing_is_said_and_the_processor_is_there(over):
    said = json.loads(
        over.script(
            f"""
            import json
            from brian2genn.backends.cuda.device.bindings import bindings, nvrtc_version

            def attempt():
                try:
                    set_device("genn", backend="cuda")
                except CudaUnavailable as missing:
                    return str(missing)
                finally:
                    choice._gpu.cache_clear()

            said = {{}}
            cases = {CASES!r}
            if nvrtc_version()[0] == 13:
                cases.update({CASES_13!r})
            for name, (settings, _) in cases.items():
                os.environ.update(settings)
                said[name] = attempt()
                for variable in settings:
                    del os.environ[variable]

            from cuda.pathfinder import DynamicLibNotFoundError

            def missing(*arguments):
                raise DynamicLibNotFoundError("libnvrtc is nowhere")

            _, nvrtc = bindings()
            there, nvrtc.nvrtcVersion = nvrtc.nvrtcVersion, missing
            said["no compiler"] = attempt()
            nvrtc.nvrtcVersion = there

            set_device("genn", backend="cpu")
            prefs.logging.console_log_level = "ERROR"
            net = network()
            net.run(2*ms)
            assert net.cells.v[:].max() > 0
            assert attempt() is None
            print(json.dumps(said))
            """
        )
    )
    cases = CASES | {"no compiler": ({}, ["NVRTC is not installed", "pip install"])}
    cases |= {name: case for name, case in CASES_13.items() if name in said}
    assert set(said) == set(cases)
    for name, (_, parts) in cases.items():
        for part in parts:
            assert part in said[name], name


def test_a_forked_process_goes_on_with_the_processor(over):
    over.script(
        """
        import multiprocessing

        set_device("genn", backend="cuda")
        net = network()
        net.run(2*ms)

        def child(answers):
            answers.put(float(net.cells.v[0]))
            net.run(1*ms)
            answers.put(float(net.cells.v[0]))
            set_device("genn", backend="cuda")
            other = network()
            other.run(2*ms)
            answers.put(float(other.cells.v[0]))

        fork = multiprocessing.get_context("fork")
        answers = fork.SimpleQueue()
        process = fork.Process(target=child, args=(answers,))
        process.start()
        process.join()
        assert process.exitcode == 0
        before = float(net.cells.v[0])
        net.run(1*ms)
        for expected in (before, float(net.cells.v[0]), before):
            assert np.isclose(answers.get(), expected)
        """
    )
    assert "forked" in over.stderr
    assert "spawn" in over.stderr


@pytest.mark.slow
def test_without_the_packages(over):
    said = over.script(
        """
        import sys
        for name in [name for name in sys.modules if name.split(".")[0] == "cuda"]:
            del sys.modules[name]
        sys.modules["cuda.bindings"] = None
        try:
            set_device("genn", backend="cuda")
        except CudaUnavailable as missing:
            print(missing)
        """
    )
    assert "The CUDA packages are not installed" in said
    assert "pip install 'cuda-bindings>=13.0,<14'" in said
