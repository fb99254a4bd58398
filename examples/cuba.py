"""
Integrate-and-fire neurons with currents (CUBA)
===============================================

A self-sustained network of 4,000 integrate-and-fire neurons (CUBA).

Benchmark 2 of Brette et al. (2007), after Vogels and Abbott (2005). The spikes
take 1.5 ms to arrive.
"""

from brian2 import *
import brian2genn

set_device("genn")

taum, taue, taui = 20 * ms, 5 * ms, 10 * ms
Vt, Vr, El = -50 * mV, -60 * mV, -49 * mV
we, wi = 1.62 * mV, -9 * mV

eqs = """
dv/dt = (ge + gi - (v - El))/taum : volt (unless refractory)
dge/dt = -ge/taue : volt
dgi/dt = -gi/taui : volt
"""
neurons = NeuronGroup(
    4000, eqs, threshold="v > Vt", reset="v = Vr", refractory=5 * ms, method="exact"
)
neurons.v = "Vr + rand()*(Vt - Vr)"

excitatory = Synapses(neurons[:3200], neurons, on_pre="ge += we", delay=1.5 * ms)
inhibitory = Synapses(neurons[3200:], neurons, on_pre="gi += wi", delay=1.5 * ms)
excitatory.connect(p=0.02)
inhibitory.connect(p=0.02)

spikes = SpikeMonitor(neurons)
rate = PopulationRateMonitor(neurons)

run(1 * second)

print(f"{spikes.num_spikes} spikes")
if "plot" not in globals():
    print("For the picture: pip install matplotlib")
    raise SystemExit
subplot(211)
plot(spikes.t / ms, spikes.i, ",k")
ylabel("neuron")
subplot(212)
plot(rate.t / ms, rate.smooth_rate(width=2 * ms) / Hz)
xlabel("time (ms)")
ylabel("rate (Hz)")
show()
