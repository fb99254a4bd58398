"""What the benchmark tells of executed kernels, and what it predicts from that."""

import json

import pytest

import brian2genn
from benchmarks import gpu, prediction
from benchmarks.execution import Executed
from emulation.ptx.latencies import MEMORY


@pytest.mark.slow
def test_counts_by_execution_are_beside_those_of_the_model(tmp_path):
    usual = brian2genn.genn_device.defaults
    arguments = ["--quick", "--dry", "--networks", "cuba", "--output", str(tmp_path)]
    gpu.main([*arguments, "--execute", "7"])
    assert usual == brian2genn.genn_device.defaults
    (cuba,) = json.loads((tmp_path / "gpu.json").read_text())["results"]
    neurons, synapses = cuba["executed"]
    assert (neurons["name"], synapses["name"]) == ("stage_0", "stage_1")
    # 400 neurons are 13 warps, with some instructions each for three equations
    assert 13 * 3 < neurons["instructions"]["fp64"] < 13 * 100
    # a warp's 32 doubles are 8 sectors: no variable is moved much more often than it must be
    kilobytes = 32 * sum(neurons["sectors"].values()) / 1e3
    assert 0.9 * cuba["floor"]["bytes"] / 1e3 < kilobytes < 2 * cuba["floor"]["bytes"] / 1e3
    # each block tells that it is done; as many blocks in every step, as no ways are compared
    assert synapses["hottest"] == synapses["blocks"]
    # a chain is at least: whether the run goes on, where the values are, the counter of blocks
    assert all(one["chain"] > 3 * MEMORY["PTX_FAR_CYCLES"] for one in (neurons, synapses))
    (in_cluster,) = cuba["in_cluster"]
    assert (in_cluster["name"], in_cluster["threads"]) == ("run_steps", 128)
    # each block of it advances the clock by itself
    more = in_cluster["instructions"]["fp64"] - sum(
        one["instructions"]["fp64"] for one in (neurons, synapses)
    )
    assert 0 <= more <= 12 * in_cluster["blocks"]
    assert in_cluster["blocks"] <= 16 < synapses["blocks"]
    # its barriers are in the chain, and how it begins is shared by few time steps here
    assert (
        2 * MEMORY["PTX_CLUSTER_CYCLES"]
        < in_cluster["chain"]
        < 1.5 * (neurons["chain"] + synapses["chain"])
    )
    text = (tmp_path / "gpu.md").read_text()
    assert "Predictions, lower bounds, nothing measured" in text
    assert "a time step: predicted" in text


@pytest.mark.parametrize(
    ("kernel", "limit", "microseconds"),
    [
        (Executed("k", 1000, 128, {"fp64": 132 * 1980 * 2 * 50}), "fp64", 50.0),
        (Executed("k", 1, 128, {"fp64": 1980 * 2 * 50}), "fp64", 50.0),
        (Executed("k", 1000, 128, {}, {}, {"read": 2800 * 1980 * 10 / 32}), "cache", 10.0),
        (Executed("k", 1000, 128, {}, {}, {}, 0.5 * 1980 * 7), "atomics at one place", 7.0),
        (Executed("k", 1000, 128, {"fp64": 1980}, chain=1980 * 3), "chain", 3.0),
        (Executed("k", 1000, 128, {"fp64": 10}), "launch", 0.0),
    ],
)
def test_the_busiest_part_is_the_limit(kernel, limit, microseconds):
    found = prediction.predict(prediction.CARDS[0], kernel, 1e6, 1.5)
    assert found.limit == limit
    assert found.microseconds == pytest.approx(1.5 + microseconds, abs=0.01)


def test_what_does_not_fit_in_the_cache_comes_from_memory():
    kernel = Executed("k", 1000, 128, {}, {}, {"read": 1e6})
    h100, h200 = (prediction.predict(card, kernel, 1e9, 1.3) for card in prediction.CARDS)
    assert h100.limit == h200.limit == "memory bandwidth"
    assert h100.parts["memory bandwidth"] == pytest.approx(32e6 / 3350e3)
    assert h100.microseconds > h200.microseconds
