"""Tests for GPUs, tests of semantics and the benchmark, over the stand-in for NVIDIA's driver."""

import json
import re

import pytest


def passed(over, *arguments: str) -> int:
    """How many tests pass; none may be skipped or fail, and the stand-in may note nothing."""
    options = ("-q", "-p", "no:cacheprovider")
    result = over.python("-m", "pytest", *options, *arguments)
    last = result.stdout.strip().splitlines()[-1]
    assert result.returncode == 0, result.stdout[-10_000:] + result.stderr[-2_000:]
    assert not re.search("skipped|failed|error", last), last
    return int(re.search(r"(\d+) passed", last)[1])


@pytest.mark.slow
def test_what_only_a_real_gpu_can_show(over):
    """`make test-gpu` begins with these."""
    assert passed(over, "-m", "gpu", "tests/gpu") >= 8


def test_the_gpu_is_tried_and_taken_without_being_asked_for(over):
    told = over.script(
        """
        set_device("genn")
        net = network()
        net.run(20*ms)
        print(brian2genn.genn_device.backend.name, net.cells.v[0] > 0)
        print(brian2genn.explain())
        times = get_device().times
        assert times.compiling > 0, "waiting for NVRTC is no preparing"
        """,
        TRY_THE_GPU="1",
    )
    assert told.startswith("cuda True")
    assert "A small network has given the same results there as on the processor." in told


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "delays",
        "network_operations",
        "pathways",
        "random",
        "recording",
        "running",
        "short_runs",
        "spatial",
        "store_restore",
    ],
)
def test_semantics(over, name):
    assert passed(over, f"tests/semantics/test_{name}.py") >= 9


@pytest.mark.slow
def test_the_benchmark_measures(over, tmp_path):
    over.script(
        f"""
        from benchmarks import gpu
        assert gpu.main(["--quick", "--output", {str(tmp_path)!r}]) == 0
        """
    )
    written = json.loads((tmp_path / "gpu.json").read_text())
    assert written["machine"]["gpu"] == "Stand-in for a GPU"
    assert written["machine"]["copy_bandwidth"] > 0
    assert all(result["microseconds"] > 0 for result in written["results"])
