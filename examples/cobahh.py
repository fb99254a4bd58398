"""
Self-sustained activity of Hodgkin-Huxley neurons (COBAHH)
==========================================================

A self-sustained network of 4,000 Hodgkin-Huxley neurons (COBAHH).

Benchmark 3 of Brette et al. (2007), "Simulation of networks of spiking neurons:
a review of tools and strategies", J Comput Neurosci 23:349-398; the first
network of the Brian2GeNN paper.
"""

from brian2 import *
import brian2genn

set_device("genn")

duration = 1 * second

# Membrane
area = 20000 * umetre**2
Cm = 1 * ufarad / cm**2 * area
gl = 5e-5 * siemens / cm**2 * area
g_na = 100 * msiemens / cm**2 * area
g_kd = 30 * msiemens / cm**2 * area
El = -60 * mV
EK = -90 * mV
ENa = 50 * mV
VT = -63 * mV

# Synapses
taue, taui = 5 * ms, 10 * ms
Ee, Ei = 0 * mV, -80 * mV
we, wi = 6 * nS, 67 * nS

eqs = """
dv/dt = (gl*(El - v) + ge*(Ee - v) + gi*(Ei - v)
         - g_na*(m*m*m)*h*(v - ENa) - g_kd*(n*n*n*n)*(v - EK)) / Cm : volt
dm/dt = alpha_m*(1 - m) - beta_m*m : 1
dn/dt = alpha_n*(1 - n) - beta_n*n : 1
dh/dt = alpha_h*(1 - h) - beta_h*h : 1
dge/dt = -ge/taue : siemens
dgi/dt = -gi/taui : siemens
alpha_m = 0.32*4/exprel((13*mV - v + VT)/(4*mV))/ms : Hz
beta_m = 0.28*5/exprel((v - VT - 40*mV)/(5*mV))/ms : Hz
alpha_h = 0.128*exp((17*mV - v + VT)/(18*mV))/ms : Hz
beta_h = 4/(1 + exp((40*mV - v + VT)/(5*mV)))/ms : Hz
alpha_n = 0.032*5/exprel((15*mV - v + VT)/(5*mV))/ms : Hz
beta_n = 0.5*exp((10*mV - v + VT)/(40*mV))/ms : Hz
"""
neurons = NeuronGroup(
    4000, eqs, threshold="v > -20*mV", refractory=3 * ms, method="exponential_euler"
)
neurons.v = "El + (randn()*5 - 5)*mV"
neurons.ge = "(randn()*1.5 + 4)*10*nS"
neurons.gi = "(randn()*12 + 20)*10*nS"

excitatory = Synapses(neurons[:3200], neurons, on_pre="ge += we")
inhibitory = Synapses(neurons[3200:], neurons, on_pre="gi += wi")
excitatory.connect(p=0.02)
inhibitory.connect(p=0.02)

spikes = SpikeMonitor(neurons)

run(duration, report="text")

# What came of it
rate = spikes.num_spikes / len(neurons) / duration
print(f"{spikes.num_spikes} spikes, {rate / Hz:.1f} Hz a neuron")
if "plot" not in globals():
    print("For the picture: pip install matplotlib")
    raise SystemExit
plot(spikes.t / ms, spikes.i, ",k")
xlabel("time (ms)")
ylabel("neuron")
show()
