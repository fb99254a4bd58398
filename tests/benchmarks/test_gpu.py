"""The benchmark for GPUs counts, where there is none."""

import json

import pytest

from benchmarks import gpu
from brian2genn.backends.cuda.device import bindings
from brian2genn.backends.cuda.device.driver import CudaUnavailable
from tests import devices


@pytest.fixture(autouse=True)
def _compiler():
    try:
        bindings.nvrtc_version()
    except CudaUnavailable as missing:
        pytest.skip(str(missing))
    yield
    devices.reset()
    devices.use(devices.shim)


def test_counts_are_written_with_machine_and_commit(tmp_path):
    gpu.main(["--quick", "--dry", "--networks", "cuba,brunel_hakim", "--output", str(tmp_path)])
    written = json.loads((tmp_path / "gpu.json").read_text())
    assert written["machine"]["cpu"]
    assert written["commit"]
    cuba, brunel = written["results"]
    assert cuba["launches"] == 2
    assert brunel["spikes_per_step"]["neurons"] > 0
    # v, ge, gi and lastspike of 400 neurons, read and written
    assert cuba["floor"]["bytes"] > 400 * 8 * (4 + 3)
    for result in (cuba, brunel):
        assert result["cost"]["bytes"] > 0.999 * result["floor"]["bytes"]
        assert result["cost"]["operations"] > 0
        assert result["deliveries"] > 10 * sum(result["spikes_per_step"].values())
        assert all(kernel["registers"] > 0 for kernel in result["kernels"])
        assert not any(kernel["spilled"] for kernel in result["kernels"])
    text = (tmp_path / "gpu.md").read_text()
    assert "CUBA" in text
    assert "Counted, not measured" in text


def test_an_unknown_network_is_refused(capsys):
    with pytest.raises(SystemExit):
        gpu.main(["--networks", "nothing"])
    assert "there is no network 'nothing'" in capsys.readouterr().err
