"""
Inhibition that learns its balance
==================================

Inhibition learns to balance excitation.

Vogels, Sprekeler, Zenke, Clopath and Gerstner (2011), "Inhibitory plasticity balances
excitation and inhibition in sensory pathways and memory networks", Science
334:1569-1573. Inhibitory synapses grow until every excitatory neuron fires at the
rate that the rule wants; firing becomes seldom and irregular.
"""

from brian2 import *
import brian2genn

set_device("genn")
seed(1)

E, N = 3200, 4000
tau, El, Ei, Vt = 20 * ms, -60 * mV, -80 * mV, -50 * mV
wanted, trace, eta = 3 * Hz, 20 * ms, 0.01

equations = """
dv/dt = (El - v - ge*v - gi*(v - Ei) + 20*mV)/tau : volt (unless refractory)
dge/dt = -ge/(5*ms) : 1
dgi/dt = -gi/(10*ms) : 1
"""
neurons = NeuronGroup(
    N, equations, threshold="v > Vt", reset="v = El", refractory=5 * ms, method="euler"
)
neurons.v = "El + rand()*(Vt - El)"
excitatory, inhibitory = neurons[:E], neurons[E:]

excites = Synapses(excitatory, neurons, on_pre="ge += 0.03")
inhibits = Synapses(inhibitory, inhibitory, on_pre="gi += 0.3")
learns = Synapses(
    inhibitory,
    excitatory,
    """
    w : 1
    dpre/dt = -pre/trace : 1 (event-driven)
    dpost/dt = -post/trace : 1 (event-driven)
    """,
    on_pre="gi += w; pre += 1; w = clip(w + eta*(post - 2*wanted*trace), 0, 10)",
    on_post="post += 1; w = clip(w + eta*pre, 0, 10)",
)
for synapses in (excites, inhibits, learns):
    synapses.connect(p=0.05)

rate = PopulationRateMonitor(excitatory)
spikes = SpikeMonitor(neurons)

run(6 * second, report="text")

early, late = rate.rate[:2000].mean(), rate.rate[-10000:].mean()
print(f"excitatory neurons: {early / Hz:.0f} Hz at first, {late / Hz:.1f} Hz in the end")
if "plot" not in globals():
    print("For the picture: pip install matplotlib")
    raise SystemExit
subplot(211, xlabel="time (s)", ylabel="rate (Hz)")
semilogy(rate.t / second, rate.smooth_rate(width=50 * ms) / Hz)
subplot(212, xlim=(5.5, 6), xlabel="time (s)", ylabel="neuron (one in ten)")
plot(spikes.t[spikes.i % 10 == 0] / second, spikes.i[spikes.i % 10 == 0], ".k", markersize=2)
tight_layout()
show()
