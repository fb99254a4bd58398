"""
A decision between two stimuli
==============================

Two groups of neurons compete, and one wins: a decision.

Wang (2002), "Probabilistic decision making by slow reverberation in cortical
circuits", Neuron 36:955-968. Inputs to A and B hardly differ, and noise is strong;
slow excitation adds up what speaks for each until one suppresses the other.
"""

from brian2 import *
import brian2genn

set_device("genn")
seed(1)

kind = repeat(arange(4), [240, 240, 1120, 400])  # A, B, other excitatory, inhibitory
high, low = 1.7, 1 - 0.15 * 0.7 / 0.85
W = array([[high, low, low], [low, high, low], [1, 1, 1], [1, 1, 1]])  # to, from
coherence = 0.128

equations = """
dv/dt = -(gl*(v + 70*mV) + (g_ext*ext + g_ampa*ampa)*v + g_gaba*gaba*(v + 70*mV)
          + g_nmda*nmda*v/(1 + exp(-0.062*v/mV)/3.57))/C : volt (unless refractory)
dext/dt = -ext/(2*ms) : 1
ds/dt = -s/(100*ms) + 0.5*x*(1 - s)/ms : 1
dx/dt = -x/(2*ms) : 1
ampa : 1 (linked)
gaba : 1 (linked)
nmda : 1 (linked)
C : farad (constant)
rest : second (constant)
"""
for name in ("gl", "g_ext", "g_ampa", "g_gaba", "g_nmda"):
    equations += f"{name} : siemens (constant)\n"
options = {"reset": "v = -55*mV; x += 1", "refractory": "rest", "method": "exponential_euler"}
neurons = NeuronGroup(2000, equations, threshold="v > -50*mV", **options)
E, I = neurons[:1600], neurons[1600:]
E.C, E.gl, E.rest = 0.5 * nF, 25 * nS, 2 * ms
I.C, I.gl, I.rest = 0.2 * nF, 20 * nS, 1 * ms
E.g_ext, E.g_ampa, E.g_gaba, E.g_nmda = [2.1, 0.05, 1.3, 0.165] * nS
I.g_ext, I.g_ampa, I.g_gaba, I.g_nmda = [1.62, 0.04, 1.0, 0.13] * nS
neurons.v = "-70*mV + rand()*20*mV"

# All are connected with all: what neurons of a kind get is the same, and kept once.
model = "dampa/dt = -ampa/(2*ms) : 1\ndgaba/dt = -gaba/(5*ms) : 1\nnmda : 1"
shared = NeuronGroup(4, model, method="exact")
model = "w : 1\nnmda_post = w*s_pre : 1 (summed)"
excites = Synapses(E, shared, model, on_pre="ampa += w", delay=0.5 * ms)
inhibits = Synapses(I, shared, on_pre="gaba += 1", delay=0.5 * ms)
excites.connect()
inhibits.connect()
excites.w = W[excites.j[:], kind[excites.i[:]]]
for name in ("ampa", "gaba", "nmda"):
    setattr(neurons, name, linked_var(shared, name, index=kind))

background = PoissonInput(neurons, "ext", 1000, 2.4 * Hz, weight=1)
seen = TimedArray([0, 1, 1, 0, 0], dt=500 * ms)
stimulus = PoissonGroup(480, rates="40*Hz*seen(t)*(1 + coherence*(1 - 2*int(i >= 240)))")
wires = Synapses(stimulus, neurons, on_pre="ext += 1")
wires.connect(j="i")

spikes = SpikeMonitor(neurons)

run(2.5 * second, report="text")

edges = arange(0, 2501, 25) * ms
rates = [histogram(spikes.t[kind[spikes.i] == k], edges)[0] / 240 / (25 * ms) for k in (0, 1)]
late = [mean(rate[-20:]) / Hz for rate in rates]
print(f"a second after the stimulus: A {late[0]:.0f} Hz, B {late[1]:.0f} Hz")
if "plot" not in globals():
    print("For the picture: pip install matplotlib")
    raise SystemExit
subplot(xlabel="time (ms)", ylabel="rate (Hz)")
axvspan(500, 1500, alpha=0.1)
plot(edges[:-1] / ms, array(rates).T)
legend(["the stimulus", "A", "B"])
show()
