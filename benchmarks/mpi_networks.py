"""Networks that several processes run together, for `benchmarks.mpi`; monitors are last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def brunel(neurons: int, inputs: int | None = None) -> list[Any]:
    """N. Brunel (2000): each neuron has a tenth of the others, and 800 inputs from outside.

    Parameters
    ----------
    neurons : int
    inputs : int, optional
        How many of the others instead.
    """
    from brian2 import Hz, NeuronGroup, PoissonInput, SpikeMonitor, Synapses, ms, mV

    names = {"tau": 20 * ms}
    group = NeuronGroup(
        neurons, "dv/dt = -v/tau : volt (unless refractory)", threshold="v > 20*mV",
        reset="v = 10*mV", refractory=2 * ms, method="exact", namespace=names,
    )  # fmt: skip
    group.v = "rand()*20*mV"
    excitatory, inhibitory = group[: 4 * neurons // 5], group[4 * neurons // 5 :]
    p = 0.1 if inputs is None else inputs / neurons
    scale = 1000 / (p * neurons)
    made: list[Any] = [group]
    for source, weight in ((excitatory, 0.1 * scale), (inhibitory, -0.5 * scale)):
        synapses = Synapses(source, group, "w : volt", on_pre="v += w", delay=1.5 * ms)
        synapses.connect(p=p)
        synapses.w = weight * mV
        made.append(synapses)
    made += [PoissonInput(group, "v", 800, 25 * Hz, 0.1 * mV), SpikeMonitor(group)]
    return made


def cuba(neurons: int) -> list[Any]:
    """The CUBA network of R. Brette et al. (2007), with 80 synapses for each neuron."""
    from brian2 import NeuronGroup, SpikeMonitor, Synapses, ms, mV

    group = NeuronGroup(
        neurons,
        """dv/dt = (ge + gi - (v + 49*mV))/(20*ms) : volt (unless refractory)
        dge/dt = -ge/(5*ms) : volt
        dgi/dt = -gi/(10*ms) : volt""",
        threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * ms, method="exact",
    )  # fmt: skip
    group.v = "-60*mV + rand()*10*mV"
    made: list[Any] = [group]
    for source, code in (
        (group[: 4 * neurons // 5], "ge += 1.62*mV"),
        (group[4 * neurons // 5 :], "gi -= 9*mV"),
    ):
        synapses = Synapses(source, group, on_pre=code)
        synapses.connect(p=80 / neurons)
        made.append(synapses)
    return [*made, SpikeMonitor(group)]


def weak(neurons: int) -> list[Any]:
    """Brunel's network with a thousand inputs for each neuron, however many there are."""
    return brunel(neurons, inputs=1000)


def microcircuit(neurons: int) -> list[Any]:
    """The circuit of T. Potjans and M. Diesmann (2014), of which this many neurons are a part."""
    from brian2.core.base import BrianObject

    from benchmarks.networks.microcircuit import build

    made = build(neurons / 77169)
    constants = ("tau_m", "tau_syn", "C", "E_L", "V_threshold", "V_reset")
    made["neurons"].namespace.update({name: made[name] for name in constants})
    spikes = made.pop("spikes")
    return [*(one for one in made.values() if isinstance(one, BrianObject)), spikes]


def stdp(neurons: int) -> list[Any]:
    """Neurons driven by noise, all of whose recurrent synapses (a tenth) are plastic."""
    from brian2 import NeuronGroup, SpikeMonitor, Synapses, ms

    group = NeuronGroup(
        neurons, "dv/dt = (0.95 - v)/(20*ms) + 0.2*xi/(20*ms)**0.5 : 1 (unless refractory)",
        threshold="v > 1", reset="v = 0", refractory=2 * ms, method="euler",
    )  # fmt: skip
    group.v = "rand()"
    synapses = Synapses(
        group, group,
        """w : 1
        dapre/dt = -apre/(20*ms) : 1 (event-driven)
        dapost/dt = -apost/(20*ms) : 1 (event-driven)""",
        on_pre="""v_post += w
        apre += 1e-6
        w = clip(w + apost, 0, 2e-4)""",
        on_post="""apost -= 1.05e-6
        w = clip(w + apre, 0, 2e-4)""",
        delay=1.5 * ms,
    )  # fmt: skip
    synapses.connect(p=0.1)
    synapses.w = "1e-4*(0.5 + rand())"
    return [group, synapses, SpikeMonitor(group)]


#: By name: what makes a network of so many neurons, and how many it has here.
NETWORKS: dict[str, tuple[Callable[[int], list[Any]], int]] = {
    "brunel": (brunel, 10_000),
    "microcircuit": (microcircuit, 7717),
    "cuba": (cuba, 100_000),
    "stdp": (stdp, 5_000),
    "weak": (weak, 5_000),
}


def brunel_of_nest(neurons: int, duration: float, threads: int) -> dict[str, float]:
    """Brunel's network in NEST; seconds to build it and to run it."""
    import time

    import nest

    nest.set_verbosity("M_ERROR")
    nest.ResetKernel()
    nest.set(resolution=0.1, local_num_threads=threads, rng_seed=1)
    began = time.perf_counter()
    names = {"C_m": 1.0, "tau_m": 20.0, "t_ref": 2.0, "E_L": 0.0, "V_reset": 10.0, "V_th": 20.0}
    group = nest.Create("iaf_psc_delta", neurons, params=names)
    group.V_m = nest.random.uniform(0.0, 20.0)
    drive = nest.Create("poisson_generator", params={"rate": 800 * 25.0})
    nest.Connect(drive, group, syn_spec={"weight": 0.1, "delay": 0.1})
    scale = 1000 / (0.1 * neurons)
    cut = 4 * neurons // 5
    for source, weight in ((group[:cut], 0.1 * scale), (group[cut:], -0.5 * scale)):
        nest.Connect(
            source, group, {"rule": "pairwise_bernoulli", "p": 0.1},
            {"weight": weight, "delay": 1.5},
        )  # fmt: skip
    recorder = nest.Create("spike_recorder")
    nest.Connect(group, recorder)
    nest.Simulate(10.0)
    built = time.perf_counter() - began
    before, began = recorder.n_events, time.perf_counter()
    nest.Simulate(1000 * duration)
    loop = time.perf_counter() - began
    return {"build": built, "loop": loop, "spikes": float(recorder.n_events - before)}
