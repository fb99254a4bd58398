"""NVRTC compiles what is generated, for the oldest, a middle and the newest architecture."""

import pytest
from brian2 import (
    Network,
    NeuronGroup,
    PoissonGroup,
    PoissonInput,
    PopulationRateMonitor,
    Section,
    SpatialNeuron,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    cm,
    collect,
    ms,
    mV,
    ohm,
    run,
    set_device,
    uF,
    um,
)

from brian2genn.backends.cuda.device import bindings, compiler
from brian2genn.backends.cuda.device.driver import CudaError, CudaUnavailable
from brian2genn.codegen.cuda.small import print_value_check
from tests import devices
from tests.cuda_shim.driver import ShimDriver


def architectures() -> list[int]:
    try:
        known = bindings.supported_architectures()
    except CudaUnavailable as missing:
        pytest.skip(str(missing))
    return [known[0], known[len(known) // 2], known[-1]]


@pytest.fixture
def driver():
    driver = ShimDriver(architectures=architectures())
    devices.use(driver)
    set_device("genn", backend="cuda")
    yield driver
    devices.reset()
    devices.use(devices.shim)


@pytest.mark.slow
def test_every_kind_of_step(driver):
    current = TimedArray([0.1, 0.2, 0.3], dt=1 * ms, name="current")
    group = NeuronGroup(
        20,
        """dv/dt = (g + current(t) + 0.1*rand() - v)/(5*ms) + 0.1*xi/ms**0.5 : 1 (unless refractory)
        dg/dt = -g/(3*ms) : 1
        total : 1
        n : integer
        """,
        threshold="v > 0.2", reset="v = 0; n += 1", refractory=1 * ms, method="euler",
        events={"high": "g > 0.1"},
    )  # fmt: skip
    group.run_on_event("high", "g *= 0.9")
    group.run_regularly("v += 0.001*poisson(2)", dt=0.5 * ms)
    inputs = PoissonGroup(10, "100*Hz*(1 + i)")
    times = SpikeGeneratorGroup(5, [0, 1, 4], [0.1, 0.3, 0.4] * ms, period=1 * ms)
    plastic = Synapses(
        group, group,
        """w : 1
        dpre/dt = -pre/(20*ms) : 1 (event-driven)
        dslow/dt = -slow/(5*ms) : 1 (clock-driven)
        total_post = w*slow : 1 (summed)""",
        on_pre={"fast": "g_post += w; pre += 0.1", "late": "slow += 0.1"},
        on_post="w = clip(w + pre, 0, 1)", method="exact",
    )  # fmt: skip
    plastic.connect(condition="abs(i - j) < 3")
    plastic.fast.delay = "(0.1 + 0.05*abs(i - j))*ms"
    plain = Synapses(inputs, group, on_pre="v_post += 0.05")
    plain.connect(j="i")
    ordered = Synapses(times, group, on_pre="v_post = 0.5*v_post + 0.01")
    ordered.connect(p=1)
    noise = PoissonInput(group, "g", 10, 50 / ms / 50, 0.01)
    monitors = (
        SpikeMonitor(group, variables=["v", "g"]),
        StateMonitor(group, ["v", "n"], record=[0, 3], dt=0.3 * ms),
        PopulationRateMonitor(group),
        SpikeMonitor(group[3:9]),
        StateMonitor(plastic, "w", record=True),
    )
    network = Network(collect())
    network.add(*monitors)
    network.run(2 * ms)
    assert len(monitors[1].t) == 7
    assert noise.active
    for architecture, programs in driver.resources.items():
        kernels = {name: found for program in programs for name, found in program.items()}
        assert {"stage_0", "stage_1", "prepare_run", "begin_run"} <= set(kernels), architecture
        spilled = {name: found.spilled for name, found in kernels.items() if found.spilled}
        assert not spilled, f"spilled registers on sm_{architecture}: {spilled}"


def test_cable(driver):
    morphology = Section(n=10, diameter=[1] * 11 * um, length=[10] * 10 * um)
    neuron = SpatialNeuron(
        morphology, "Im = 1e-4*siemens/cm**2*(-60*mV - v) : amp/meter**2",
        Cm=1 * uF / cm**2, Ri=100 * ohm * cm,
    )  # fmt: skip
    neuron.v = -65 * mV
    run(1 * ms)
    assert neuron.v[0] > -65 * mV
    assert all(programs for programs in driver.resources.values())


def test_the_search_for_invalid_values():
    for architecture in architectures():
        _, log = compiler.compile_cubin(print_value_check(64, 1e50), architecture)
        assert compiler.resources(log)["check_values"].spilled == 0


def test_a_program_that_does_not_compile_says_where_it_lies():
    architecture = architectures()[-1]
    with pytest.raises(CudaError, match=r"(?s)could not compile .*\.cu:.*undefined_name"):
        compiler.compile_cubin("__global__ void k(void) { undefined_name = 1; }", architecture)


def test_an_empty_log_leaves_pythons_own_bytes_alone():
    """Python has one object for all ``b" "``."""
    architectures()
    _, nvrtc = bindings.bindings()
    _, program = nvrtc.nvrtcCreateProgram(b"", b"empty.cu", 0, [], [])
    nvrtc.nvrtcCompileProgram(program, 0, [])
    log = compiler._text_of(nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog, program)
    assert log == b"\0"
    assert bytes([32])[0] == 32
