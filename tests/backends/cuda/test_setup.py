"""Networks built on the device are those built on the processor, to the last bit."""

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    SpikeMonitor,
    Synapses,
    exp,  # noqa: F401
    ms,
    prefs,
    seed,
    set_device,
)
from brian2.core.base import BrianObjectException

import brian2genn
from brian2genn.backends.cuda.device import bindings, compiler
from brian2genn.backends.cuda.device.driver import CudaUnavailable
from tests import devices
from tests.cuda_shim.driver import ShimDriver
from tests.semantics.harness import compare, observe


@pytest.fixture
def launched(shim, monkeypatch):
    """The names of the set-up kernels that were launched, however small the task."""
    devices.set_defaults(monkeypatch, setup_from=0)
    names = []
    launch = ShimDriver.launch

    def remember(self, launches):
        names.extend(one.kernel[1] for one in launches)
        return launch(self, launches)

    monkeypatch.setattr(ShimDriver, "launch", remember)
    return names


def groups(n: int = 90):
    pre = NeuronGroup(n, "x : 1\nk : integer", threshold="x > 2", name="pre_group")
    post = NeuronGroup(n - 20, "y : 1\nz : 1 (shared)", name="post_group")
    pre.x = "rand()*i/N"
    pre.k = "i % 7"
    post.y = "0.5 + 0.1*randn()"
    post.z = 0.3
    return pre, post


def both(script) -> tuple:
    """The results of a script on the CPU and on the shim."""
    results = []
    for backend in ("cpu", "cuda"):
        set_device("genn", backend=backend)
        seed(5)
        results.append(script())
    return tuple(results)


def exactly_the_same(one: dict, other: dict) -> None:
    assert set(one) == set(other)
    for name, value in one.items():
        assert value.dtype == other[name].dtype, name
        np.testing.assert_array_equal(value, other[name], name)


PATTERNS = {
    "probability": {"p": 0.1},
    "large_probability": {"p": 0.6},
    "probability_of_each_pair": {"p": "0.2 + 0.1*x_pre"},
    "all": {},
    "condition": {"condition": "x_pre < y_post and i != j"},
    "condition_and_probability": {"condition": "abs(i - j) < 20", "p": 0.3},
    "random_condition": {"condition": "rand() < x_pre and randn() < z_post"},
    "several": {"condition": "i == j", "n": "1 + i % 3"},
    "one_partner": {"j": "i % N_post"},
    "range": {"j": "k for k in range(i - 3, i + 4, 2)", "skip_if_invalid": True},
    "range_with_condition": {"j": "k for k in range(N_post) if k % 5 == k_pre % 5"},
    "sample": {"j": "k for k in sample(N_post, p=0.05)"},
    "sample_of_a_range": {"j": "k for k in sample(10, N_post, 3, p=0.5)"},
    "from_targets": {"i": "k for k in sample(N_pre, p=0.1) if k != j"},
    "nothing": {"condition": "i > 1000"},
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_synapses(launched, pattern):
    def script():
        pre, post = groups()
        synapses = Synapses(pre, post, "w : 1", multisynaptic_index="number")
        synapses.connect(**PATTERNS[pattern])
        synapses.connect(**PATTERNS[pattern])
        synapses.w = "randn()"
        return observe(synapses=synapses) | {
            "out": np.array(synapses.N_outgoing_pre), "in": np.array(synapses.N_incoming_post)
        }  # fmt: skip

    exactly_the_same(*both(script))
    assert launched.count("count_rows") == 2
    assert launched.count("fill_rows") == 2


def test_subgroups(launched):
    def script():
        pre, post = groups()
        synapses = Synapses(pre[10:60], post[5:], "w : 1")
        synapses.connect(p=0.2)
        synapses.connect(j="k for k in range(i, i + 2)")
        return observe(synapses=synapses)

    exactly_the_same(*both(script))
    assert launched.count("fill_rows") == 2


ASSIGNMENTS = [
    ("w", "rand()"),
    ("w", "randn()*rand() + 3"),
    ("w", "sqrt(abs(x_pre - y_post)) + clip(x_pre, 0.1, 0.2)/3 - floor(7*y_post)"),
    ("w", "w + (i % 3)*(j // 4)"),
    ("delay", "rand()*2*ms"),
    ("n", "int(10*rand())"),
]


@pytest.mark.parametrize(("name", "text"), ASSIGNMENTS)
@pytest.mark.parametrize("condition", [None, "i < j and rand() < 0.7"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values(launched, name, text, condition, dtype):
    def script():
        prefs.core.default_float_dtype = dtype
        pre, post = groups(40)
        synapses = Synapses(pre, post, "w : 1\nn : integer", on_pre="y_post += w")
        synapses.connect()
        launched.clear()
        if condition is None:
            setattr(synapses, name, text)
        else:
            getattr(synapses, name)[condition] = text
        return observe(synapses=synapses)

    exactly_the_same(*both(script))
    assert launched == ["assign_elements"]


@pytest.mark.parametrize(
    "text", ["exp(-x_pre)", "x_pre**0.3", "sin(x_pre)", "poisson(3)", "y_post + tanh(x_pre)"]
)
def test_what_is_rounded_otherwise_on_a_gpu_stays_on_the_processor(launched, text):
    def script():
        pre, post = groups(30)
        synapses = Synapses(pre, post, "w : 1")
        synapses.connect(condition=f"{text} < 0.9")
        launched.clear()
        synapses.w = text
        return observe(synapses=synapses)

    exactly_the_same(*both(script))
    assert "assign_elements" not in launched


def test_values_are_copied_when_somebody_asks(launched, shim):
    set_device("genn", backend="cuda")
    pre, post = groups(60)
    synapses = Synapses(pre, post, "w : 1", on_pre="y_post += w")
    synapses.connect()
    before = dict(shim.counts)
    synapses.w = "rand()"
    assert shim.counts["bytes_down"] == before["bytes_down"]
    assert shim.counts["bytes_up"] - before["bytes_up"] < 200
    Network(pre, post, synapses).run(1 * ms)
    assert shim.counts["bytes_up"] - before["bytes_up"] < 8 * len(synapses)
    assert 0.4 < np.mean(synapses.w) < 0.6
    assert shim.counts["bytes_down"] - before["bytes_down"] >= 8 * len(synapses)
    array = synapses.variables["w"].get_value()
    synapses.w = "2 + rand()"
    synapses.connect(i=[0], j=[0])
    assert synapses.w[:-1].min() >= 2
    assert synapses.w[-1] == 0


def test_explain_counts_it(launched):
    set_device("genn", backend="cuda")
    group = NeuronGroup(50, "v : 1")
    group.v = "i + rand()"
    group.v = "exp(v)"
    Network(group).run(0.1 * ms)
    text = str(brian2genn.explain())
    assert "Set-up code: 2 pieces compiled (1 of them executed by the GPU), 0 run by Brian" in text


def test_an_array_that_the_script_keeps(launched):
    set_device("genn", backend="cuda")
    group = NeuronGroup(50, "v : 1")
    array = group.variables["v"].get_value()
    group.v = "i + rand()"
    assert np.array_equal(np.floor(array), np.arange(50))


def test_the_time_is_the_present_one(launched):
    def script():
        group = NeuronGroup(5, "v : second", name="cells")
        net = Network(group)
        found = []
        for _ in range(3):
            net.run(1 * ms)
            group.v = "t + i*ms"
            found.append(np.array(group.v))
        return {"found": np.array(found)}

    exactly_the_same(*both(script))
    assert "assign_elements" in launched


@pytest.mark.parametrize(
    ("arguments", "text"),
    [({"j": "i + 60"}, "index _j=70 outside allowed range from 0 to 69"),
     ({"j": "k for k in range(0, 10, i - 4)"}, "must not be zero")],
)  # fmt: skip
def test_errors_are_those_of_the_processor(launched, arguments, text):
    set_device("genn", backend="cuda")
    pre, post = groups()
    synapses = Synapses(pre, post)
    with pytest.raises(BrianObjectException) as raised:
        synapses.connect(**arguments)
    assert text in str(raised.value)
    assert len(synapses) == 0
    synapses.connect(p=0.5)
    assert len(synapses) > 0


def test_without_room_on_the_device_the_processor_does_it(launched, shim):
    shim.total_memory = 20_000

    def script():
        pre, post = groups()
        synapses = Synapses(pre, post, "w : 1")
        synapses.connect(p=0.9)
        synapses.w = "rand()"
        return observe(synapses=synapses)

    exactly_the_same(*both(script))
    assert "fill_rows" not in launched


def test_small_tasks_are_done_by_the_processor(shim, monkeypatch):
    devices.set_defaults(monkeypatch, setup_from=1 << 20)
    set_device("genn", backend="cuda")
    before = shim.counts["launches"]
    pre, post = groups()
    Synapses(pre, post).connect(p=0.2)
    assert shim.counts["launches"] == before


def test_while_a_program_is_compiled_the_processor_does_it(shim, monkeypatch):
    """Once it is there, the device does it, and what is so large that this is worth waiting for."""
    from brian2genn.backends.cuda import setup

    monkeypatch.setattr(setup, "_WORTHWHILE", 1000)
    devices.set_defaults(monkeypatch, setup_from=None)
    begun = []
    there = False

    def compile_ahead(text, *, exact=False):
        begun.append(exact)
        return there

    monkeypatch.setattr(shim, "compile_ahead", compile_ahead)
    made = []

    def make() -> int:
        before = shim.counts["launches"]
        seed(3)
        pre, post = groups()
        synapses = Synapses(pre, post)
        synapses.connect(p="0.2 + 0.1*x_pre")
        made.append((synapses.i[:].copy(), synapses.j[:].copy()))
        return shim.counts["launches"] - before

    set_device("genn", backend="cuda")
    assert make() == 0
    assert begun == [True]
    there = True
    assert make() == 2
    set_device("genn", backend="cuda")
    there = False
    assert make() == 0
    monkeypatch.setattr(setup, "_WORTH_COMPILING", 1000)
    begun.clear()
    assert make() == 2
    assert not begun
    for ends in made:
        np.testing.assert_array_equal(ends, made[0])


@pytest.mark.parametrize("worthwhile", [0, 1 << 30])
def test_one_seed_one_network_and_one_input(shim, monkeypatch, worthwhile):
    """Built here or there, run here or there: the same spikes at first."""
    devices.set_defaults(monkeypatch, setup_from=worthwhile)

    def script():
        group = NeuronGroup(
            80, "dv/dt = (1.2 - v)/(5*ms) + 0.3*xi/ms**0.5 : 1 (unless refractory)",
            threshold="v > 1", reset="v = 0.1*rand()", refractory=1 * ms, method="euler",
            name="cells",
        )  # fmt: skip
        group.v = "rand()"
        group.run_regularly("v += 0.01*poisson(2)", dt=0.5 * ms)
        synapses = Synapses(group, group, "w : 1", on_pre="v_post += w", name="links")
        synapses.connect(p=0.1)
        synapses.connect(condition="abs(i - j) == 3")
        synapses.connect(j="k for k in sample(N_post, size=2)")
        synapses.w = "0.05*randn()"
        synapses.delay = "rand()*2*ms"
        spikes = SpikeMonitor(group, name="spikes")
        Network(group, synapses, spikes).run(6 * ms)
        assert spikes.num_spikes > 50
        return observe(group=group, synapses=synapses, spikes=spikes)

    compare(*both(script))


def test_nvrtc_takes_it(monkeypatch):
    try:
        known = bindings.supported_architectures()
    except CudaUnavailable as missing:
        pytest.skip(str(missing))
    from brian2genn.backends.cuda import setup

    texts = []
    print_cuda_setup = setup.print_cuda_setup

    def remember(network):
        source = print_cuda_setup(network)
        texts.append(source.text)
        return source

    monkeypatch.setattr(setup, "print_cuda_setup", remember)
    devices.set_defaults(monkeypatch, setup_from=0)
    driver = ShimDriver()
    devices.use(driver)
    try:
        set_device("genn", backend="cuda")
        pre, post = groups(30)
        synapses = Synapses(pre, post, "w : 1")
        synapses.connect(p="0.1 + 0.1*x_pre")
        synapses.connect(condition="rand() < 0.5*sqrt(y_post**2)", n="1 + i % 2")
        synapses.w["i < j"] = "clip(randn(), 0, 1) + w // 2 + i % 3"
    finally:
        devices.reset()
        devices.use(devices.shim)
    assert len(texts) >= 5
    for text in texts:
        for architecture in (known[0], known[-1]):
            _, log = compiler.compile_cubin(text, architecture, exact=True)
            assert not any(found.spilled for found in compiler.resources(log).values())
