"""
Shapes learnt without a teacher
===============================

Neurons learn to tell shapes apart, with nobody telling them.

After Diehl and Cook (2015), "Unsupervised learning of digit recognition using
spike-timing-dependent plasticity", Front Comput Neurosci 9:99, with bars in place of
digits: neurons that inhibit one another share out the shapes among them.
"""

from brian2 import *
import brian2genn

set_device("genn")
seed(1)

side, cells, shown, number = 8, 24, 100 * ms, 600
bars = zeros((2 * side, side, side))
for place in range(side):
    bars[place, place, :] = bars[side + place, :, place] = 1
order = randint(2 * side, size=number)  # which bar is seen when
frames = zeros((2 * number, side**2))
frames[::2] = bars[order].reshape(number, -1)  # and nothing between two of them
image = TimedArray(frames, dt=shown / 2)

pixels = PoissonGroup(side**2, rates="200*Hz*image(t, i)")
neurons = NeuronGroup(
    cells,
    """
    dv/dt = (g - v)/(20*ms) : 1 (unless refractory)
    dg/dt = -g/(5*ms) : 1
    dtheta/dt = -theta/(20*second) : 1
    """,
    threshold="v > 1 + theta",
    reset="v = 0; theta += 0.02",
    refractory=5 * ms,
    method="exact",
)
sees = Synapses(
    pixels,
    neurons,
    "w : 1\ndapre/dt = -apre/(20*ms) : 1 (event-driven)",
    on_pre="g += 0.5*w; apre = 1",
    on_post="w = clip(w + 0.05*(apre - 0.4), 0, 1)",
)
sees.connect()
sees.w = "0.3 + 0.3*rand()"
inhibits = Synapses(neurons, neurons, on_pre="v -= 2")
inhibits.connect("i != j")
spikes = SpikeMonitor(neurons)

run(number * shown, report="text")

# Whose favourite is which bar, in the second half?
late = spikes.t > number * shown / 2
seen = order[(spikes.t[late] / shown).astype(int)]
counts = histogram2d(spikes.i[late], seen, [arange(cells + 1), arange(2 * side + 1)])[0]
print(f"{counts.max(axis=1).sum() / counts.sum():.0%} of the spikes are for a neuron's own bar,")
print(f"{len(set(counts.argmax(axis=1)))} of {2 * side} bars have a neuron")
if "plot" not in globals():
    print("For the picture: pip install matplotlib")
    raise SystemExit
for cell in range(cells):
    subplot(4, 6, cell + 1, xticks=[], yticks=[])
    imshow(array(sees.w).reshape(side**2, cells)[:, cell].reshape(side, side))
show()
