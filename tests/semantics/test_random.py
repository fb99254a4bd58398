"""Random numbers: their distribution, their independence, and what a seed means.

Samples are drawn under Brian's runtime and under the device and compared by the Kolmogorov-Smirnov
distance; means, variances and correlations are compared with theory by how many standard errors
they are away. Seeds are fixed, and the limits are those of a probability of about 1e-4.
"""

import numpy as np
import pytest
from brian2 import (
    BinomialFunction,
    Hz,
    Network,
    NeuronGroup,
    PoissonGroup,
    PoissonInput,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    kHz,
    ms,
    prefs,
    run,
    seed,
    set_device,
)

from tests import devices
from tests.semantics.harness import Case, Cases

#: Standard errors, and the critical value of the Kolmogorov-Smirnov distance, at p = 1e-4.
SIGMAS = 3.9
CRITICAL = np.sqrt(-np.log(1e-4 / 2) / 2)

cases = Cases()


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """The distance of two samples, scaled so that it does not depend on their sizes."""
    values = np.concatenate([a, b])
    below_a = np.searchsorted(np.sort(a), values, side="right") / len(a)
    below_b = np.searchsorted(np.sort(b), values, side="right") / len(b)
    return np.max(np.abs(below_a - below_b)) * np.sqrt(len(a) * len(b) / (len(a) + len(b)))


def samples(**arrays) -> dict[str, np.ndarray]:
    """Copies: what Brian gives can be a view of memory that goes with the object."""
    return {name: np.array(array) for name, array in arrays.items()}


@cases.over(method=["euler", "heun"])
def ornstein_uhlenbeck(method):
    group = NeuronGroup(2000, "dx/dt = -x/ms + (2/ms)**0.5*xi : 1", method=method)
    run(5 * ms)
    return samples(x=group.x[:])


@cases
def multiplicative_noise():
    group = NeuronGroup(2000, "dx/dt = 0.1*x/ms + 0.5*x*xi*ms**-0.5 : 1", method="milstein")
    group.x = 1
    run(2 * ms)
    return samples(x=group.x[:])


@cases
def noise_of_synapses():
    source = NeuronGroup(40, "v : 1")
    synapses = Synapses(
        source, source, "dx/dt = -x/ms + xi*ms**-0.5 : 1 (clock-driven)", method="euler"
    )
    synapses.connect()
    run(2 * ms)
    return samples(x=synapses.x[:])


@cases
def noise_constant_over_dt():
    group = NeuronGroup(
        2000, "dx/dt = noise/ms : 1\nnoise = randn() : 1 (constant over dt)", method="rk2"
    )
    run(1 * ms)
    return samples(x=group.x[:], noise=group.noise[:])


@cases
def poisson_groups():
    array = PoissonGroup(1500, rates=400 * Hz)
    text = PoissonGroup(1500, rates="(1 + i%2)*kHz")
    first, second = SpikeMonitor(array), SpikeMonitor(text)
    run(20 * ms)
    return samples(
        array=first.count[:],
        even=second.count[::2],
        odd=second.count[1::2],
        intervals=np.concatenate([np.diff(t) for t in first.spike_trains().values()]),
    )


@cases
def poisson_inputs():
    group = NeuronGroup(2000, "x : 1\ny : 1\nz : 1")
    inputs = [
        PoissonInput(group, "x", N=20, rate=100 * Hz, weight=1),
        PoissonInput(group, "y", N=1000, rate=0.5 * kHz, weight=1),
        PoissonInput(group, "z", N=1, rate=3 * kHz, weight="0.5"),
    ]
    Network(group, inputs).run(3 * ms)
    return samples(x=group.x[:], y=group.y[:], z=group.z[:])


@cases
def random_threshold_and_reset():
    group = NeuronGroup(
        2000, "x : 1\nn : integer", threshold="rand() < 0.2", reset="x += rand()\nn += 1"
    )
    run(3 * ms)
    return samples(x=group.x[:], n=group.n[:])


@cases
def random_effects_of_synapses():
    source = SpikeGeneratorGroup(1, np.zeros(20, int), np.arange(20) * 0.1 * ms)
    target = NeuronGroup(2000, "got : 1\nnoise : 1")
    synapses = Synapses(
        source,
        target,
        "w : 1",
        on_pre="w += rand()\ngot_post += int(rand() < 0.3)\nnoise += randn()",
    )
    synapses.connect()
    synapses.delay = "0.1*ms*(j % 5)"
    run(2 * ms)
    return samples(w=synapses.w[:], got=target.got[:], noise=target.noise[:])


@cases.over(rate=[0.01, 0.7, 8, 35, 1000])
def poisson_function(rate):
    group = NeuronGroup(3000, "n : 1\nm : 1\nlevel : 1")
    group.level = rate
    group.run_regularly(f"n = poisson({rate})\nm = poisson(level*(1 + i%2))")
    run(0.2 * ms)
    return samples(n=group.n[:], even=group.m[::2], odd=group.m[1::2])


@cases.over(n_p=[(1, 0.3), (5, 0.9), (20, 0.1), (100, 0.5), (10000, 0.0003), (1000, 1.0), (7, 0.0)])
def binomial_function(n_p):
    draw = BinomialFunction(*n_p, approximate=False)
    rough = BinomialFunction(*n_p, approximate=True)
    group = NeuronGroup(3000, "n : 1\nm : 1", namespace={"draw": draw, "rough": rough})
    group.run_regularly("n = draw()\nm = rough()")
    run(0.2 * ms)
    return samples(n=group.n[:], m=group.m[:])


@cases
def random_connections():
    source, target = NeuronGroup(300, "v : 1"), NeuronGroup(200, "v : 1")
    sparse, dense = Synapses(source, target), Synapses(source, target)
    sparse.connect(p=0.03)
    dense.connect(condition="i != j", p="0.5 + 0.3*int(j % 2 == 0)")
    drawn = Synapses(source, target)
    drawn.connect(j="k for k in sample(N_post, p=0.1)")
    run(0 * ms)
    return samples(
        sparse=sparse.N_outgoing_pre[:],
        dense=dense.N_incoming_post[:],
        drawn=drawn.N_outgoing_pre[:],
    )


@cases
def random_initial_values():
    group = NeuronGroup(3000, "x : 1\ny : 1\nn : integer")
    group.x = "rand()"
    group.y = "3 + 2*randn()"
    group.n["x > 0.5"] = "int(10*rand())"
    return samples(x=group.x[:], y=group.y[:], n=group.n[:])


@pytest.mark.parametrize("case", cases, ids=str)
def test_distribution(case):
    def drawn(device, value):
        def function(**arguments):
            seed(value)
            return case.function(**arguments)

        return Case(function, case.arguments, case.tolerance).run(device)

    reference, result = drawn("runtime", 5), drawn(devices.DEVICE, 2)
    assert set(reference) == set(result)
    for name, sample in reference.items():
        found = distance(sample, result[name])
        assert found < CRITICAL, f"{name}: {found:.2f}"


@pytest.fixture
def on_device(device):
    """The rest looks at the device alone."""
    set_device(device, **devices.REPRODUCIBLE)
    prefs.codegen.target = "numpy"


def test_mean_and_variance_of_a_noisy_process(on_device):
    """Euler's method makes x an autoregressive process of known variance."""
    seed(3)
    group = NeuronGroup(4000, "dx/dt = -x/ms + (2/ms)**0.5*xi : 1", method="euler")
    run(6 * ms)
    x = group.x[:]
    variance = 0.2 / (1 - 0.9**2)
    assert abs(np.mean(x)) < SIGMAS * np.sqrt(variance / len(x))
    assert abs(np.var(x) - variance) < SIGMAS * variance * np.sqrt(2 / len(x))


def test_poisson_counts(on_device):
    """In each step a neuron fires with probability rate*dt, independently of the others."""
    seed(4)
    group = PoissonGroup(1000, rates=500 * Hz)
    spikes = SpikeMonitor(group)
    run(20 * ms)
    trials, p = 1000 * 200, 0.05
    assert abs(spikes.num_spikes - trials * p) < SIGMAS * np.sqrt(trials * p * (1 - p))
    steps = np.bincount(np.round(spikes.t / ms * 10).astype(int), minlength=200)
    assert abs(np.var(steps) / (1000 * p * (1 - p)) - 1) < SIGMAS * np.sqrt(2 / 200)


def test_uniform_numbers_stay_in_their_interval(on_device):
    seed(5)
    group = NeuronGroup(5000, "low : 1\nhigh : 1\nx : 1")
    group.low = 1
    group.run_regularly("x = rand()\nlow = clip(x, 0, low)\nhigh = clip(x, high, 1)")
    run(10 * ms)
    assert 0 <= np.min(group.low) < 1e-4
    assert 1 - 1e-4 < np.max(group.high) < 1


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """The correlation in standard errors of what independent samples give."""
    return np.corrcoef(np.ravel(a), np.ravel(b))[0, 1] * np.sqrt(np.size(a))


def test_streams_are_independent(on_device):
    """Two groups, two call sites, neighbours, successive steps, successive runs."""
    seed(6)
    model = "a : 1\nb : 1\nc : 1"
    draw = "a = randn()\nb = randn()\nc = rand()"
    first, second = NeuronGroup(500, model, name="first"), NeuronGroup(500, model, name="second")
    first.run_regularly(draw)
    second.run_regularly(draw)
    one = StateMonitor(first, ["a", "b", "c"], record=True)
    two = StateMonitor(second, ["a", "b", "c"], record=True)
    network = Network(first, second, one, two)
    network.run(2 * ms)
    network.run(2 * ms)
    # The first column is from before the first draw.
    a, b, c = one.a[:, 1:], one.b[:, 1:], one.c[:, 1:]
    pairs = {
        "groups": (a, two.a[:, 1:]),
        "groups, uniform": (c, two.c[:, 1:]),
        "call sites": (a, b),
        "call sites of the other group": (a, two.b[:, 1:]),
        "kinds": (a, c),
        "neighbours": (a[1:], a[:-1]),
        "fourth neighbours": (a[4:], a[:-4]),
        "steps": (a[:, 1:], a[:, :-1]),
        "squares of call sites": (a**2, b**2),
        "runs": (a[:, :19], a[:, 20:]),
    }
    found = {name: correlation(*pair) for name, pair in pairs.items()}
    assert all(abs(value) < SIGMAS for value in found.values()), found
    assert abs(np.mean(a)) < SIGMAS / np.sqrt(a.size)
    assert abs(np.var(a) - 1) < SIGMAS * np.sqrt(2 / a.size)


def random_network(value: int | None, durations=(1.0, 1.0)) -> list[np.ndarray]:
    """Everything random at once; what came of it."""
    if value is not None:
        seed(value)
    inputs = PoissonGroup(30, rates="(1 + i%3)*kHz", name="inputs")
    cells = NeuronGroup(
        20,
        "dv/dt = -v/ms + 0.5*xi*ms**-0.5 : 1",
        threshold="v > 0.5 + 0.2*rand()",
        reset="v = -rand()",
        method="euler",
        name="cells",
    )
    cells.v = "rand()"
    synapses = Synapses(inputs, cells, "w : 1", on_pre="v_post += w*rand()", name="synapses")
    synapses.connect(p=0.3)
    synapses.w = "0.3*randn()"
    synapses.delay = "rand()*ms"
    more = PoissonInput(cells, "v", N=10, rate=100 * Hz, weight=0.1)
    spikes = SpikeMonitor(cells, "v")
    network = Network(inputs, cells, synapses, more, spikes)
    for duration in durations:
        network.run(duration * ms)
    return [
        np.array(x)
        for x in (cells.v, spikes.i, spikes.t, spikes.v, synapses.i, synapses.w, synapses.delay)
    ]


def same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_one_seed_one_result(on_device):
    reference = random_network(11)
    assert len(reference[1]) > 10
    assert same(reference, random_network(11))
    assert not same(reference, random_network(12))
    assert same(reference, random_network(11))


def test_without_a_seed_each_run_is_another(on_device):
    assert not same(random_network(None), random_network(None))


def test_a_run_in_parts_is_the_run(on_device):
    assert same(random_network(13, (2.0,)), random_network(13, (0.7, 1.3)))


def test_seed_none_forgets_the_seed(on_device):
    seed(14)
    seed(None)
    first = random_network(None)
    seed(14)
    seed(None)
    assert not same(first, random_network(None))


def test_noise_frozen_by_the_seed(on_device):
    """The same seed before two runs of one network gives both the same input."""
    inputs = PoissonGroup(50, rates=2 * kHz)
    spikes = SpikeMonitor(inputs)
    network = Network(inputs, spikes)
    trains = []
    for k in range(3):
        seed(15 if k < 2 else 16)
        network.run(2 * ms)
        here = spikes.t >= k * 2 * ms - 0.05 * ms
        steps = np.round(spikes.t[here] / (0.1 * ms)).astype(int) - 20 * k
        trains.append([np.array(spikes.i[:])[here], steps])
    assert len(trains[0][0]) > 100
    assert same(trains[0], trains[1])
    assert not same(trains[0], trains[2])


def test_noise_frozen_by_seed_and_restore(on_device):
    inputs = PoissonGroup(50, rates=2 * kHz)
    spikes = SpikeMonitor(inputs)
    network = Network(inputs, spikes)
    network.run(0.5 * ms)
    network.store()
    trains = []
    for value in (17, 17, 18):
        network.restore()
        seed(value)
        network.run(2 * ms)
        trains.append([np.array(spikes.i[:]), np.array(spikes.t[:])])
    assert same(trains[0], trains[1])
    assert not same(trains[0], trains[2])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_numbers_of_an_element_do_not_depend_on_the_others(on_device, dtype):
    """The first elements of groups of all sizes get the same numbers."""
    prefs.core.default_float_dtype = dtype
    reference = None
    for n in (1500, 1025, 513, 512, 7, 5, 4, 3, 2, 1):
        seed(20)
        group = NeuronGroup(n, "x : 1\ny : 1\nz : 1", threshold="rand() < 0.5", name="group")
        group.run_regularly("x = rand()\ny = randn()\nz = rand()*randn()")
        spikes = SpikeMonitor(group)
        Network(group, spikes).run(0.3 * ms)
        found = [np.array(value) for value in (group.x, group.y, group.z, spikes.count)]
        assert n < 100 or len(np.unique(found[0])) == n
        reference = reference or found
        assert same(found, [value[:n] for value in reference])


def test_single_precision_noise(on_device):
    """Numbers of single precision are as normal as those of double."""
    prefs.core.default_float_dtype = np.float32
    seed(19)
    group = NeuronGroup(4000, "dx/dt = -x/ms + (2/ms)**0.5*xi : 1\nu : 1", method="euler")
    group.run_regularly("u = rand()")
    run(3 * ms)
    assert group.x[:].dtype == np.float32
    variance = 0.2 * (1 - 0.9 ** (2 * 30)) / (1 - 0.9**2)
    assert abs(np.mean(group.x)) < SIGMAS * np.sqrt(variance / 4000)
    assert abs(np.var(group.x) - variance) < SIGMAS * variance * np.sqrt(2 / 4000)
    assert np.min(group.u) >= 0
    assert np.max(group.u) < 1
    assert abs(np.mean(group.u) - 0.5) < SIGMAS * np.sqrt(1 / 12 / 4000)


@pytest.mark.parametrize("noise", ["", " + rand()/ms"])
def test_numpys_generator_is_left_alone_by_what_draws_nothing(on_device, noise):
    """A script that draws initial values between runs gets those that it gets in Brian."""
    group = NeuronGroup(10, f"dv/dt = -v/ms{noise} : 1", threshold="v > 0.9", reset="v = 0",
                        method="euler")  # fmt: skip
    synapses = Synapses(group, group, on_pre="v_post += 0.1")
    synapses.connect(j="(i + 1) % 10")
    network = Network(group, synapses)
    network.store()
    seed()  # other tests may have left one
    np.random.seed(7)
    for _ in range(2):
        network.restore()
        group.v = np.random.uniform(size=10)
        network.run(1 * ms)
    after = np.random.uniform()
    np.random.seed(7)
    expected = np.random.uniform(size=21)[-1]
    assert (after == expected) == (not noise)
