"""
Oscillators fall into step
==========================

Oscillators that fall into step: Kuramoto's transition.

Kuramoto (1984), "Chemical Oscillations, Waves, and Turbulence", Springer. Sixteen
populations of 250 oscillators, each with another strength of coupling: below a
critical one, phases are scattered; above it, order grows as the theory says.
"""

from brian2 import *
import brian2genn

set_device("genn")
seed(1)

defaultclock.dt = 5 * ms
populations, size = 16, 250
spread = 1 * Hz  # of the frequencies, which have a Lorentzian distribution
strengths = linspace(0, 6, populations) * Hz

oscillators = NeuronGroup(
    populations * size,
    """
    dphase/dt = omega + K*(y*cos(phase) - x*sin(phase)) : 1
    omega : Hz (constant)
    K : Hz (constant)
    x : 1 (linked)
    y : 1 (linked)
    """,
    method="rk4",
)
oscillators.phase = "2*pi*rand()"
# quantiles of the distribution: finite populations are as regular as can be
oscillators.omega = tile(tan(pi * ((arange(size) + 0.5) / size - 0.5)), populations) * spread
oscillators.K = repeat(strengths / Hz, size) * Hz

# The mean of each population, which all of its oscillators are drawn to.
means = NeuronGroup(populations, "x : 1\ny : 1\nr = sqrt(x**2 + y**2) : 1")
sums = Synapses(
    oscillators,
    means,
    "x_post = cos(phase_pre)/size : 1 (summed)\ny_post = sin(phase_pre)/size : 1 (summed)",
)
sums.connect(j="i // size")
own = arange(populations * size) // size
oscillators.x = linked_var(means, "x", index=own)
oscillators.y = linked_var(means, "y", index=own)

order = StateMonitor(means, "r", record=True, dt=50 * ms)

run(20 * second)

final = order.r[:, order.t > 10 * second].mean(axis=1)
print(f"order {final[0]:.2f} without coupling, {final[-1]:.2f} with the strongest")
if "plot" not in globals():
    print("For the picture: pip install matplotlib")
    raise SystemExit
plot(strengths / Hz, final, "o")
K = linspace(2, 6, 200)
plot(K, sqrt(1 - 2 / K), "k-", label="theory for infinitely many")
xlabel("coupling (1/s)")
ylabel("order")
legend()
show()
