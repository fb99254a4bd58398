"""Generated programs compile for machines that are not here and, emulated, compute the same."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import (
    Hz,
    Network,
    NeuronGroup,
    PoissonGroup,
    PopulationRateMonitor,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    ms,
    set_device,
)

from brian2genn.backends.host import toolchain
from brian2genn.backends.host.structures import support_text
from tests import devices
from tests.platforms.captured import Captured, after, capture
from tests.platforms.targets import DRIVER, TARGETS, Target

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        devices.DEVICE != "genn" or devices.BACKEND != "cpu", reason="about the processor"
    ),
]


def deterministic() -> None:
    """Neurons with exponentials, refractoriness, delays, all monitors."""
    cells = NeuronGroup(
        40, "dv/dt = (-v + exp(-v) + x)/(10*ms) : 1 (unless refractory)\nx : 1",
        threshold="v > 0.8", reset="v = 0", refractory=1 * ms, method="euler",
    )  # fmt: skip
    cells.x = "1 + i/N"
    wires = Synapses(
        cells, cells, "w : 1\ndapre/dt = -apre/(20*ms) : 1 (event-driven)",
        on_pre="v_post += 0.01*w\napre += 0.1", on_post="w = clip(w - 0.01*apre, 0, 2)",
    )  # fmt: skip
    wires.connect(condition="(i + 2*j) % 5 == 0")
    wires.w = "1 + i/50.0"
    wires.delay = "(i % 7)*0.1*ms"
    monitors = (
        StateMonitor(cells, "v", record=[0, 3]), SpikeMonitor(cells), PopulationRateMonitor(cells),
    )  # fmt: skip
    Network(cells, wires, *monitors).run(40 * ms)
    assert monitors[1].num_spikes > 50


def random() -> None:
    """Noise, Poisson input, random numbers in synapses: streams are counted, not computed."""
    cells = NeuronGroup(
        30, "dv/dt = (12*mV - v)/(10*ms) + 3*mV*xi*(10*ms)**-0.5 : volt",
        threshold="v > 10*mV", reset="v = 0*mV", method="euler",
    )  # fmt: skip
    inputs = PoissonGroup(20, 200 * Hz)
    wires = Synapses(inputs, cells, on_pre="v_post += rand()*mV")
    wires.connect(j="i + k for k in range(5)")
    spikes = SpikeMonitor(cells)
    Network(cells, inputs, wires, spikes).run(40 * ms)
    assert spikes.num_spikes > 10


NETWORKS = {"deterministic": deterministic, "random": random}


@pytest.fixture(scope="module", params=NETWORKS)
def captured(request) -> Captured:
    return capture(NETWORKS[request.param])


@pytest.fixture(scope="module")
def texts() -> dict[str, tuple[str, bool]]:
    """All texts that a network needs, set-up code and the interpreter included."""
    found: dict[str, tuple[str, bool]] = {}
    compile_library = toolchain.compile_library

    def keep(compiler, text, name, is_cpp=False):
        found[f"{len(found)}_{name}"] = text, is_cpp
        return compile_library(compiler, text, name, is_cpp)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toolchain, "compile_library", keep)
        set_device("genn", backend="cpu")
        cells = NeuronGroup(
            5000, "v : 1\ndu/dt = -u/(5*ms) : 1", threshold="u > 1", reset="u = 0", method="exact"
        )
        cells.v = "exp(rand()) + i"
        wires = Synapses(cells, cells, "w : 1", on_pre="u += w")
        wires.connect(p=0.01)
        wires.w = "log(1 + v_pre)"
        Network(cells, wires).run(1 * ms)
    return found


def need_compiler(target: Target) -> None:
    if target.compiler is None:
        pytest.skip("no compiler for it is here (pip install ziglang)")


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_all_texts_compile(target: Target, texts, tmp_path):
    need_compiler(target)
    every = {**texts, "support": (support_text(), False)}
    assert any("network" in name for name in every)
    for name, (text, is_cpp) in every.items():
        assert not is_cpp
        source = tmp_path / f"{name}.c"
        source.write_text(text)
        done = target.compile([source], tmp_path / f"{name}.lib", shared=True, folder=tmp_path)
        assert done.returncode == 0, (name, done.stderr[-3000:])


@pytest.mark.parametrize(
    "target", [target for target in TARGETS if target.emulators], ids=lambda target: target.name
)
def test_a_program_computes_the_same(target: Target, captured, tmp_path):
    need_compiler(target)
    if target.emulator is None:
        pytest.skip(f"none of {', '.join(name for name, *_ in target.emulators)} is here")
    (tmp_path / "network.c").write_text(captured.text)
    (tmp_path / "before").write_bytes(captured.before)
    program = tmp_path / "program.exe"
    (tmp_path / "support.c").write_text(support_text())
    sources = [DRIVER, tmp_path / "network.c", tmp_path / "support.c"]
    done = target.compile(sources, program, shared=False, folder=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    target.run(program, "before", "after", folder=tmp_path)
    arrays, columns = after((tmp_path / "after").read_bytes(), captured)
    for name, there, here in zip(captured.names, arrays, captured.arrays, strict=True):
        # other functions of other libraries, and a*b + c in one operation or two
        np.testing.assert_allclose(there, here.ravel(), rtol=1e-9, atol=1e-12, err_msg=name)
    for there, here in zip(columns, captured.columns, strict=True):
        np.testing.assert_allclose(there, here.ravel(), rtol=1e-9, atol=1e-12)
    assert sum(column.size for column in columns) > 10
