"""
The memory of a random network
==============================

A random network remembers its input for a while.

Maass, Natschläger and Markram (2002), "Real-time computing without stable states",
Neural Computation 14:2531-2560. A recurrent network is driven by a signal; linear
read-outs of its activity tell what the signal was some time ago.
"""

from brian2 import *
import brian2genn

set_device("genn")
seed(1)

N, step, duration = 500, 20 * ms, 60 * second
signal = TimedArray(rand(int(duration / step)), dt=step)

neurons = NeuronGroup(
    N,
    """
    dv/dt = (0.9 + gain*signal(t) + current - v)/(20*ms) + 0.01*xi/sqrt(20*ms) : 1
    dcurrent/dt = -current/(5*ms) : 1
    dtrace/dt = -trace/(30*ms) : 1
    gain : 1 (constant)
    """,
    threshold="v > 1",
    reset="v = 0; trace += 1",
    method="euler",
)
neurons.v = "rand()"
neurons.gain = "0.6*randn()"

synapses = Synapses(neurons, neurons, "w : 1 (constant)", on_pre="current += w")
synapses.connect(p=0.1)
synapses.delay = "1*ms + 9*ms*rand()"
synapses.w = "0.2*rand()*(1 - 5*int(i >= 400))"

activity = StateMonitor(neurons, "trace", record=True, dt=step)
run(duration, report="text")

# Ridge regression on the first half; how well it does is seen in the second.
states = vstack([activity.trace, ones(len(activity.t))]).T
half, past = len(states) // 2, arange(9)
scores = []
for steps in past:
    # what is recorded when a value of the signal begins is due to those before
    target = roll(signal.values, 1 + steps)
    X, y = states[50:half], target[50:half]
    weights = solve(X.T @ X + eye(N + 1), X.T @ y)
    scores.append(corrcoef(states[half:] @ weights, target[half:])[0, 1] ** 2)
print("explained, 0 to 160 ms later:", " ".join(f"{score:.2f}" for score in scores))
if "plot" not in globals():
    print("For the picture: pip install matplotlib")
    raise SystemExit
plot(past * step / ms, scores, "o-")
xlabel("time since a value of the signal (ms)")
ylabel("explained variance")
show()
