"""
A thousand of Izhikevich's neurons
==================================

A thousand of Izhikevich's neurons: rhythms out of random connections.

Izhikevich (2003), "Simple model of spiking neurons", IEEE Transactions on Neural
Networks 14:1569-1572. Every neuron is a little different, from regular spiking to
bursting; now and then the network falls into step.
"""

from brian2 import *
import brian2genn

set_device("genn")
seed(1)

defaultclock.dt = 0.5 * ms
equations = """
dv/dt = (0.04*v**2 + 5*v + 140 - u + current)/ms : 1
du/dt = a*(b*v - u)/ms : 1
current : 1
noise : 1 (constant)
a : 1 (constant)
b : 1 (constant)
c : 1 (constant)
d : 1 (constant)
"""
neurons = NeuronGroup(1000, equations, threshold="v >= 30", reset="v = c; u += d", method="euler")
excitatory, inhibitory = neurons[:800], neurons[800:]

r = rand(800)
excitatory.a, excitatory.b, excitatory.c, excitatory.d = 0.02, 0.2, -65 + 15 * r**2, 8 - 6 * r**2
r = rand(200)
inhibitory.a, inhibitory.b, inhibitory.c, inhibitory.d = 0.02 + 0.08 * r, 0.25 - 0.05 * r, -65, 2
excitatory.noise, inhibitory.noise = 5, 2
neurons.v = -65
neurons.u = "b*v"
neurons.run_regularly("current = noise*randn()", dt=1 * ms)  # from the thalamus

excites = Synapses(excitatory, neurons, "w : 1", on_pre="v += w")
inhibits = Synapses(inhibitory, neurons, "w : 1", on_pre="v -= w")
excites.connect()
inhibits.connect()
excites.w = "0.5*rand()"
inhibits.w = "rand()"

spikes = SpikeMonitor(neurons)

run(1 * second)

print(f"{spikes.num_spikes} spikes, {spikes.num_spikes / 1000:.1f} Hz a neuron")
if "plot" not in globals():
    print("For the picture: pip install matplotlib")
    raise SystemExit
plot(spikes.t / ms, spikes.i, ".k", markersize=2)
xlabel("time (ms)")
ylabel("neuron (inhibitory from 800 on)")
show()
