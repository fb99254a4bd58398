"""The insect mushroom body learning odours, the second network of the Brian2GeNN paper.

M. Stimberg, D. F. M. Goodman and T. Nowotny, "Brian2GeNN: accelerating spiking neural network
simulations with graphics hardware", Sci. Rep. 10 (2020) 410, after T. Nowotny, R. Huerta,
H. D. I. Abarbanel and M. I. Rabinovich, "Self-organization in the olfactory system: one shot odor
recognition in insects", Biol. Cybern. 93 (2005) 436-446.

As in the benchmark of that paper, the neurons are of the Hodgkin-Huxley type and the lateral horn
is left out: 100 projection neurons play back odours, 2,500 Kenyon cells receive 15 % of them, 100
output neurons receive all Kenyon cells through plastic synapses and inhibit one another.
"""

from __future__ import annotations

from typing import Any

from brian2 import (
    NeuronGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    Synapses,
    mV,
    ms,
    nF,
    nS,
    np,
    uS,
)


def build(n_kenyon: int = 2500, duration: float = 1.0) -> dict[str, Any]:
    """Make the network.

    Parameters
    ----------
    n_kenyon
        Kenyon cells. The weights onto the output neurons scale with their inverse, and from 10,000
        on each output neuron receives 10,000 of them.
    duration
        Seconds of odours to play back: one every 50 ms.
    """
    n_projection = 100
    n_output = 100
    n_inputs = min(n_kenyon, 10_000)
    k = 2500 / n_inputs

    C_m = 0.3 * nF
    g_Na = 7.15 * uS
    g_K = 1.43 * uS
    g_leak = 0.0267 * uS
    E_Na = 50 * mV
    E_K = -95 * mV
    E_leak = -63.56 * mV
    VT = -63 * mV
    E_e = 0 * mV
    E_i = -92 * mV
    tau_projection = 2 * ms
    tau_kenyon = 10 * ms
    tau_output = 5 * ms
    tau_stdp = 10 * ms
    gain = 0.675  # brings the activity into the range of the original model
    w_inhibition = 75 * nS
    w_max = 3.75 * nS * k
    step = 0.1 * nS * k

    membrane = """
    dV/dt = -(g_Na*m**3*h*(V - E_Na) + g_K*n**4*(V - E_K) + g_leak*(V - E_leak) + I_syn)/C_m : volt
    dm/dt = alpha_m*(1 - m) - beta_m*m : 1
    dn/dt = alpha_n*(1 - n) - beta_n*n : 1
    dh/dt = alpha_h*(1 - h) - beta_h*h : 1
    alpha_m = 0.32*(mV**-1)*4*mV/exprel((13*mV - V + VT)/(4*mV))/ms : Hz
    beta_m = 0.28*(mV**-1)*5*mV/exprel((V - VT - 40*mV)/(5*mV))/ms : Hz
    alpha_h = 0.128*exp((17*mV - V + VT)/(18*mV))/ms : Hz
    beta_h = 4./(1 + exp((40*mV - V + VT)/(5*mV)))/ms : Hz
    alpha_n = 0.032*(mV**-1)*5*mV/exprel((15*mV - V + VT)/(5*mV))/ms : Hz
    beta_n = .5*exp((10*mV - V + VT)/(40*mV))/ms : Hz
    """

    # An odour is 20 projection neurons that spike together, give or take 1 ms; at each presentation
    # a tenth of them are replaced by others. The same odours in every run and on every device.
    random = np.random.default_rng(2005)
    odours = [random.choice(n_projection, 20, replace=False) for _ in range(10)]
    indices, times = [], []
    for presentation in range(int(np.ceil(duration / 0.05))):
        odour = odours[random.integers(10)]
        kept = odour[random.random(20) >= 0.1]
        active = np.union1d(kept, random.integers(n_projection, size=20 - len(kept)))
        indices.extend(active)
        times.extend([presentation * 50 + 1 + 2 * random.random()] * len(active))
    projection = SpikeGeneratorGroup(n_projection, indices, times * ms)

    kenyon = NeuronGroup(
        n_kenyon,
        membrane
        + """
        I_syn = g_projection*(V - E_e) : amp
        dg_projection/dt = -g_projection/tau_projection : siemens
        """,
        threshold="V > 0*mV",
        refractory="V > 0*mV",
        method="exponential_euler",
    )
    output = NeuronGroup(
        n_output,
        membrane
        + """
        I_syn = g_kenyon*(V - E_e) + g_output*(V - E_i) : amp
        dg_kenyon/dt = -g_kenyon/tau_kenyon : siemens
        dg_output/dt = -g_output/tau_output : siemens
        """,
        threshold="V > 0*mV",
        refractory="V > 0*mV",
        method="exponential_euler",
    )
    for group in (kenyon, output):
        group.V = E_leak
        group.h = 1
        group.n = 0.5

    to_kenyon = Synapses(projection, kenyon, "w : siemens", on_pre="g_projection += gain*w")
    to_kenyon.connect(p=0.15)
    to_kenyon.w = "10*nS + 1.25*nS*randn()"

    to_output = Synapses(
        kenyon,
        output,
        """
        w : siemens
        da_kenyon/dt = -a_kenyon/tau_stdp : siemens (event-driven)
        da_output/dt = -a_output/tau_stdp : siemens (event-driven)
        """,
        on_pre="""
        g_kenyon += w
        a_kenyon += step
        w = clip(w + a_output, 0*nS, w_max)
        """,
        on_post="""
        a_output -= step
        w = clip(w + a_kenyon, 0*nS, w_max)
        """,
    )
    if n_inputs < n_kenyon:
        to_output.connect(p=n_inputs / n_kenyon)
    else:
        to_output.connect()
    # most synapses start weak, a fifth of them strong
    to_output.w = "rand()*w_max/10"
    to_output.w["rand() < 0.2"] = "(2.5*nS + 0.5*nS*randn())*k"

    inhibition = Synapses(output, output, on_pre="g_output += gain*w_inhibition")
    inhibition.connect()

    projection_spikes = SpikeMonitor(projection)
    kenyon_spikes = SpikeMonitor(kenyon)
    output_spikes = SpikeMonitor(output)
    return locals()
