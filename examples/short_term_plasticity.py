"""
Synapses that tire or warm up
=============================

Synapses that tire, and synapses that warm up.

Tsodyks and Markram (1997), "The neural code between neocortical pyramidal neurons
depends on neurotransmitter release probability", PNAS 94:719-723; Tsodyks, Pawelzik
and Markram (1998), Neural Computation 10:821-835. The effect of a spike falls with
the rate of spikes where synapses depress; where they facilitate, it rises first.
"""

from brian2 import *
import brian2genn

set_device("genn")

rates = logspace(-0.3, 2, 40) * Hz  # of regular trains of spikes
trains = NeuronGroup(
    40,
    "dphase/dt = rate : 1\nrate : Hz (constant)",
    threshold="phase > 1",
    reset="phase -= 1",
    method="euler",
)
trains.rate = rates
targets = NeuronGroup(80, "dv/dt = -v/(20*ms) : 1", method="exact")

# x: what is left of the transmitter. u: the part of it that a spike releases.
model = """
du/dt = (U - u)/tau_f : 1 (event-driven)
dx/dt = (1 - x)/tau_d : 1 (event-driven)
U : 1 (constant)
tau_f : second (constant)
tau_d : second (constant)
released : 1
"""
on_spike = "u += U*(1 - u); released = u*x; x -= released; v_post += released"
synapses = Synapses(trains, targets, model, on_pre=on_spike)
synapses.connect(j="i")  # these depress
synapses.connect(j="i + 40")  # these facilitate
synapses.U = repeat([0.5, 0.05], 40)
synapses.tau_f = repeat([20, 1000], 40) * ms
synapses.tau_d = repeat([800, 100], 40) * ms
synapses.u = "U"
synapses.x = 1

potential = StateMonitor(targets, "v", record=[28, 68])
run(10 * second)

released = array(synapses.released).reshape(2, 40)
for name, row in zip(("depressing", "facilitating"), released, strict=True):
    print(f"{name}: most is released by a spike at {rates[row.argmax()] / Hz:.1f} Hz")
if "plot" not in globals():
    print("For the picture: pip install matplotlib")
    raise SystemExit
subplot(121, xlabel="rate (Hz)", ylabel="released by a spike")
semilogx(rates / Hz, released.T)
subplot(122, xlim=(0, 600), xlabel="time (ms)", ylabel="effect")
plot(potential.t / ms, potential.v.T)
legend([f"{name}, {rates[28] / Hz:.0f} Hz" for name in ("depressing", "facilitating")])
tight_layout()
show()
