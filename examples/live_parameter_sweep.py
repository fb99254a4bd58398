"""
A parameter sweep on one live network
=====================================

How strong must inhibition be to keep a network quiet?

One network is built once and run many times: ``store`` and ``restore`` take it back
to its start, weights are changed in between, results are read after each run.
Nothing is rebuilt for it: the device is live, like Brian's own runtime.
"""

from brian2 import *
import brian2genn

set_device("genn")
seed(1)

taum, taue, taui = 20 * ms, 5 * ms, 10 * ms
Vt, Vr, El = -50 * mV, -60 * mV, -49 * mV

eqs = """
dv/dt = (ge + gi - (v - El))/taum : volt (unless refractory)
dge/dt = -ge/taue : volt
dgi/dt = -gi/taui : volt
"""
neurons = NeuronGroup(
    2000, eqs, threshold="v > Vt", reset="v = Vr", refractory=5 * ms, method="exact"
)
neurons.v = "Vr + rand()*(Vt - Vr)"

excitatory = Synapses(neurons[:1600], neurons, "w : volt", on_pre="ge += w")
inhibitory = Synapses(neurons[1600:], neurons, "w : volt", on_pre="gi += w")
excitatory.connect(p=0.04)
inhibitory.connect(p=0.04)
excitatory.w = 1.62 * mV

spikes = SpikeMonitor(neurons, record=False)

store()
strengths = linspace(2, 20, 10) * mV
rates = []
for strength in strengths:
    restore()
    inhibitory.w = -strength
    run(200 * ms)  # let it settle
    before = spikes.num_spikes
    run(300 * ms)
    rates.append((spikes.num_spikes - before) / len(neurons) / (300 * ms))
    print(f"inhibition {strength / mV:4.1f} mV: {rates[-1] / Hz:6.1f} Hz")

if "plot" not in globals():
    print("For the picture: pip install matplotlib")
    raise SystemExit
plot(strengths / mV, [rate / Hz for rate in rates], "o-")
xlabel("inhibitory weight (mV)")
ylabel("rate (Hz)")
show()
