"""Steps that differ only by what they work on share one function, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import (
    Hz,
    Network,
    NeuronGroup,
    PoissonGroup,
    PoissonInput,
    PopulationRateMonitor,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    ms,
    network_operation,
    prefs,
    seed,
    set_device,
)

from brian2genn.codegen.c import steps
from brian2genn.codegen.c.program import print_program
from brian2genn.transforms.alike import groups_of
from brian2genn.transforms.pipeline import FOR_A_PROCESSOR, lower
from tests import devices
from tests.backends.cpu import test_shared_work
from tests.codegen.test_same_text import translated
from tests.semantics.harness import Cases, observe

if devices.BACKEND != "cpu":
    pytest.skip("about the processor", allow_module_level=True)

cases = Cases()


@cases.over(dtype=[np.float64, np.float32])
def pathways(dtype):
    """Pathways with numbers of their own, delays of several kinds, and plasticity."""
    prefs.core.default_float_dtype = dtype
    inputs = [PoissonGroup(60 + 7 * k, rates=(40 + 20 * k) * Hz) for k in range(3)]
    cells = NeuronGroup(
        90,
        "dv/dt = -v/(8*ms) : 1\nda/dt = -a/(5*ms) : 1\nn : integer",
        threshold="v > 1",
        reset="v = 0",
        method="exact",
    )
    made = []
    for number, source in enumerate([*inputs, *inputs, cells]):
        target = "av"[number % 2]
        synapses = Synapses(
            source,
            cells,
            "w : 1\ndx/dt = -x/(4*ms) : 1 (event-driven)",
            on_pre=f"{target}_post += {0.5 + number}*w; n_post += 1; x += {number + 2}",
            on_post="w = clip(w + 0.01*x, 0, 1)",
            method="exact",
        )
        synapses.connect(p=0.2)
        synapses.w = "0.05*rand()"
        if number % 3:
            synapses.delay = "rand()*ms" if number % 3 == 1 else f"{number}*0.3*ms"
        made.append(synapses)
    monitors = [SpikeMonitor(group) for group in [*inputs, cells]]
    states = StateMonitor(cells, ["v", "a"], record=[1, 5, 17])
    rate = [PopulationRateMonitor(group) for group in [*inputs, cells]]
    network = Network(inputs, cells, made, monitors, states, rate)
    network.run(10 * ms)
    made[0].w = 0.5
    made[1].connect(i=[1, 2], j=[3, 4])
    network.run(10 * ms)
    assert monitors[-1].num_spikes
    return observe(
        cells=cells, states=states, **{f"s{k}": one for k, one in enumerate(made)},
        **{f"m{k}": one for k, one in enumerate(monitors)},
        **{f"r{k}": one for k, one in enumerate(rate)},
    )  # fmt: skip


@cases.over(operation=[False, True])
def groups(operation):
    """Groups of several sizes with random numbers and constants; arrays that move."""
    table = TimedArray(np.arange(6.0), dt=2 * ms)
    made = [
        NeuronGroup(
            40 + 30 * k,
            f"""dv/dt = (drive - v)/tau + {0.1 * (k + 1)}*xi*tau**-0.5 : 1 (unless refractory)
                drive = table(t) : 1
                tau : second (constant, shared)""",
            threshold="v > 0.5",
            reset="v = 0.1*rand()",
            refractory=1 * ms,
            method="euler",
            namespace={"table": table},
        )
        for k in range(4)
    ]
    for number, group in enumerate(made):
        group.tau = (3 + number) * ms
    monitors = [SpikeMonitor(group) for group in made]
    states = [StateMonitor(group, "v", record=[0, 3]) for group in made]
    network = Network(made, monitors, states)
    if operation:

        @network_operation(dt=0.5 * ms)
        def change():
            made[1].v = made[1].v[:] * 0.9
            seed(int(network.t / ms))

        network.add(change)
    network.run(8 * ms)
    made[2].tau = 1 * ms
    network.run(4 * ms, profile=True)
    return observe(
        **{f"g{k}": one for k, one in enumerate(made)},
        **{f"m{k}": one for k, one in enumerate(monitors)},
        **{f"s{k}": one for k, one in enumerate(states)},
    )


@cases
def inputs():
    """Poisson inputs with rates and weights of their own, whose numbers come from tables."""
    cells = NeuronGroup(70, "dv/dt = -v/(8*ms) : 1", threshold="v > 1", reset="v = 0")
    made = [PoissonInput(cells, "v", 20 + k, (30 + k) * Hz, 0.1 + 0.01 * k) for k in range(3)]
    monitor = SpikeMonitor(cells)
    Network(cells, made, monitor).run(10 * ms)
    return observe(cells=cells, monitor=monitor)


def integrated():
    """Synapses that are integrated for several time steps at once, in groups of several sizes."""
    cells = NeuronGroup(
        50, "dv/dt = (1.2 - v)/(3*ms) : 1", threshold="v > 1", reset="v = 0", method="euler"
    )
    cells.v = "i/50.0"
    made = []
    for number in range(3):
        source = PoissonGroup(30 + 11 * number, rates=200 * Hz)
        synapses = Synapses(
            source,
            cells,
            """dw/dt = gain*c/(10*ms) : 1 (clock-driven)
               dc/dt = -c/(4*ms) : 1 (clock-driven)
               gain : 1 (shared)""",
            on_pre="v_post += 0.01*w; c += 0.1",
            on_post="c -= 0.02*w",
            method="euler",
        )
        synapses.connect(condition=f"(i + 3*j) % {number + 4} == 0")
        synapses.gain, synapses.w = 0.5 + number, "0.1*cos(i + j)"
        if number:
            synapses.pre.delay = f"{number}*0.1*((i + j) % 5)*ms"
        made.append((source, synapses))
    made[1][1].run_regularly("gain *= 0.9", dt=0.7 * ms)
    states = StateMonitor(made[2][1], ["w", "c"], record=[3, 40, 41], dt=0.3 * ms)
    return cells, made, states


@cases
def updates_that_are_put_off():
    cells, made, states = integrated()
    network = Network(cells, made, states)
    for duration in (2.3, 1.6, 0.1):
        network.run(duration * ms)
    return observe(cells=cells, states=states, **{f"s{k}": one for k, (_, one) in enumerate(made)})


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("case", [*cases, *test_shared_work.cases], ids=str)
def test_results_are_those_of_functions_of_their_own(monkeypatch, case, threads):
    devices.set_defaults(monkeypatch, processor=devices.processor(share_always=True))
    shared_steps = []

    def counted(forms):
        found = groups_of(forms)
        shared_steps.append(sum(map(len, found)))
        return found

    monkeypatch.setattr(steps, "groups_of", counted)
    shared = test_shared_work.run_case(case, threads)
    assert shared_steps
    if case.function in (pathways, groups):
        assert max(shared_steps) >= 8
    monkeypatch.setattr(steps, "groups_of", lambda forms: [])
    alone = test_shared_work.run_case(case, threads)
    assert shared.keys() == alone.keys()
    for name, value in shared.items():
        assert value.tobytes() == alone[name].tobytes(), name


def test_updates_that_are_put_off_share_their_functions():
    set_device("genn", backend="cpu")
    network = translated(Network(*integrated()))
    lower(network, FOR_A_PROCESSOR)
    source = print_program(network)
    assert len(source.put_off) == 3
    assert source.text.count("_note(b2g_context *ctx)\n{") == 1
    assert source.text.count("_catch_up(b2g_context *ctx)\n{") == 2, "and one that calls it"
