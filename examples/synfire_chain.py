"""
A volley of spikes in a synfire chain
=====================================

A volley of spikes travels along a chain, or dies out.

Diesmann, Gewaltig and Aertsen (1999), "Stable propagation of synchronous spiking in
cortical neural networks", Nature 402:529-533. A volley of enough spikes becomes sharp
and arrives at the end of the chain; one of too few is lost on the way.
"""

from brian2 import *
import brian2genn

set_device("genn")
seed(1)

groups, size = 10, 100
tau, tau_psp, Vr, Vt = 10 * ms, 0.325 * ms, -70 * mV, -55 * mV
weight = 4.86 * mV

# Synaptic currents have the form of an alpha function; the noise stands for all other inputs.
neurons = NeuronGroup(
    groups * size,
    """
    dv/dt = (Vr - v + x)/tau : volt (unless refractory)
    dx/dt = (y - x)/tau_psp : volt
    dy/dt = -y/tau_psp + 25.27*mV/ms + 39.24*mV/ms*sqrt(ms)*xi : volt
    """,
    threshold="v > Vt",
    reset="v = Vr",
    refractory=1 * ms,
    method="euler",
)
neurons.v = "Vr + rand()*(Vt - Vr)"

chain = Synapses(neurons, neurons, on_pre="y += weight", delay=5 * ms)
chain.connect(j="k for k in range((i//size + 1)*size, (i//size + 2)*size) if i < N_pre - size")

# Two volleys: 90 spikes at 50 ms, 45 at 150 ms.
many, few = 90, 45
times = concatenate([50 + randn(many), 150 + randn(few)]) * ms
volleys = SpikeGeneratorGroup(many + few, arange(many + few), times)
first = Synapses(volleys, neurons[:size], on_pre="y += weight")
first.connect()

spikes = SpikeMonitor(neurons)

run(260 * ms)

for start, name in ((50, "90"), (150, "45")):
    during = (spikes.t > (start + 45) * ms) & (spikes.t < (start + 75) * ms)
    last = sum(during & (spikes.i >= size * (groups - 1)))
    print(f"a volley of {name} spikes: {last} of the last {size} neurons fire")
if "plot" not in globals():
    print("For the picture: pip install matplotlib")
    raise SystemExit
plot(spikes.t / ms, spikes.i / size, ".k", markersize=2)
xlabel("time (ms)")
ylabel("group")
grid(axis="y")
show()
