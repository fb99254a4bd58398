"""
Fast rhythm, slow neurons
=========================

Fast oscillations of a network of inhibitory neurons that fire seldom.

Brunel and Hakim (1999), "Fast global oscillations in networks of integrate-and-fire
neurons with low firing rates", Neural Computation 11:1621-1671. Each neuron fires
irregularly, once in many cycles; the rhythm is one of the population.
"""

from brian2 import *
import brian2genn

set_device("genn")
seed(1)

N, inputs = 5000, 1000
tau, refractoriness, delay = 20 * ms, 2 * ms, 2 * ms
Vt, Vr = 20 * mV, 10 * mV
mean_input, noise, weight = 25 * mV, 1 * mV, 0.1 * mV

neurons = NeuronGroup(
    N,
    "dv/dt = (mean_input - v)/tau + noise*xi/sqrt(tau) : volt (unless refractory)",
    threshold="v > Vt",
    reset="v = Vr",
    refractory=refractoriness,
    method="euler",
)
neurons.v = Vr

inhibitory = Synapses(neurons, neurons, on_pre="v -= weight", delay=delay)
inhibitory.connect(p=inputs / N)

spikes = SpikeMonitor(neurons)
rate = PopulationRateMonitor(neurons)

run(200 * ms)

mean_rate = spikes.num_spikes / N / (200 * ms)
activity = rate.rate[1000:] / Hz  # without the first 100 ms
power = abs(np.fft.rfft(activity - activity.mean())) ** 2
rhythm = np.fft.rfftfreq(len(activity), 0.1e-3)[power.argmax()]
print(f"each neuron fires at {mean_rate / Hz:.0f} Hz, the population's rhythm is {rhythm:.0f} Hz")
if "plot" not in globals():
    print("For the picture: pip install matplotlib")
    raise SystemExit
subplot(211, xlim=(100, 200), ylabel="neuron")
plot(spikes.t / ms, spikes.i, ".k", markersize=1)
subplot(212, xlim=(100, 200), xlabel="time (ms)", ylabel="rate (Hz)")
plot(rate.t / ms, rate.smooth_rate(width=0.5 * ms) / Hz)
show()
