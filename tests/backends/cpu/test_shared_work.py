"""Work that threads share out: the same results, bit by bit, with any number of threads."""

import ctypes
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from brian2 import (
    Equations,
    EventMonitor,
    Hz,
    Network,
    NeuronGroup,
    PoissonGroup,
    PoissonInput,
    PopulationRateMonitor,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    check_units,
    get_device,
    implementation,
    linked_var,
    ms,
    network_operation,
    prefs,
    seed,
    set_device,
)

import brian2genn
from brian2genn.backends.cpu.backend import CpuBackend
from brian2genn.backends.host import structures, threads
from tests import devices
from tests.faults.processes import environment, in_fork
from tests.semantics.harness import Cases, observe

pytestmark = pytest.mark.skipif(devices.BACKEND != "cpu", reason="about the processor")

THREADS = (2, 3, 7)

cases = Cases()


@pytest.fixture
def always(monkeypatch):
    """Share out however little there is to do."""
    devices.set_defaults(monkeypatch, processor=devices.processor(share_always=True))


@cases.over(n=[1, 5, 63, 64, 65, 130, 449, 517, 1029])
def random_group(n):
    """Every kind of random number, refractoriness, a reset, a run in two parts."""
    group = NeuronGroup(
        n,
        """dv/dt = (1.4 - v)/(2*ms) + 0.4*xi*ms**-0.5 : 1 (unless refractory)
           u : 1
           n : integer""",
        threshold="v > 1 + 0.1*rand()",
        reset="v = 0.1*randn(); n += 1",
        refractory="0.5*ms*rand()",
        method="euler",
    )
    group.run_regularly("u = poisson(3) + rand()*randn()")
    spikes = SpikeMonitor(group, "v")
    states = StateMonitor(group, ["v", "u"], record=range(0, n, 7))
    network = Network(group, spikes, states)
    network.run(3.1 * ms)
    network.run(2 * ms)
    assert n < 60 or spikes.num_spikes > 10
    return observe(group=group, spikes=spikes, states=states)


@cases.over(n=[70, 200, 515], dtype=[np.float64, np.float32])
def functions_of_a_vector_library(n, dtype):
    prefs.core.default_float_dtype = dtype
    equations = Equations(
        """dv/dt = (0.1*(-60 - v) - 20*m**3*h*(v - 50) - 6*n**4*(v + 90))/ms : 1
           dm/dt = 0.32*4/exprel((-50 - v)/4)/ms*(1 - m) - 1.4/exprel((v + 23)/5)/ms*m : 1
           dn/dt = 0.16/exprel((-48 - v)/5)/ms*(1 - n) - 0.5*exp((-53 - v)/40)/ms*n : 1
           dh/dt = 0.128*exp((-46 - v)/18)/ms*(1 - h) - 4/(1 + exp((-23 - v)/5))/ms*h : 1
           k = sin(v)**2 + cos(m) + log(1 + h) + v**0.3 : 1"""
    )
    group = NeuronGroup(n, equations, method="exponential_euler")
    group.v = "-70 + 20*i/N"
    group.run_regularly("v += 0.001*k")
    Network(group).run(3 * ms)
    return observe(group=group)


@cases
def all_spike_at_once():
    group = NeuronGroup(333, "v : 1", threshold="v > 0", reset="", events={"odd": "i % 2 == 1"})
    group.v = "int(i < 200 or i > 320)"
    group.run_on_event("odd", "v += 1")
    spikes, odd = SpikeMonitor(group), EventMonitor(group, "odd", "v")
    part = SpikeMonitor(group[100:325])
    rate = PopulationRateMonitor(group[63:129])
    Network(group, spikes, odd, part, rate).run(0.5 * ms)
    return observe(group=group, spikes=spikes, odd=odd, part=part, rate=rate)


@cases.over(delay=["0*ms", "0.1*ms*(i % 5)"])
def populations(delay):
    """Groups of several sizes in one stretch; subgroups; plasticity; inputs; two clocks."""
    inputs = PoissonGroup(700, rates="(1 + i % 3)*200*Hz")
    cells = NeuronGroup(
        321,
        """dv/dt = (g - v)/(5*ms) + drive(t, i)*0.05/ms : 1
           dg/dt = -g/(2*ms) : 1""",
        threshold="v > 0.6",
        reset="v = 0",
        method="euler",
        namespace={"drive": TimedArray(np.arange(12.0).reshape(4, 3).repeat(107, 1), dt=1 * ms)},
    )
    watching = NeuronGroup(321, "dy/dt = (seen - y)/ms : 1\nseen : 1 (linked)", method="euler")
    watching.seen = linked_var(cells, "g", index=np.arange(321)[::-1].copy())
    slow = NeuronGroup(150, "dx/dt = -x/ms + xi*ms**-0.5 : 1", method="euler", dt=0.25 * ms)
    synapses = Synapses(
        inputs[50:600],
        cells[20:],
        """w : 1
           da/dt = -a/(3*ms) : 1 (event-driven)
           db/dt = -b/(3*ms) : 1 (clock-driven)""",
        on_pre="g_post += w*(1 + 0.1*rand()); a += 1; b += 0.1",
        on_post="w = clip(w + 0.001*a - 0.0001*randn(), 0, 0.1)",
        method="exact",
    )
    synapses.connect(p=0.05)
    synapses.w = "0.05*rand()"
    synapses.delay = delay
    nothing = Synapses(cells, cells, "dq/dt = -q/ms : 1 (clock-driven)", method="euler")
    nothing.connect(condition="i > 1000")
    more = PoissonInput(cells, "v", N=10, rate=100 * Hz, weight=0.1)
    spikes, states = SpikeMonitor(cells), StateMonitor(watching, ["y", "seen"], record=[0, 63, 64])
    input_spikes = SpikeMonitor(inputs)
    network = Network(inputs, cells, watching, slow, synapses, nothing, more, spikes, states)
    network.add(input_spikes)
    network.run(4 * ms)
    assert spikes.num_spikes > 10
    return observe(
        cells=cells, slow=slow, synapses=synapses, spikes=spikes, states=states, ins=input_spikes
    )


CODES = {
    "constant": ("v_post += 0.01", ""),
    "weights": ("v_post += w", ""),
    "target's value": ("v_post += w*(1 - v_post)", ""),
    "source's value": ("g_post += w*v_pre; w += 0.001*v_pre", ""),
    "source": ("g_pre += w", ""),
    "both sides": ("g_post += w; g_pre += w", ""),
    "recurrent": ("v_post += 0.1*v_pre", ""),
    "plastic": (
        "g_post += w; a += 1; w = clip(w - 0.01*b, 0, 1)",
        "b += 1; w = clip(w + 0.01*a, 0, 1)",
    ),
    "random": ("g_post += w*rand(); w += 0.01*randn()", "w *= rand()"),
    "poisson": ("g_post += w*poisson(3)", "w = 0.01*poisson(2)"),
    "integers": ("n_post += 1; k += 1", "k += n_post"),
}


@cases.over(code=list(CODES), arrangement=["long runs", "short runs", "shuffled"])
def pathways(code, arrangement):
    """Synapses of all kinds, many at a neuron, to oneself, from and to subgroups."""
    group = NeuronGroup(
        400,
        "dv/dt = (1.3 + 0.001*i - v)/(3*ms) : 1\ndg/dt = -g/ms : 1\nn : integer",
        threshold="v > 1",
        reset="v = 0.1*rand()",
        method="euler",
    )
    group.v = "rand()"
    pre, post = CODES[code]
    synapses = Synapses(
        group[20:],
        group[:390],
        """w : 1
           k : integer
           da/dt = -a/(3*ms) : 1 (event-driven)
           db/dt = -b/(5*ms) : 1 (event-driven)""",
        on_pre=pre,
        on_post=post,
        method="exact",
    )
    if arrangement != "shuffled":
        synapses.connect(p=0.1, n="1 + int(i == j)")
    else:
        pairs = np.random.RandomState(3).randint(0, 380, (2, 9000))
        synapses.connect(i=pairs[0], j=pairs[1])
    synapses.w = "0.002*rand()"
    synapses.pre.delay = "0.1*ms*int(40*rand())" if arrangement == "short runs" else "0.3*ms"
    network = Network(group, synapses)
    network.run(4 * ms)
    synapses.pre.delay = "0.2*ms"  # what is on its way is not divided
    network.run(3 * ms)
    return observe(group=group, synapses=synapses)


@cases.over(
    value=["w*(v_pre - v_post)", "w*sin(v_pre - v_post)", "w*exp(-rand())", "int(w*10) + n_pre"],
    arrangement=["ascending", "shuffled", "subgroups", "none"],
)
def sums(value, arrangement):
    """Over all synapses in each step, into a variable of either side."""
    group = NeuronGroup(
        300, "dv/dt = (s - v)/(3*ms) : 1\ng : 1\nn : integer\ns : 1\nz : 1", method="euler"
    )
    group.v, group.g, group.n = "rand()", "rand()", "i"
    source = group[30:] if arrangement == "subgroups" else group
    synapses = Synapses(
        source,
        source,
        f"w : 1\ns_post = {value} : 1 (summed)\nz_pre = {value} : 1 (summed)",
    )
    if arrangement == "shuffled":
        pairs = np.random.RandomState(3).randint(0, 300, (2, 6000))
        synapses.connect(i=pairs[0], j=pairs[1])
    else:
        synapses.connect(p=0.1 if arrangement != "none" else 0)
    synapses.w = "0.05*rand()"
    network = Network(group, synapses)
    network.run(1 * ms)
    if arrangement == "ascending":
        synapses.connect(i=[299, 0], j=[0, 299])
    network.run(1 * ms)
    return observe(group=group, synapses=synapses)


@cases.over(n=[0, 1, 2, 9], made=[0, 1, 30])
def few_targets(n, made):
    group = NeuronGroup(100, "v : 1", threshold="i % 3 == 0", reset="")
    targets = NeuronGroup(max(n, 1), "x : 1")
    synapses = Synapses(group, targets, "w : 1", on_pre="x_post += w")
    synapses.connect(condition="i < made and j < n", namespace={"made": made, "n": n})
    synapses.w = "rand()"
    Network(group, targets, synapses).run(1 * ms)
    return observe(targets=targets, synapses=synapses)


@cases
def stored_and_restored():
    group = NeuronGroup(
        150, "dv/dt = -v/ms + xi*ms**-0.5 : 1", threshold="v > 1", reset="v = 0", method="euler"
    )
    spikes = SpikeMonitor(group)
    network = Network(group, spikes)
    network.run(2 * ms)
    network.store()
    network.run(2 * ms)
    network.restore(restore_random_state=True)
    network.run(3 * ms)
    return observe(group=group, spikes=spikes)


@cases
def operations_in_between():
    group = NeuronGroup(200, "v : 1\nu : 1", threshold="v > 0.9", reset="v = u")
    group.run_regularly("v = rand()", when="start")
    group.run_regularly("u = v*rand()", when="end")

    @network_operation(when="groups", dt=0.3 * ms)
    def change():
        group.v[:] = np.asarray(group.v) * 0.99

    spikes = SpikeMonitor(group, "u")
    Network(group, change, spikes).run(3 * ms)
    return observe(group=group, spikes=spikes)


@cases
def neighbours_read_by_index():
    """The update of one stretch waits for that of another that it reads elsewhere."""
    group = NeuronGroup(300, "dx/dt = (y - x)/ms : 1\ny : 1 (linked)", method="euler", order=0)
    source = NeuronGroup(300, "dz/dt = -z/ms : 1", method="euler", order=-1)
    source.z = "i"
    group.y = linked_var(source, "z", index=np.roll(np.arange(300), 64))
    Network(group, source).run(1 * ms)
    return observe(group=group, source=source)


@implementation("cpp", "double counting(double x) { static int calls = 0; return x + calls++; }")
@check_units(x=1, result=1)
def counting(x):
    raise NotImplementedError


def run_case(case, n: int) -> dict[str, np.ndarray]:
    """The results of a case with n threads."""
    devices.reset()
    set_device("genn", threads=n)
    prefs.codegen.target = "numpy"
    seed(5)
    return {name: np.array(value) for name, value in case.function(**case.arguments).items()}


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("case", cases, ids=str)
def test_any_number_of_threads_gives_the_same(case):
    reference = run_case(case, 1)
    for n in THREADS:
        found = run_case(case, n)
        assert set(found) == set(reference)
        for name, value in reference.items():
            assert value.tobytes() == found[name].tobytes(), (n, name)


@pytest.mark.usefixtures("always")
def test_what_is_shared_out():
    """Explained; what may have a state, and what writes one place, stays on one thread."""
    set_device("genn", threads=2)
    counting.stateless = False
    one = NeuronGroup(200, "x : 1", threshold="x > 1", reset="x = 0", name="one")
    one.run_regularly("x = 0.01*i", name="with_all_there_is")
    two = NeuronGroup(200, "x : 1\ns : 1 (shared)", name="two")
    two.run_regularly("x = counting(0)", name="with_a_user_function")
    two.run_regularly("s = 3; x += s", name="with_a_shared_variable")
    network = Network(one, two)
    network.run(1 * ms)
    assert np.array_equal(two.x, np.arange(1800, 2000))
    shared = str(brian2genn.explain(network)).split("Up to 2 threads")[1]
    for name in ("one_spike_thresholder", "with_all_there_is"):
        assert f"'{name}'" in shared
    for name in ("with_a_user_function", "with_a_shared_variable", "resetter"):
        assert name not in shared


def shared_in(case) -> list[list[str]]:
    """The stretches that threads go through in the network of a case, by their origins."""
    set_device("genn", threads=2)
    case.function(**case.arguments)
    source = get_device()._chosen.programs[False]._known[-1].program.source
    return [[source.steps[step] for step in stretch] for stretch in source.shared]


def test_stretches():
    """An update and the threshold of its group are one; what reads other elements waits."""
    found = shared_in(next(case for case in cases if str(case) == "random_group[65]"))
    assert [step.split("'")[0].strip() for step in found[-1]] == ["state update", "threshold"]
    found = shared_in(next(case for case in cases if str(case) == "neighbours_read_by_index"))
    assert [len(stretch) for stretch in found] == [1, 1]
    populations_ = next(case for case in cases if str(case).startswith("populations"))
    longest = max(shared_in(populations_), key=len)
    # those of synapses are put off, and have no stretch
    kinds = {step.split("'")[1].split("_")[0] for step in longest}
    assert kinds == {"neurongroup", "poissongroup"}


def test_one_thread_where_it_is_asked_for():
    set_device("genn", threads=1)
    group = NeuronGroup(20_000, "dx/dt = -x/ms + xi*ms**-0.5 : 1", method="euler")
    network = Network(group)
    network.run(1 * ms)
    assert "One thread (the script allows 1)." in str(brian2genn.explain(network))
    set_device("genn")
    prefs.devices.genn.cpu_threads = 1
    network.run(1 * ms)
    assert "One thread (the script allows 1)." in str(brian2genn.explain(network))


@pytest.mark.parametrize("wrong", [0, -2, 1.5, True, "two"])
def test_numbers_of_threads_that_make_no_sense(wrong):
    with pytest.raises(ValueError, match="no number of threads"):
        set_device("genn", threads=wrong)


def test_little_work_stays_on_one_thread(monkeypatch):
    devices.set_defaults(monkeypatch, processor=CpuBackend)
    set_device("genn", threads=2)
    group = NeuronGroup(130, "x : 1", threshold="x > 1", reset="x = 0")
    network = Network(group)
    network.run(100 * ms)
    assert "one alone was the fastest" in str(brian2genn.explain(network))


def test_cores(monkeypatch, tmp_path):
    """Threads of one core count once; the affinity and the quotas of control groups count."""
    cpus, groups = tmp_path / "cpus", tmp_path / "groups"
    for cpu in range(8):
        folder = cpus / f"cpu{cpu}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{cpu % 4},{cpu % 4 + 4}\n")
    groups.mkdir()
    monkeypatch.setattr(threads, "_CPUS", cpus)
    monkeypatch.setattr(threads, "_CGROUPS", groups)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)

    def cores() -> int:
        threads._cores_of.cache_clear()
        return threads.usable_cores()

    assert cores() == 4
    (groups / "cpu.max").write_text("max 100000\n")
    assert cores() == 4
    (groups / "cpu.max").write_text("250000 100000\n")
    assert cores() == 2
    (groups / "cpu.max").write_text("50000 100000\n")
    assert cores() == 1
    (groups / "cpu.max").unlink()
    (groups / "cpu.cfs_quota_us").write_text("-1\n")
    (groups / "cpu.cfs_period_us").write_text("100000\n")
    assert cores() == 4
    (groups / "cpu.cfs_quota_us").write_text("300000\n")
    assert cores() == 3
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 5, 2}, raising=False)
    assert cores() == 2
    threads._cores_of.cache_clear()


def noise(n: int = 300) -> Network:
    group = NeuronGroup(
        n,
        "dv/dt = -v/ms + xi*ms**-0.5 : 1",
        threshold="v > 0.5",
        reset="v = 0",
        method="euler",
        name="cells",
    )
    return Network(group, SpikeMonitor(group, name="spikes"))


def seen(network: Network) -> list[np.ndarray]:
    return [
        np.array(network["cells"].v),
        np.array(network["spikes"].i),
        np.array(network["spikes"].t),
    ]


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.usefixtures("always")
def test_a_forked_process_starts_threads_of_its_own():
    set_device("genn", threads=3)
    seed(3)
    network = noise()
    network.run(2 * ms)

    def go_on():
        network.run(2 * ms)
        return seen(network)

    children = in_fork(go_on, go_on)
    expected = go_on()
    assert all(same(child, expected) for child in children)


def test_networks_in_several_threads_of_python():
    """One has the team, the others do their work alone."""
    library = structures.support()
    # the same piece of work from several threads at once, as programs call it
    count = np.zeros((4, 7), np.int64)
    share_type = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32)

    def add(address, part, parts):
        array = np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(ctypes.c_int64)), (7,))
        array[part] += parts

    share = share_type(add)

    def call(row):
        for _ in range(200):
            library.b2g_together(share, count[row].ctypes.data, 7)

    callers = [threading.Thread(target=call, args=(row,)) for row in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert (count == 7 * 200).all()


SCRIPT = """
    import sys, time
    from brian2 import *
    from functools import partial
    import brian2genn
    from brian2genn.backends.choice import Defaults
    from brian2genn.backends.cpu.backend import CpuBackend
    from brian2genn.backends.cpu.options import Options
    processor = partial(CpuBackend, options=Options(share_always=True))
    brian2genn.genn_device.defaults = Defaults(processor=processor)
    set_device("genn", threads=3)
    group = NeuronGroup(3000, "dv/dt = -v/ms + xi*ms**-0.5 : 1", method="euler")
    net = Network(group)
    net.run(1*ms)
"""


def script(more: str) -> str:
    return textwrap.dedent(SCRIPT) + textwrap.dedent(more)


def test_the_process_ends_with_its_threads():
    """Also while they sleep, and not later than without them."""
    done = subprocess.run(
        [sys.executable, "-c", script("time.sleep(0.05)\nprint('done')")],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.strip().endswith("done")


def test_threads_sleep_between_runs():
    """A process that waits uses no time of the processor."""
    more = """
    time.sleep(0.1)
    before = time.process_time()
    time.sleep(0.5)
    print(time.process_time() - before)
    """
    done = subprocess.run(
        [sys.executable, "-c", script(more)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert float(done.stdout.split()[-1]) < 0.1


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_ctrl_c_ends_a_run():
    more = """
    print("begins", flush=True)
    began = time.time()
    net.run(1e6*second)
    print("stopped", net.t/second > 0.002 and time.time() - began < 30)
    net.run(1*ms)
    print("went on")
    """
    process = subprocess.Popen(
        [sys.executable, "-c", script(more)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline()
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert "stopped True" in out, err
    assert "went on" in out, err


def test_no_threads_to_be_had(always, monkeypatch):
    """All parts are done by the caller where the system gives no thread."""
    set_device("genn", threads=1)
    seed(9)
    alone = noise()
    alone.run(2 * ms)
    expected = seen(alone)

    def starved():
        import resource

        # no memory for another stack
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        size = pages * resource.getpagesize()
        set_device("genn", threads=5)
        seed(9)
        network = noise()
        network.run(0 * ms)
        before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (size + (1 << 20), before[1]))
        network.run(2 * ms)
        # stacks of threads that ended with the fork may be used again
        assert len(os.listdir("/proc/self/task")) < 5
        resource.setrlimit(resource.RLIMIT_AS, before)
        return seen(network)

    if sys.platform != "linux":
        pytest.skip("reads /proc")
    assert same(in_fork(starved), expected)
