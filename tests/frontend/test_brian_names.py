"""C++ functions that look into arrays of the device, as programs for standalone devices do.

Each network runs under Brian's NumPy runtime with a Python function that does the same, under the
device with C++ text, and (slow) with the same text as a program of Brian's own C++ device.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from brian2 import (
    Network,
    NetworkOperation,
    NeuronGroup,
    PopulationRateMonitor,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    check_units,
    declare_types,
    defaultclock,
    device,
    get_device,
    implementation,
    ms,
    network_operation,
    run,
    seed,
    set_device,
    start_scope,
)
from brian2.core.base import BrianObjectException

from brian2genn.frontend.brian_names import NoSuchName, with_neutral_names
from brian2genn.frontend.network import translate
from tests import devices
from tests.paths import ROOT


def name_of(variable, **kwds) -> str:
    return f"brian::{get_device().get_array_name(variable, **kwds)}"


def dynamic(variable) -> str:
    return name_of(variable, access_data=False)


def function(text: str, python: Callable | None = None, arguments: int = 1, **kwds) -> Callable:
    """A function of neuron numbers and time steps, called `f`, in both languages."""
    if arguments == 1:

        def f(a):
            return np.vectorize(python, otypes=[float])(a)

    else:

        def f(a, b):
            return np.vectorize(python, otypes=[float])(a, b)

    names = "ab"[:arguments]
    typed = declare_types(**dict.fromkeys(names, "integer"), result="float")(f)
    checked = check_units(**dict.fromkeys(names, 1), result=1)(typed)
    arguments_text = ", ".join(f"int {name}" for name in names)
    return implementation("cpp", f"double f({arguments_text})\n{{\n{text}\n}}", **kwds)(checked)


def finished() -> None:
    """A program of Brian's is built here; the others have run."""
    if "cpp_standalone" in sys.argv:
        device.build(directory=sys.argv[-1], with_output=False)


def value(variable) -> np.ndarray:
    return np.asarray(variable.get_value())


def cells(n: int = 4, more: str = "", **kwds) -> NeuronGroup:
    group = NeuronGroup(
        n,
        f"dv/dt = (2 + 0.3*i - v)/(3*ms) : 1\nseen : 1\n{more}",
        threshold="v > 1",
        reset="v = 0",
        method="euler",
        name="cells",
        **kwds,
    )
    group.v = "0.1*i"
    return group


def past_values():
    group = cells()
    monitor = StateMonitor(group, "v", record=[3, 1, 0], name="watch")
    v_ = monitor.variables["v"]

    def python(a, b):
        values = value(v_)
        b = max(b, 0)
        return values[b, a % 3] + 100 * len(values) + 1000 * values.shape[1] if len(values) else -1

    f = function(
        f"""
        b = b < 0 ? 0 : b;
        if (!({dynamic(v_)}.n > 0)) return -1; // brian::_array_in_a_comment
        const char *text = "brian::_array_in_a_string"; (void)text;
        return {dynamic(v_)}(b, a % 3) + 100*std::max({dynamic(v_)}.n, 0) + 1000*{dynamic(v_)} . m;
        """,
        python,
        2,
    )
    group.namespace.update(f=f)
    group.run_regularly("seen = f(i, timestep(t - (i + 1)*ms/2, dt))")
    seen = StateMonitor(group, "seen", record=True)
    run(5 * ms)
    run(5 * ms)  # what the first run has recorded is in Brian's arrays
    finished()
    return {"seen": seen.seen[:], "v": monitor.v[:]}


def rows_of_past_values():
    group = cells()
    monitor = StateMonitor(group, "v", record=True, name="watch")
    v_, t_ = monitor.variables["v"], monitor.variables["t"]
    f = function(
        f"""
        double sum = {dynamic(t_)}.back() + {dynamic(t_)}[0] + {dynamic(t_)}.size();
        for (size_t k = 0; k < {dynamic(v_)}(0).size(); k++)
            sum += {dynamic(v_)}({dynamic(v_)}.n - 1)[k];
        return a + sum + {name_of(monitor.variables["N"])}[0];
        """,
        lambda a: a + value(t_)[-1] + value(t_)[0] + 2 * len(value(t_)) + value(v_)[-1].sum(),
    )
    group.namespace.update(f=f)
    group.run_regularly("seen = f(i)", when="end")
    seen = StateMonitor(group, "seen", record=True)
    run(3 * ms)
    run(2 * ms)
    finished()
    return {"seen": seen.seen[:]}


def times_of_spikes():
    group = cells()
    monitor = SpikeMonitor(group, name="spikes")
    i_, t_ = monitor.variables["i"], monitor.variables["t"]
    count_, n_ = monitor.variables["count"], monitor.variables["N"]

    def python(a):
        mine = value(t_)[value(i_) == a]
        last = mine[-1] if len(mine) else -1.0
        return last + value(count_)[a] + 100.0 * value(n_).item()

    f = function(
        f"""
        double last = -1;
        for (int k = (int){dynamic(i_)}.size() - 1; k >= 0; k--)
            if ({dynamic(i_)}[k] == a) {{
                last = {dynamic(t_)}[k];
                break;
            }}
        return last + {name_of(count_)}[a] + 100.0**{name_of(n_)};
        """,
        python,
    )
    group.namespace.update(f=f)
    group.run_regularly("seen = f(i)", when="end")
    seen = StateMonitor(group, "seen", record=True)
    run(10 * ms)
    run(10 * ms)
    finished()
    return {"seen": seen.seen[:], "t": monitor.t[:]}


def rates_and_clock():
    group = cells()
    monitor = PopulationRateMonitor(group, name="rates")
    rate_ = monitor.variables["rate"]
    f = function(
        f"""
        double sum = 0;
        for (auto x : {dynamic(rate_)}) sum += x;
        const auto &all = {dynamic(rate_)};
        return sum + (all.empty() ? 0 : *std::max_element(all.begin(), all.end()))
             + brian::defaultclock.t[0] + brian::defaultclock.dt[0]
             + brian::defaultclock.timestep[0] + {name_of(defaultclock.variables["t"])}[0];
        """,
        lambda a: (
            value(rate_).sum() + value(rate_).max(initial=0) + defaultclock.dt_
            + 2 * value(defaultclock.variables["t"])[0]
            + value(defaultclock.variables["timestep"])[0]
        ),
    )  # fmt: skip
    group.namespace.update(f=f)
    group.run_regularly("seen = f(i)")
    seen = StateMonitor(group, "seen", record=True)
    run(5 * ms)
    finished()
    return {"seen": seen.seen[:]}


def values_of_others():
    group = cells(more="flag : boolean\nn : integer\ncommon : 1 (shared)")
    group.flag = "i == 1"
    group.n = "2*i"
    group.common = 7
    v_, flag_, n_ = (group.variables[name] for name in ("v", "flag", "n"))
    space_, common_ = group.variables["_spikespace"], group.variables["common"]
    size = name_of(v_).replace("::", "::_num_")
    f = function(
        f"""
        using namespace brian;
        const double *values = {name_of(v_)};
        double sum = *std::max_element({name_of(v_)}, {name_of(v_)} + {size});
        for (int k = 0; k < {size.removeprefix("brian::")}; k++)
            sum += ({name_of(v_)} + k)[0] * (1 + ::{name_of(flag_)}[k]) * {name_of(n_)}[k]
                 + values[(k + a) % {size}];
        return sum + {name_of(space_).removeprefix("brian::")}[{size}] + *{name_of(common_)};
        """,
        lambda a: (
            value(v_).max() + (value(v_) * (1 + value(flag_)) * value(n_)).sum() + value(v_).sum()
            + value(space_)[-1] + 7
        ),
    )  # fmt: skip
    group.namespace.update(f=f)
    group.run_regularly("seen = f(i)", when="after_thresholds")
    seen = StateMonitor(group, "seen", record=True)
    run(10 * ms)
    finished()
    return {"seen": seen.seen[:]}


def synapses():
    group = cells()
    links = Synapses(group, group, "w : 1", on_pre="v_post += 0.01*w", name="links")
    links.connect("i != j")
    links.w = "i + 10*j"
    pre_, post_, w_ = (links.variables[name] for name in ("_synaptic_pre", "_synaptic_post", "w"))
    f = function(
        f"""
        double sum = 0;
        std::vector<int32_t> targets({dynamic(post_)}.begin(), {dynamic(post_)}.end());
        const double *weights = &{dynamic(w_)}[0];
        for (size_t k = 0; k < {dynamic(pre_)}.size(); k++)
            if ({dynamic(pre_)}[k] == a) sum += weights[k] * targets[k];
        {dynamic(w_)}[a] += 1;
        return sum;
        """,
        lambda a: (
            (value(w_) * value(post_))[value(pre_) == a].sum(),
            np.add.at(value(w_), a, 1),
        )[0],
        headers=["<vector>"],
    )
    group.namespace.update(f=f)
    group.run_regularly("seen = f(i)", dt=1 * ms)
    seen = StateMonitor(group, "seen", record=True)
    run(8 * ms)
    finished()
    return {"seen": seen.seen[:], "w": links.w[:]}


def writing():
    """Values are read before a function is called; calls that nobody uses are made, in order."""
    group = cells(more="calls : 1\nlatest : 1")
    calls_, latest_ = group.variables["calls"], group.variables["latest"]

    def python(a):
        value(calls_)[a] += 1
        value(calls_)[0] += 0.5
        value(latest_)[...] = 10 * value(latest_) % 1009 + a
        return value(calls_)[a]

    f = function(
        f"""
        {name_of(calls_)}[a]++;
        {name_of(calls_)}[0] += 0.5;
        for (int k = 0; k < 4; k++)
            {name_of(latest_)}[k] = fmod(10*{name_of(latest_)}[k], 1009) + a;
        return {name_of(calls_)}[a];
        """,
        python,
    )
    group.namespace.update(f=f)
    group.run_regularly("unused = f(i)", dt=0.5 * ms)
    group.run_regularly("seen = f(3 - i)", order=1, dt=0.5 * ms)
    seen = StateMonitor(group, ["seen", "calls", "latest"], record=True)
    run(3 * ms)
    finished()
    return {name: getattr(seen, name)[:] for name in ("seen", "calls", "latest")}


def setting_up():
    group = cells()
    v_ = group.variables["v"]
    f = function(f"return {name_of(v_)}[3 - a];", lambda a: value(v_)[3 - a])
    group.namespace.update(f=f)
    group.seen = "f(i)"
    run(1 * ms)
    finished()
    return {"seen": group.seen[:]}


def numbers_of_tables():
    group = cells()
    table = TimedArray(np.arange(12.0).reshape(4, 3) ** 2, dt=1 * ms, name="table")
    f = function(
        "return brian::table_values[a] + brian::_num_table_values;",
        lambda a: table.values.ravel()[a] + 12,
        headers=['"objects.h"'],
    )
    group.namespace.update(f=f, table=table)
    group.run_regularly("seen = f(i) + table(t, i % 3)")
    seen = StateMonitor(group, "seen", record=True)
    run(4 * ms)
    finished()
    return {"seen": seen.seen[:]}


CASES = (
    numbers_of_tables,
    past_values,
    rows_of_past_values,
    times_of_spikes,
    rates_and_clock,
    values_of_others,
    synapses,
    writing,
    setting_up,
)


@pytest.fixture
def on_the_processor(device):
    if device != "genn" or devices.BACKEND != "cpu":
        pytest.skip("such functions run on the processor")


def results(case, name: str) -> dict[str, np.ndarray]:
    devices.reset()
    set_device(name)
    start_scope()
    try:
        return {key: np.array(array) for key, array in case().items()}
    finally:
        devices.reset()


def same(one: dict, other: dict) -> None:
    for key in one:
        np.testing.assert_allclose(other[key], one[key], rtol=1e-9, err_msg=key)


@pytest.mark.usefixtures("on_the_processor")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_as_in_python(case):
    same(results(case, "runtime"), results(case, "genn"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("brian::x[0] + ::brian :: x", "brian::A[0] + brian::A"),
        ("brian::m.n + brian::m . m", "int(brian::M.n) + int(brian::M. m)"),
        ("brian::x.size()", "brian::A.size()"),
        ("// brian::x\n/* brian::x */ \"brian::x\" 'b'", None),
        ("x[0] + my::brian::x + brians::x", None),
        ("using brian::x; x[0] + m", " brian::A[0] + m"),
        ("using namespace brian; x + y.x + p->x + q::x", " brian::A + y.x + p->x + q::x"),
        ("namespace b = ::brian; b::x + x", " brian::A + x"),
    ],
)
def test_names_in_text(text, expected):
    known = {"x": ("vector", "A"), "m": ("matrix", "M")}
    neutral = with_neutral_names(text, lambda name, certain: known.get(name))
    assert neutral == (text if expected is None else expected)


def neighbours(name: str, **kwds) -> tuple[NeuronGroup, Callable]:
    """A group, and the function that gives the value of a neuron's neighbour in it."""
    group = NeuronGroup(3, "x : 1\nseen : 1", name=name, **kwds)
    f = function(f"return {name_of(group.variables['x'])}[(a + 1) % 3];")
    group.run_regularly("seen = f(i)")
    return group, f


@pytest.mark.usefixtures("on_the_processor")
class TestRuns:
    """What happens in Python between time steps, and from run to run."""

    @pytest.fixture(autouse=True)
    def _device(self):
        set_device("genn")

    def test_arrays_that_move(self):
        """Python code reads a monitor, makes synapses and records more, while functions look."""
        group = cells()
        links = Synapses(group, group, "w : 1", name="links")
        links.connect(i=[0], j=[1])
        monitor = StateMonitor(group, "v", record=True, name="watch")
        pre = links.variables["_synaptic_pre"]
        f = function(
            f"""
            const int last = {dynamic(monitor.variables["v"])}.n - 1;
            return {dynamic(monitor.variables["v"])}(last, a) + 10*{dynamic(pre)}.size()
                 + 1000*{dynamic(monitor.variables["t"])}.size()
                 + 0*{name_of(group.variables["v"])}[a];  // never moves
            """
        )
        group.namespace["f"] = f
        group.run_regularly("seen = f(i)", when="end")
        expected = []

        @network_operation(when="before_end")
        def change():
            steps = len(expected)
            if steps % 3 == 0:
                links.connect(i=[steps % 4] * 40, j=0)
            if steps % 5 == 0:
                assert len(monitor.t) == steps + 1
            expected.append(10 * len(links) + 1000 * (steps + 1.0))

        seen = StateMonitor(group, "seen", record=True, when="after_end")
        for _ in range(3):
            run(2 * ms, report=lambda *_: len(monitor.t), report_period=0 * ms)
        np.testing.assert_allclose(seen.seen[:] - expected, monitor.v[:], rtol=0, atol=1e-9)

    def test_rows_are_handed_over_while_the_network_runs(self, monkeypatch):
        expected = results(past_values, "genn")
        monkeypatch.setattr("brian2genn.runtime.run.recordings._HAND_OVER_BYTES", 0)
        monkeypatch.setattr("brian2genn.runtime.run.loop._LONGEST_STAY", 0)
        same(expected, results(past_values, "genn"))

    def test_a_network_within_a_network(self):
        """Both are executed by one program, with arrays of their own."""
        inner, f = neighbours("inner")
        inner.namespace["f"] = f
        inner.x = [1, 2, 3]
        within = Network(inner, NetworkOperation(lambda: None, when="before_start"))
        within.run(0.1 * ms)
        outer, f = neighbours("outer")
        outer.namespace["f"] = f
        outer.x = [10, 20, 30]

        @network_operation(when="before_start")
        def run_the_other():
            within.run(0.1 * ms)

        Network(outer, run_the_other).run(0.3 * ms)
        np.testing.assert_array_equal(inner.seen, [2, 3, 1])
        np.testing.assert_array_equal(outer.seen, [20, 30, 10])

    def test_text_without_names_of_groups(self):
        texts = []
        for name in ("one", "two"):
            group, f = neighbours(name)
            group.namespace["f"] = f
            network = Network(group)
            network.run(0.1 * ms)
            translation = translate(
                network.sorted_objects, [group.clock], lambda *_: None, lambda *_: "", {}
            )
            texts += [code.text for code in translation.network.user_code]
        assert texts[0] == texts[1]
        assert "brian::pointer_1[(a + 1) % 3]" in texts[0]

    def test_two_groups_of_one_name(self):
        """A name is that of the network's group; among others, it must be the only one."""
        groups = []
        for factor in (1, 10):
            group, f = neighbours("same")
            group.namespace["f"] = f
            group.x = factor * np.arange(3)
            Network(group).run(0.1 * ms)
            groups.append(group)
        np.testing.assert_array_equal(groups[0].seen, [1, 2, 0])
        np.testing.assert_array_equal(groups[1].seen, [10, 20, 0])
        other = NeuronGroup(1, "y : 1", name="other", namespace={"f": f})
        other.run_regularly("y = f(0)")
        network = Network(other)
        with pytest.raises(NoSuchName, match=r"'same' \(3 elements\) and 'x' of the NeuronGroup"):
            network.run(0.1 * ms)
        del group, groups[1]
        network.run(0.1 * ms)
        assert other.y[0] == 1

    def test_two_monitors_of_one_name_in_set_up_code(self):
        """Set-up code knows no network: it looks at what belongs to the group first."""
        kept = []
        for factor in (1, 10):
            group = NeuronGroup(2, "x : 1\nseen : 1", name="same")
            group.x = factor
            monitor = StateMonitor(group, "x", record=True, name="watch")
            Network(group, monitor).run(0.2 * ms)
            x = dynamic(monitor.variables["x"])
            group.namespace["f"] = function(f"return {x}({x}.n - 1, a);")
            group.seen = "f(i)"
            np.testing.assert_array_equal(group.seen, factor)
            kept += [group, monitor]

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("_array_cells_w", "no array or clock of this name. Near it: .*brian::_array_cells_v"),
            ("_mersenne_twister_states", "random numbers come from other streams here"),
            ("network", "networks and pathways cannot be reached"),
        ],
    )
    def test_unknown_names(self, name, message):
        group = cells()
        group.namespace["f"] = function(f"return brian::{name}[a];")
        group.run_regularly("seen = f(i)")
        network = Network(group, name="network")
        with pytest.raises(NoSuchName, match=message) as caught:
            network.run(0.1 * ms)
        assert "The C++ function 'f'" in str(caught.value)
        with pytest.raises(NoSuchName, match=message):
            group.seen = "f(i)"

    def test_elements_that_do_not_exist(self):
        """An error, not the end of the process; the network can go on."""
        group = cells()
        monitor = StateMonitor(group, "v", record=True, name="watch")
        v = dynamic(monitor.variables["v"])
        group.namespace["f"] = function(f"return {v}(a - 2, 0);")
        late = group.run_regularly("seen = f(i)", when="end")
        network = Network(group, monitor)
        with pytest.raises(IndexError, match="element -2 of 'v' of 'watch'") as caught:
            network.run(1 * ms)
        assert late.name in caught.value.__notes__[0]
        late.active = False
        network.run(1 * ms)
        with pytest.raises(BrianObjectException) as failed:
            group.seen = "f(i + 1000)"
        assert isinstance(failed.value.__cause__, IndexError)

    def test_random_numbers(self):
        """They come from the streams of the function's call: one seed, one result."""
        found = []
        for _ in range(2):
            start_scope()
            group = cells(1000)
            group.namespace["f"] = function(
                "return brian::_random_generators[0].rand() + "
                "10*(brian::_random_generators[0].randn() > 0);"
            )
            seed(11)
            group.run_regularly("seen = f(i)")
            seen = StateMonitor(group, "seen", record=True)
            Network(group, seen).run(0.5 * ms)
            found.append(seen.seen[:, 1:])
        np.testing.assert_array_equal(*found)
        assert len(np.unique(found[0])) == found[0].size
        assert 0.45 < (found[0] % 10).mean() < 0.55
        assert 0.45 < (found[0] >= 10).mean() < 0.55


@pytest.mark.usefixtures("on_the_processor")
def test_a_function_with_a_state_is_called_once_for_shared_variables():
    set_device("genn")
    group = NeuronGroup(5, "total : 1 (shared)\nx : 1")
    total = group.variables["total"]
    group.namespace["f"] = function(f"return {name_of(total)}[0] + a;")
    group.run_regularly("total = f(2)")
    run(0.5 * ms)
    assert group.total == 10


def test_a_gpu_leaves_them_to_the_processor():
    """Without a Python version that says what else can be done."""
    if devices.BACKEND != "shim":
        pytest.skip("asks the CUDA backend")
    set_device("genn")
    group, f = neighbours("group")
    group.namespace["f"] = f
    with pytest.raises(BrianObjectException) as caught:
        Network(group).run(0.1 * ms)
    assert "backend='cpu'" in "".join(caught.value.__notes__)


@pytest.mark.slow
@pytest.mark.usefixtures("on_the_processor")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_as_in_a_program_of_brians(case, tmp_path):
    command = [sys.executable, "-m", __name__, case.__name__, "cpp_standalone", str(tmp_path)]
    subprocess.run(command, check=True, cwd=ROOT)
    with np.load(tmp_path / "results.npz") as expected:
        same(dict(expected), results(case, "genn"))


if __name__ == "__main__":
    set_device("cpp_standalone", build_on_run=False)
    np.savez(Path(sys.argv[-1]) / "results.npz", **globals()[sys.argv[1]]())
