"""
Many runs over all cores
========================

Many runs of one model, over all cores: an f-I curve and a scan of two parameters.

Any function that builds a network, runs it and returns numbers can be swept. Runs are shared out
among processes that inherit the device; each has a seed that follows from its place in the grid.
"""

from brian2 import *
import brian2genn

set_device("genn")


# How fast does a noisy neuron fire for a given current? 100 copies of it tell.
def fire(current, noise):
    tau, resistance = 20 * ms, 100 * Mohm
    neurons = NeuronGroup(
        100,
        "dv/dt = (resistance*current - v)/tau + noise*sqrt(2/tau)*xi : volt (unless refractory)",
        threshold="v > 20*mV",
        reset="v = 0*mV",
        refractory=2 * ms,
        method="euler",
    )
    neurons.v = "rand()*20*mV"
    spikes = SpikeMonitor(neurons, record=False)
    run(500 * ms)
    return {"rate": spikes.num_spikes / 100 / (500 * ms)}


curves = brian2genn.sweep(
    fire, {"current": linspace(0, 0.6, 16) * nA, "noise": [0, 3, 6] * mV}, seed=1
)


# When does a recurrent network leave its balance? Inhibition against input from outside.
def balance(inhibition, drive):
    tau, weight, delay = 20 * ms, 0.5 * mV, 1.5 * ms
    neurons = NeuronGroup(
        500,
        "dv/dt = -v/tau : volt (unless refractory)",
        threshold="v > 20*mV",
        reset="v = 10*mV",
        refractory=2 * ms,
        method="exact",
    )
    neurons.v = "rand()*20*mV"
    excitatory = Synapses(neurons[:400], neurons, on_pre="v += weight", delay=delay)
    inhibitory = Synapses(neurons[400:], neurons, on_pre="v -= inhibition*weight", delay=delay)
    excitatory.connect(p=0.1)
    inhibitory.connect(p=0.1)
    outside = PoissonInput(neurons, "v", 100, drive, weight=weight)
    spikes = SpikeMonitor(neurons)
    run(300 * ms)
    intervals = [diff(train) for train in spikes.spike_trains().values() if len(train) > 3]
    return {
        "rate": spikes.num_spikes / 500 / (300 * ms),
        "irregularity": mean([std(some) / mean(some) for some in intervals]) if intervals else nan,
    }


scan = brian2genn.sweep(
    balance, {"inhibition": linspace(2, 8, 9), "drive": linspace(10, 34, 9) * Hz}, seed=1, repeats=2
)

for results in (curves, scan):
    print(results)
    for failure in results.failed:
        print(failure)
table = scan.frame()
print(table.groupby("inhibition")["rate [Hz]"].mean().round(1).to_string())

figure(figsize=(11, 3.4))
curves.plot("current", "rate", hue="noise", ax=subplot(131))
scan.array("rate").mean("repeat", keep_attrs=True).plot(x="drive", ax=subplot(132))
scan.array("irregularity").mean("repeat").plot(x="drive", ax=subplot(133), cmap="magma")
tight_layout()
show()
