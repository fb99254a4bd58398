"""
An action potential on the squid's axon
=======================================

An action potential travels along the squid's giant axon.

Hodgkin and Huxley (1952), "A quantitative description of membrane current and its
application to conduction and excitation in nerve", J Physiol 117:500-544. They
computed a velocity of 18.8 m/s at 18.5 degrees, by hand; a cable of 500 compartments
gives the same.
"""

from brian2 import *
import brian2genn

set_device("genn")

defaultclock.dt = 0.01 * ms
El, EK, ENa = -54.4 * mV, -77 * mV, 50 * mV
gl, gK, gNa = 0.3 * msiemens / cm**2, 36 * msiemens / cm**2, 120 * msiemens / cm**2
speed = 3 ** ((18.5 - 6.3) / 10)  # of the channels, by the temperature

equations = """
Im = gl*(El - v) + gNa*m**3*h*(ENa - v) + gK*n**4*(EK - v) : amp/meter**2
I : amp (point current)
dm/dt = speed*(alpham*(1 - m) - betam*m) : 1
dh/dt = speed*(alphah*(1 - h) - betah*h) : 1
dn/dt = speed*(alphan*(1 - n) - betan*n) : 1
alpham = 1/exprel(-(v + 40*mV)/(10*mV))/ms : Hz
betam = 4*exp(-(v + 65*mV)/(18*mV))/ms : Hz
alphah = 0.07*exp(-(v + 65*mV)/(20*mV))/ms : Hz
betah = 1/(1 + exp(-(v + 35*mV)/(10*mV)))/ms : Hz
alphan = 0.1/exprel(-(v + 55*mV)/(10*mV))/ms : Hz
betan = 0.125*exp(-(v + 65*mV)/(80*mV))/ms : Hz
"""
axon = SpatialNeuron(
    Cylinder(length=10 * cm, diameter=476 * um, n=500),
    equations,
    Cm=1 * ufarad / cm**2,
    Ri=35.4 * ohm * cm,
    method="exponential_euler",
)
axon.v, axon.m, axon.h, axon.n = -65 * mV, 0.05, 0.6, 0.32

places = [100, 200, 300, 400]  # 2 cm apart
potential = StateMonitor(axon, "v", record=places)

run(0.5 * ms)
axon.I[0] = 20 * uA
run(0.2 * ms)
axon.I[0] = 0 * amp
run(6 * ms)

arrival = potential.t[potential.v.argmax(axis=1)]
velocity = axon.distance[places[-1]] - axon.distance[places[0]]
velocity /= arrival[-1] - arrival[0]
print(f"{velocity / (meter / second):.1f} m/s")
if "plot" not in globals():
    print("For the picture: pip install matplotlib")
    raise SystemExit
plot(potential.t / ms, potential.v.T / mV)
legend([f"{axon.distance[place] / cm:.0f} cm" for place in places])
xlabel("time (ms)")
ylabel("v (mV)")
show()
