"""PyNN's Brian 2 simulator under the device: PyNN itself is not changed."""

import numpy as np
import pytest
from brian2 import seed, set_device

from tests.semantics.harness import Cases, Result, check

sim = pytest.importorskip("pyNN.brian2", reason="PyNN is not installed (pip install pyNN)")

case = Cases()


def recorded(**populations) -> Result:
    """All that PyNN gives back of populations that record."""
    result = {}
    for name, population in populations.items():
        for number, segment in enumerate(population.get_data().segments):
            label = f"{name}.{number}"
            for train in segment.spiketrains:
                key = f"{label}.{int(train.annotations['source_index'])}.spike_t"
                result[key] = np.array(train.magnitude)
            for signal in segment.analogsignals:
                result[f"{label}.{signal.name}"] = np.array(signal.magnitude)
    assert any(len(array) for array in result.values()), "nothing was recorded"
    return result


def cell(kind, **parameters):
    """One second or less of one kind of cell under a current."""
    sim.setup(timestep=0.1)
    cells = sim.Population(3, kind(**parameters))
    cells.record(["spikes", "v"])
    source = sim.DCSource(amplitude=0.6, start=5.0, stop=60.0)
    source.inject_into([cells[0], cells[2]])
    sim.run(80.0)
    result = recorded(cells=cells)
    sim.end()
    return result


@case.over(
    kind=[sim.IF_curr_exp, sim.IF_curr_alpha, sim.IF_cond_exp, sim.IF_cond_alpha, sim.HH_cond_exp]
)
def kinds_of_cells(kind):
    return cell(kind)


@case
def adaptive_cells():
    return cell(sim.EIF_cond_exp_isfa_ista, i_offset=0.3)


@case
def izhikevich_cells():
    sim.setup(timestep=0.1)
    cells = sim.Population(
        4, sim.Izhikevich(a=0.02, b=0.2, c=-65, d=6, i_offset=[0.0, 0.01, 0.014, 0.02])
    )
    cells.record(["spikes", "v", "u"])
    sim.run(60.0)
    return recorded(cells=cells)


@case
def spike_sources_and_delays():
    sim.setup(timestep=0.1, min_delay=0.1)
    times = [[5.0, 6.0, 7.0, 30.0], [5.5, 6.5, 31.0], [8.0, 8.1, 8.2]]
    sources = sim.Population(3, sim.SpikeSourceArray(spike_times=times))
    cells = sim.Population(5, sim.IF_cond_exp(tau_refrac=2.0, i_offset=0.3))
    delays = np.linspace(0.1, 4.0, 15).reshape(3, 5)
    weights = np.linspace(0.0, 0.2, 15).reshape(3, 5)
    synapses = sim.Projection(
        sources, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=weights, delay=delays)
    )
    inhibition = sim.Projection(
        cells,
        cells,
        sim.OneToOneConnector(),
        sim.StaticSynapse(weight=0.05, delay=1.5),
        receptor_type="inhibitory",
    )
    sources.record("spikes")
    cells.record(["spikes", "v", "gsyn_exc", "gsyn_inh"])
    sim.run(50.0)
    result = recorded(sources=sources, cells=cells)
    result["weights"] = np.array(synapses.get("weight", format="array"))
    result["delays"] = np.array(inhibition.get("delay", format="array"))
    return result


@case
def changes_between_runs_and_reset():
    sim.setup(timestep=0.1)
    sources = sim.Population(1, sim.SpikeSourceArray(spike_times=[5.0, 15.0, 25.0]))
    cells = sim.Population(2, sim.IF_curr_exp(i_offset=[0.8, 1.1], tau_m=10.0))
    synapses = sim.Projection(
        sources, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.4, delay=1.0)
    )
    cells.record(["spikes", "v"])
    sim.run(12.0)
    cells.set(i_offset=1.2)
    synapses.set(weight=0.9)
    sim.run(18.0)
    sim.reset()
    cells.set(tau_m=20.0)
    sim.run(30.0)
    return recorded(cells=cells)


@case
def stepped_current():
    sim.setup(timestep=0.1)
    cells = sim.Population(2, sim.IF_curr_exp())
    current = sim.StepCurrentSource(times=[5.0, 20.0, 40.0], amplitudes=[1.0, -0.5, 2.0])
    cells[0:1].inject(current)
    cells.record(["spikes", "v"])
    sim.run(60.0)
    return recorded(cells=cells)


@case
def spike_timing_dependent_plasticity():
    sim.setup(timestep=0.1)
    first = sim.Population(1, sim.SpikeSourceArray(spike_times=np.arange(5.0, 150.0, 10.0)))
    second = sim.Population(1, sim.SpikeSourceArray(spike_times=np.arange(8.0, 150.0, 11.0)))
    cells = sim.Population(1, sim.IF_cond_exp())
    sim.Projection(second, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.3, delay=1.0))
    rule = sim.STDPMechanism(
        timing_dependence=sim.SpikePairRule(
            tau_plus=20.0, tau_minus=20.0, A_plus=0.02, A_minus=0.02
        ),
        weight_dependence=sim.AdditiveWeightDependence(w_min=0, w_max=0.1),
        weight=0.02,
        delay=0.5,
        dendritic_delay_fraction=0.0,
    )
    plastic = sim.Projection(first, cells, sim.AllToAllConnector(), rule)
    cells.record(["spikes", "v"])
    sim.run(160.0)
    return recorded(cells=cells) | {"weight": np.array(plastic.get("weight", format="array"))}


@case
def views_and_assemblies():
    sim.setup(timestep=0.1)
    excitatory = sim.Population(6, sim.IF_cond_exp(i_offset=np.linspace(0.5, 1.5, 6)))
    inhibitory = sim.Population(4, sim.IF_cond_exp(i_offset=np.linspace(0.6, 1.4, 4)))
    cells = excitatory + inhibitory
    sim.Projection(
        excitatory, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.002, delay=0.5)
    )
    sim.Projection(
        inhibitory[1:3],
        cells,
        sim.AllToAllConnector(),
        sim.StaticSynapse(weight=0.02, delay=1.0),
        receptor_type="inhibitory",
    )
    cells.record("spikes")
    excitatory[2:4].record("v")
    sim.run(100.0)
    return recorded(excitatory=excitatory, inhibitory=inhibitory)


@pytest.mark.parametrize("case", case, ids=str)
def test_like_brians_runtime(case):
    check(case)


def test_short_term_plasticity(device):
    """The subexpression ``x = 1 - y - z`` takes `y` as it is when the spike arrives.

    Brian's compiled target takes it as it was before the synapse was brought up to date.
    """
    set_device(device)
    sim.setup(timestep=0.1)
    times = np.arange(5.0, 90.0, 8.0)
    sources = sim.Population(1, sim.SpikeSourceArray(spike_times=times))
    cells = sim.Population(2, sim.IF_cond_exp(tau_syn_E=[2.0, 3.0]))
    sim.Projection(
        sources,
        cells,
        sim.AllToAllConnector(),
        sim.TsodyksMarkramSynapse(U=0.2, tau_rec=60.0, tau_facil=30.0, weight=0.02, delay=0.1),
    )
    cells.record("gsyn_exc")
    sim.run(100.0)
    signal = recorded(cells=cells)["cells.0.gsyn_exc"][:, 0]

    expected, u, y, last = np.zeros(len(signal)), 0.0, 0.0, 0.0
    for time in times:
        u = u * np.exp((last - time) / 30.0)
        y = y * np.exp((last - time) / 2.0)
        last = time
        x = 1 - y
        u = min(u + 0.2 * (1 - u), 0.2)
        arrival = round(time / 0.1) + 2  # the delay, and recording at the end of a step
        expected[arrival:] += 0.02 * x * u * (1 - 0.1 / 2.0) ** np.arange(len(signal) - arrival)
        y += x * u
    assert signal.max() > 0
    np.testing.assert_allclose(signal, expected, rtol=1e-6, atol=1e-9)


def poisson_driven(device: str) -> tuple[float, float]:
    """Rates of Poisson sources and of a random network that they drive."""
    set_device(device)
    seed(5)
    sim.setup(timestep=0.1)
    sources = sim.Population(200, sim.SpikeSourcePoisson(rate=50.0, start=20.0, duration=150.0))
    cells = sim.Population(100, sim.IF_cond_exp())
    sim.Projection(
        sources,
        cells,
        sim.FixedProbabilityConnector(0.1, rng=sim.NumpyRNG(seed=2)),
        sim.StaticSynapse(weight=0.01, delay=1.0),
    )
    sources.record("spikes")
    cells.record("spikes")
    sim.run(200.0)
    result = sources.mean_spike_count(), cells.mean_spike_count()
    times = [t for train in sources.get_data().segments[0].spiketrains for t in train.magnitude]
    assert min(times) >= 20.0 and max(times) <= 170.1
    return result


def test_poisson_sources(device):
    sources, cells = poisson_driven("runtime")
    sources_here, cells_here = poisson_driven(device)
    assert sources_here == pytest.approx(7.5, abs=0.8)  # 4 standard errors
    assert sources == pytest.approx(7.5, abs=0.8)
    assert cells > 1
    assert cells_here == pytest.approx(cells, rel=0.15)
