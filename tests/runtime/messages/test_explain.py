"""What runs where: all that can be compiled is, and `explain` says so."""

import numpy as np
import pytest
from brian2 import (
    EventMonitor,
    Hz,
    Network,
    NeuronGroup,
    PoissonGroup,
    PoissonInput,
    PopulationRateMonitor,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    check_units,
    implementation,
    linked_var,
    ms,
    network_operation,
    prefs,
    run,
    set_device,
)

import brian2genn
from tests import devices

pytestmark = pytest.mark.skipif(
    devices.DEVICE != "genn", reason="only the device named genn has something to explain"
)


@pytest.fixture(autouse=True)
def _on_device():
    set_device("genn")
    prefs.codegen.target = "numpy"


@pytest.fixture
def explain(capsys):
    """The table as a dictionary: name of an object to the rest of its line.

    Like Brian's `profiling_summary`, it may be printed or be an object that prints as the table.
    """
    import brian2genn

    def table(*arguments) -> dict[str, str]:
        capsys.readouterr()
        print(brian2genn.explain(*arguments))
        lines = capsys.readouterr().out.splitlines()
        return {line.split()[0]: " ".join(line.split()[1:]) for line in lines if line.strip()}

    return table


def working(network: Network) -> list[str]:
    """The names of the objects that have something to do in a step."""
    return [obj.name for obj in network.sorted_objects if obj.code_objects]


def check_compiled(network: Network, table: dict[str, str]) -> None:
    """Each working object of the network is compiled."""
    names = working(network)
    assert names
    elsewhere = {name: table[name] for name in names if "compiled" not in table[name]}
    assert not elsewhere


INTEGRATORS = ["exact", "euler", "rk2", "rk4", "heun", "milstein", "exponential_euler"]


@pytest.mark.parametrize("method", INTEGRATORS)
def test_integrators_are_compiled(method, explain):
    group = NeuronGroup(2, "dv/dt = (1 - v)/ms : 1", method=method, name="cells")
    network = Network(group)
    network.run(0.2 * ms)
    check_compiled(network, explain(network))


def test_neurons_are_compiled(explain):
    stimulus = TimedArray(np.ones((3, 2)), dt=1 * ms)
    source = NeuronGroup(2, "x : 1", name="source")
    cells = NeuronGroup(
        2,
        """dv/dt = (drive - v + stimulus(t, i))/ms + 0.1*xi*ms**-0.5 : 1 (unless refractory)
           fixed = v**2 : 1 (constant over dt)
           common : 1 (shared)
           drive : 1 (linked)""",
        threshold="v > 1 + fixed",
        reset="v = 0",
        refractory=1 * ms,
        events={"high": "v > 2"},
        method="euler",
        name="cells",
        namespace={"stimulus": stimulus},
    )
    cells.drive = linked_var(source, "x")
    cells.run_on_event("high", "v = 1")
    cells.run_regularly("common += 1", dt=0.5 * ms)
    inputs = PoissonInput(cells, "v", N=3, rate=10 * Hz, weight=0.1)
    network = Network(source, cells, inputs)
    network.run(0.2 * ms)
    check_compiled(network, explain(network))


def test_synapses_are_compiled(explain):
    poisson = PoissonGroup(3, rates="100*Hz*(1 + i)", name="poisson")
    generator = SpikeGeneratorGroup(3, [0], [0.1] * ms, period=1 * ms, name="generator")
    cells = NeuronGroup(
        3, "v : 1\nu : 1\nw : 1", threshold="v > 1", reset="v = 0", events={"e": "u > 1"}
    )
    plastic = Synapses(
        poisson,
        cells,
        """dg/dt = -g/ms : 1 (clock-driven)
           dx/dt = -x/ms : 1 (event-driven)
           u_post = g : 1 (summed)
           w_post = 2*g : 1 (summed)""",
        on_pre={"pre": "v_post += 0.1*x", "late": "x += 1"},
        on_post="x *= 0.9",
        delay={"pre": 0.3 * ms},
        method="exact",
        name="plastic",
    )
    plastic.connect()
    plastic.late.delay = "0.1*ms*(i + j)"
    custom = Synapses(cells[:2], cells[1:], on_pre="v_post -= 0.1", on_event="e", name="custom")
    custom.connect()
    onto = Synapses(generator, plastic, on_pre="g_post += 1", name="onto")
    onto.connect()
    network = Network(poisson, generator, cells, plastic, custom, onto)
    network.run(0.2 * ms)
    check_compiled(network, explain(network))


def test_monitors_are_compiled(explain):
    cells = NeuronGroup(
        3,
        "dv/dt = 1/ms : 1\ns = v**2 : 1",
        threshold="v > 1",
        reset="v = 0",
        events={"e": "v > 0.5"},
        method="euler",
    )
    synapses = Synapses(cells, cells, "w : 1", on_pre="w += 1")
    synapses.connect()
    network = Network(
        cells,
        synapses,
        SpikeMonitor(cells, "v", name="spikes"),
        EventMonitor(cells[1:], "e", "s", name="events"),
        StateMonitor(cells, ["v", "s"], record=True, name="states"),
        StateMonitor(synapses, "w", record=[0, 2], dt=0.3 * ms, when="end", name="weights"),
        PopulationRateMonitor(cells, name="rate"),
    )
    network.run(0.2 * ms)
    check_compiled(network, explain(network))


def test_several_clocks_are_compiled(explain):
    fast = NeuronGroup(2, "dv/dt = 1/ms : 1", method="euler", dt=0.05 * ms, name="fast")
    slow = NeuronGroup(2, "dv/dt = 1/ms : 1", method="euler", dt=0.13 * ms, name="slow")
    network = Network(fast, slow)
    network.run(0.5 * ms)
    check_compiled(network, explain(network))


def test_functions_in_cpp_are_compiled(explain):
    @implementation("cpp", "double doubled(double x) { return 2*x; }")
    @check_units(x=1, result=1)
    def doubled(x):
        return 2 * x

    group = NeuronGroup(2, "dv/dt = doubled(v)/ms : 1", method="euler", name="cells")
    network = Network(group)
    network.run(0.2 * ms)
    check_compiled(network, explain(network))


def test_what_brian_runs_is_named_with_a_reason(explain):
    """Python code stays Brian's; the objects around it are compiled all the same."""

    @check_units(x=1, result=1)
    def only_in_python(x):
        return np.asarray(x) + 1

    group = NeuronGroup(2, "dv/dt = only_in_python(v)/ms : 1", method="euler", name="python")
    other = NeuronGroup(2, "dv/dt = -v/ms : 1", method="euler", name="other")

    @network_operation(name="operation")
    def operation():
        pass

    network = Network(group, other, operation)
    network.run(0.2 * ms)
    table = explain(network)
    for name in ("python_stateupdater", "operation"):
        assert "Brian" in table[name]
        reason = table[name].split("Brian", 1)[1]
        assert reason.strip()
    assert "compiled" in table["other_stateupdater"]


def test_set_up_code_is_counted_and_what_brian_runs_is_named():
    """Set-up code of a group and its parts belongs to the networks that the group is in."""
    import brian2genn

    @check_units(x=1, result=1)
    def only_in_python(x):
        return np.asarray(x) + 1

    group = NeuronGroup(6, "v : 1", threshold="v > 9", name="cells")
    other = NeuronGroup(2, "v : 1", name="apart")
    synapses = Synapses(group, group, name="contacts")
    group.v = "i"
    group[2:].v = "i"
    group[:2].v = "only_in_python(i)"
    synapses.connect(condition="i != j")
    synapses.connect(i=0, j=1)
    synapses.connect(condition="only_in_python(i) > 3")
    other.v = "only_in_python(i)"
    network = Network(group, synapses)
    network.run(0.1 * ms)
    group.v["v > 1"]
    explanation = brian2genn.explain(network)
    assert explanation.count_setup("compiled") == 5
    assert explanation.count_setup("Brian") == 2
    by_brian = {p.name: p for p in explanation.setup if p.where == "Brian"}
    assert by_brian["cells"].kind == "assignment"
    assert by_brian["contacts"].kind == "new synapses"
    for placement in by_brian.values():
        assert "only_in_python" in placement.code and "C++" in placement.reason
        assert placement.code in repr(explanation)
    assert "Set-up code: 5 pieces compiled, 2 run by Brian." in repr(explanation)


def test_without_a_network_the_last_run_is_explained(explain):
    group = NeuronGroup(2, "dv/dt = -v/ms : 1", method="exact", name="cells")
    run(0.2 * ms)
    assert "compiled" in explain()["cells_stateupdater"]
    assert group.v[0] == 0


@pytest.mark.skipif(devices.BACKEND != "cpu", reason="about the processor")
def test_sums_that_go_through_synapses_by_target_are_told():
    import brian2genn

    group = NeuronGroup(100, "v : 1\ntotal : 1\nfew : 1", name="cells")
    many = Synapses(group, group, "total_post = v_pre : 1 (summed)", name="many")
    many.connect("(i + 3*j) % 2 == 0")  # targets that are no neighbours
    few = Synapses(group, group, "few_post = v_pre : 1 (summed)", name="few")
    few.connect(j="i")
    network = Network(group, many, few)
    network.run(0.2 * ms)
    (told,) = (line for line in str(brian2genn.explain(network)).splitlines() if "copies" in line)
    assert "many_summed_variable_total_post" in told
    assert "few_summed" not in told


@pytest.mark.parametrize("profile", [True, False])
def test_the_time_step_is_drawn(profile):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    cells = NeuronGroup(100, "dv/dt = (1.1 - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0",
                        method="exact")  # fmt: skip

    @network_operation
    def look(t):
        np.ones(1000).sum()

    network = Network(cells, SpikeMonitor(cells), look)
    network.run(5 * ms, profile=profile)
    ax = brian2genn.explain(network).plot()
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert any("stateupdater" in name for name in names) and look.name in names
    widths = dict(zip(names, (bar.get_width() for bar in ax.patches), strict=True))
    assert 0 < widths[look.name] <= 100
    assert ("profile=True" in ax.get_xlabel()) == (not profile)
    assert (widths[f"{cells.name}_stateupdater"] > 0) == profile
    assert sum(widths.values()) <= 100.001
