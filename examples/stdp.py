"""
Synapses compete by spike timing
================================

Synaptic competition by spike-timing dependent plasticity.

After Song, Miller and Abbott (2000), Nature Neuroscience 3:919-926: a thousand
random inputs to one neuron; their weights drift to both ends of the range.
"""

from brian2 import *
import brian2genn

set_device("genn")

taum, taupre, taupost, taue = 10 * ms, 20 * ms, 20 * ms, 5 * ms
Ee, Vt, Vr, El = 0 * mV, -54 * mV, -60 * mV, -74 * mV
gmax = 0.01
dApre = 0.01 * gmax
dApost = -1.05 * dApre

inputs = PoissonGroup(1000, rates=15 * Hz)

neuron_eqs = """
dv/dt = (ge*(Ee - v) + El - v)/taum : volt
dge/dt = -ge/taue : 1
"""
neuron = NeuronGroup(1, neuron_eqs, threshold="v > Vt", reset="v = Vr", method="euler")
neuron.v = Vr

# The traces decay between spikes; they are worked out only when one arrives.
synapse_eqs = """
w : 1
dApre/dt = -Apre/taupre : 1 (event-driven)
dApost/dt = -Apost/taupost : 1 (event-driven)
"""
on_pre = """
ge += w
Apre += dApre
w = clip(w + Apost, 0, gmax)
"""
on_post = """
Apost += dApost
w = clip(w + Apre, 0, gmax)
"""
synapses = Synapses(inputs, neuron, synapse_eqs, on_pre=on_pre, on_post=on_post)
synapses.connect()
synapses.w = "rand()*gmax"

weights = StateMonitor(synapses, "w", record=[0, 1, 2], dt=100 * ms)
spikes = SpikeMonitor(neuron)

run(100 * second, report="text")

print(f"{spikes.num_spikes / 100:.1f} Hz")
if "plot" not in globals():
    print("For the picture: pip install matplotlib")
    raise SystemExit
subplot(211)
hist(synapses.w / gmax, 20)
xlabel("weight / gmax")
subplot(212)
plot(weights.t / second, weights.w.T / gmax)
xlabel("time (s)")
ylabel("weight / gmax")
tight_layout()
show()
