"""Random numbers in set-up code: one seed, one network; and the right distributions."""

import numpy as np
import pytest
from brian2 import (
    DEFAULT_FUNCTIONS,
    Function,
    Network,
    NeuronGroup,
    Synapses,
    ms,
    seed,
    set_device,
)
from scipy import stats

from tests import devices

pytestmark = pytest.mark.usefixtures("on_device")


@pytest.fixture
def on_device(device):
    set_device(device)


def built(value: int | None = None) -> list[np.ndarray]:
    """A network of which all that can be is random."""
    if value is not None:
        seed(value)
    group = NeuronGroup(40, "v : 1\nw : 1\nb : boolean", threshold="v > 100")
    group.v = "rand()"
    group.w["v > 0.5"] = "randn() + poisson(3)"
    group.b = "rand() < 0.3"
    results = [group.v[:], group.w[:], group.b[:]]
    for arguments in (
        {"p": 0.1},
        {"p": 0.6},
        {"condition": "i != j", "p": "0.2 + 0.1*rand()"},
        {"condition": "rand() < v_post"},
        {"j": "k for k in sample(N_post, size=5)"},
        {"i": "k for k in sample(N_pre, p=0.1)"},
        {"condition": "i == j", "n": "poisson(2)"},
    ):
        synapses = Synapses(group, group, "u : 1", on_pre="u += 1")
        synapses.connect(**arguments)
        synapses.u = "rand()*i"
        synapses.delay = "rand()*5*ms"
        views = [synapses.i[:], synapses.j[:], synapses.u[:], synapses.delay[:] / ms]
        # copies: from Brian 2.10 on the memory goes with the synapses
        results += [np.array(view) for view in views]
    return [np.array(result) for result in results]


def same(a: list[np.ndarray], b: list[np.ndarray]) -> list[bool]:
    return [np.array_equal(x, y) for x, y in zip(a, b, strict=True)]


def test_one_seed_one_network():
    first, again, other = built(1), built(1), built(2)
    assert all(same(first, again))
    assert same(first, other).count(True) == 1  # the sources of samples of a fixed size


def test_without_a_new_seed_all_is_another():
    assert same(built(3), built()).count(True) == 1


def test_what_python_draws_changes_nothing():
    first = built(4)
    seed(4)
    np.random.rand(17)
    assert all(same(first, built()))


def test_reading_changes_nothing():
    """Code that draws nothing does not shift what comes after it."""
    seed(5)
    group = NeuronGroup(10, "v : 1")
    group.v = "rand()"
    first = np.array(group.v)
    group.v = "rand()"
    second = np.array(group.v)
    seed(5)
    group.v = "rand()"
    np.testing.assert_array_equal(group.v, first)
    group.v["v > 0.5"]
    group.v["v > 2"] = "v + 1"
    group.v = "rand()"
    np.testing.assert_array_equal(group.v, second)


def test_an_element_has_its_number_whatever_else_is_set():
    seed(6)
    group = NeuronGroup(20, "v : 1")
    group.v = "rand()"
    all_of_them = np.array(group.v)
    seed(6)
    group.v = 0
    group.v["i % 3 == 0"] = "rand()"
    np.testing.assert_array_equal(group.v[::3], all_of_them[::3])
    assert np.count_nonzero(group.v) == 7
    seed(6)
    group.v[[7, 2]] = "rand()"
    np.testing.assert_array_equal(group.v[[7, 2]], all_of_them[[7, 2]])


def test_calls_are_independent():
    """Assignments, the synapses' delays and the noise of a run do not repeat each other."""
    seed(7)
    n = 5000
    group = NeuronGroup(n, "dv/dt = xi*ms**-0.5 : 1\na : 1\nb : 1\nc : 1", method="euler")
    group.a = "rand()"
    group.b = "rand()"
    group.c = "1 - rand()"
    Network(group).run(0.1 * ms)
    numbers = [group.a[:], group.b[:], group.c[:], group.v[:]]
    matrix = np.corrcoef(numbers) - np.eye(4)
    assert np.abs(matrix).max() < 5 / np.sqrt(n)


def test_store_and_restore():
    seed(8)
    group = NeuronGroup(10, "v : 1")
    network = Network(group)
    group.v = "rand()"
    network.store()
    group.v = "rand()"
    after = np.array(group.v)
    network.restore(restore_random_state=True)
    group.v = "rand()"
    np.testing.assert_array_equal(group.v, after)
    network.restore()
    group.v = "rand()"
    assert not np.any(group.v == after)


def test_distributions():
    seed(9)
    group = NeuronGroup(20000, "u : 1\nz : 1\nk : integer")
    group.u, group.z, group.k = "rand()", "2*randn() + 1", "poisson(4)"
    assert stats.kstest(group.u, "uniform").pvalue > 1e-3
    assert stats.kstest((group.z - 1) / 2, "norm").pvalue > 1e-3
    counts = np.bincount(group.k, minlength=13)
    expected = stats.poisson.pmf(np.arange(12), 4)
    expected = 20000 * np.append(expected, 1 - expected.sum())
    counts = np.append(counts[:12], counts[12:].sum())
    assert stats.chisquare(counts, expected).pvalue > 1e-3


def degrees(n_pre, n_post, **arguments):
    pre, post = NeuronGroup(n_pre, "x : 1"), NeuronGroup(n_post, "y : 1")
    synapses = Synapses(pre, post)
    synapses.connect(**arguments)
    assert np.all(np.diff(synapses.i) >= 0) or "i" in arguments
    rows = np.array(synapses.i) * n_post + synapses.j
    assert len(np.unique(rows)) == len(rows)
    return np.bincount(synapses.i, minlength=n_pre), np.bincount(synapses.j, minlength=n_post)


@pytest.mark.parametrize("p", [0.004, 0.1, 0.249, 0.25, 0.7, 0.999])
@pytest.mark.parametrize("form", ["p", "sample", "condition", "sources"])
def test_degrees_are_binomial(p, form):
    seed(10)
    n_pre, n_post = 600, 500
    out, into = degrees(
        n_pre,
        n_post,
        **{
            "p": {"p": p},
            "sample": {"j": f"k for k in sample(N_post, p={p})"},
            "condition": {"condition": f"rand() < {p}"},
            "sources": {"i": f"k for k in sample(N_pre, p={p})"},
        }[form],
    )
    for counts, population in ((out, n_post), (into, n_pre)):
        # the variance of all degrees says whether rows or columns repeat each other
        spread = np.sum((counts - population * p) ** 2) / (population * p * (1 - p))
        assert 1e-4 < stats.chi2.cdf(spread, len(counts)) < 1 - 1e-4
    total, pairs = out.sum(), n_pre * n_post
    assert abs(total - p * pairs) < 4 * np.sqrt(pairs * p * (1 - p))


def test_gaps_between_targets_are_geometric():
    seed(11)
    pre, post = NeuronGroup(1, "x : 1"), NeuronGroup(200000, "y : 1")
    synapses = Synapses(pre, post)
    synapses.connect(p=0.05)
    gaps = np.diff(synapses.j[:])
    counts = np.bincount(gaps, minlength=102)[1:]
    expected = stats.geom.pmf(np.arange(1, 101), 0.05)
    expected = len(gaps) * np.append(expected, 1 - expected.sum())
    counts = np.append(counts[:100], counts[100:].sum())
    assert stats.chisquare(counts, expected).pvalue > 1e-3


def test_each_row_has_its_probability():
    seed(12)
    n = 2000
    pre, post = NeuronGroup(5, "x : 1"), NeuronGroup(n, "y : 1")
    pre.x = [0, 0.01, 0.2, 0.9, 1]
    synapses = Synapses(pre, post)
    synapses.connect(p="x_pre")
    counts = np.bincount(synapses.i, minlength=5)
    p = np.array(pre.x)
    assert counts[0] == 0 and counts[4] == n
    assert np.all(np.abs(counts - n * p) <= 4 * np.sqrt(n * p * (1 - p)))


SAMPLES = [(10, 3), (100, 97), (64, 32), (5000, 7), (130, 1)]


@pytest.mark.parametrize(("population", "size"), SAMPLES)
def test_samples_have_their_size_and_are_fair(population, size):
    seed(13)
    rows = 400
    out, into = degrees(rows, population, j=f"k for k in sample(N_post, size={size})")
    assert np.all(out == size)
    expected = rows * size / population
    # without replacement the counts vary less than independent ones by this factor
    spread = np.sum((into - expected) ** 2 / expected) / (1 - size / population)
    assert 1e-4 < stats.chi2.cdf(spread, population - 1) < 1 - 1e-4


def test_samples_of_parts_of_a_range():
    seed(14)
    group = NeuronGroup(100, "x : 1")
    synapses = Synapses(group, group)
    synapses.connect(j="k for k in sample(90, 9, -3, size=5)")
    targets = np.array(synapses.j[:]).reshape(100, 5)
    assert np.all(np.diff(targets) < 0)
    assert set(targets.ravel()) == set(range(90, 9, -3))


def test_rows_do_not_depend_on_each_other():
    """A neuron's targets are the same, whatever other neurons there are."""
    targets = []
    for n in (3, 10):
        seed(15)
        pre, post = NeuronGroup(n, "x : 1"), NeuronGroup(300, "y : 1")
        found = []
        for arguments in (
            {"p": 0.1},
            {"condition": "rand() < 0.4 + 0.1*randn()"},
            {"j": "k for k in sample(N_post, size=20)"},
        ):
            synapses = Synapses(pre, post)
            synapses.connect(**arguments)
            found.append(np.array(synapses.j["i < 3"]))
        targets.append(found)
    assert all(same(*targets))


def noisy() -> Function:
    """A uniform plus ten times a normal number, both drawn by C++ code."""
    function = Function(
        lambda x, _: x, arg_units=[1], return_unit=1, stateless=False, auto_vectorise=True
    )
    function.implementations.add_implementation(
        "cpp",
        """static double noisy(double x, int _vectorisation_idx)
        {
            return x + _rand(_vectorisation_idx) + 10*_randn(_vectorisation_idx);
        }""",
        dependencies={"_rand": DEFAULT_FUNCTIONS["rand"], "_randn": DEFAULT_FUNCTIONS["randn"]},
    )
    return function


@pytest.mark.skipif(devices.BACKEND == "numpy", reason="Brian's NumPy code has no C++")
def test_user_functions_that_draw():
    """C++ code that calls Brian's rand() and randn(): in set-up code and in the loop."""
    names = {"noisy": noisy()}

    def run(value):
        seed(value)
        group = NeuronGroup(4000, "v : 1\nw : 1", namespace=names)
        group.v = "noisy(0)"
        group.w = "noisy(0)"
        group.run_regularly("v = noisy(1000)", when="end")
        group.run_regularly("w = noisy(0)", when="end", order=1)
        before = [np.array(group.v), np.array(group.w)]
        Network(group).run(0.2 * ms)
        synapses = Synapses(group, group, namespace=names)
        synapses.connect(condition="i < 20 and noisy(0) > 10")
        pairs = np.array(synapses.i) * 4000 + synapses.j
        return [*before, np.array(group.v) - 1000, np.array(group.w), pairs]

    first, again = run(16), run(16)
    assert all(same(first, again))
    values = first[:4]
    assert np.abs(np.corrcoef(values) - np.eye(4)).max() < 5 / np.sqrt(4000)
    for numbers in values:
        assert abs(numbers.mean() - 0.5) < 5 * 10 / np.sqrt(4000)
        assert abs(numbers.std() / np.sqrt(100 + 1 / 12) - 1) < 0.06
    p = 1 - stats.norm.cdf((10 - 0.5) / np.sqrt(100 + 1 / 12))
    assert abs(len(first[4]) / 80000 - p) < 5 * np.sqrt(p * (1 - p) / 80000)


def test_single_precision(device):
    from brian2 import prefs

    prefs.core.default_float_dtype = np.float32
    seed(17)
    group = NeuronGroup(5000, "u : 1\nz : 1")
    group.u, group.z = "rand()", "randn()"
    assert group.u[:].dtype == np.float32 and group.u[:].max() < 1
    assert stats.kstest(group.u, "uniform").pvalue > 1e-3
    assert stats.kstest(group.z, "norm").pvalue > 1e-3
    synapses = Synapses(group[:300], group[:300])
    synapses.connect(p=0.1)
    assert abs(len(synapses) - 9000) < 4 * np.sqrt(8100)
