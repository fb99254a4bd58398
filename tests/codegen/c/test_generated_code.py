"""The text of generated programs, and what the compiler made of it."""

import platform
import re
import shutil
import subprocess

import numpy as np
import pytest
from brian2 import (
    Hz,
    Network,
    NeuronGroup,
    PoissonInput,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    ms,
    set_device,
)

import brian2genn
from brian2genn.backends.cpu.program import CpuProgram
from brian2genn.backends.host import toolchain
from tests.semantics.harness import Cases, check, observe


@pytest.fixture
def programs(monkeypatch):
    """The programs that are made during a test."""
    made: list[CpuProgram] = []

    def remember(*arguments, **options):
        made.append(CpuProgram(*arguments, **options))
        return made[-1]

    for module in ("backend", "fitted"):
        monkeypatch.setattr(f"brian2genn.backends.cpu.{module}.CpuProgram", remember)
    set_device("genn")
    return made


def hodgkin_huxley(n: int) -> NeuronGroup:
    return NeuronGroup(
        n,
        """
        dv/dt = (g_l*(-60*mV - v) - g_na*m**3*h*(v - 50*mV) - g_k*n**4*(v + 90*mV))/second : volt
        dm/dt = 0.32*4/exprel((-50*mV - v)/(4*mV))/ms*(1 - m) - 1.4/exprel((v + 23*mV)/(5*mV))/ms*m : 1
        dn/dt = 0.16/exprel((-48*mV - v)/(5*mV))/ms*(1 - n) - 0.5*exp((-53*mV - v)/(40*mV))/ms*n : 1
        dh/dt = 0.128*exp((-46*mV - v)/(18*mV))/ms*(1 - h) - 4/(1 + exp((-23*mV - v)/(5*mV)))/ms*h : 1
        """,  # noqa: E501
        method="exponential_euler",
        namespace={"g_l": 50.0, "g_na": 1e5, "g_k": 3e4},
    )


def test_exponentials_are_vectorised(programs):
    """The state update calls libmvec or our own, eight (or four) neurons at a time."""
    if platform.machine() != "x86_64" or not shutil.which("objdump"):
        pytest.skip("vector functions are for x86-64; objdump reads the instructions")
    if not any("VECTOR_MATH" in flag for flag in toolchain.find().flags):
        pytest.skip("this compiler or C library has no vector functions")
    Network(hodgkin_huxley(100)).run(0.2 * ms)
    (program,) = programs
    assert "#define B2G_EXPONENTIALS" in program.source.text
    instructions = subprocess.run(
        ["objdump", "-d", program.library_path], capture_output=True, text=True, check=True
    ).stdout
    for function in ("exp", "expm1"):
        assert re.search(rf"call.*<_ZGV[bcde]N[248]v_(b2g_loop_)?{function}\b", instructions)


def test_exponentials_are_vectorised_without_such_functions(programs, tmp_path):
    """No function is called for an exponential, and instructions are for several neurons."""
    if platform.machine() != "x86_64" or not shutil.which("objdump"):
        pytest.skip("knows the instructions of x86-64 only; objdump reads them")
    Network(hodgkin_huxley(100)).run(0.2 * ms)
    (program,) = programs
    (tmp_path / "program.c").write_text(program.source.text)
    found = toolchain.find()
    flags = [flag for flag in found.flags if "VECTOR_MATH" not in flag and "march" not in flag]
    command = [*found.c, *flags, "-mavx2", "-mfma", f"-I{toolchain.INCLUDE_DIRECTORY}"]
    subprocess.run([*command, "program.c", "-o", "program.so", "-lm"], cwd=tmp_path, check=True)
    instructions = subprocess.run(
        ["objdump", "-d", "program.so"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert not re.search(r"call.*\bexp(m1)?\b", instructions)
    # seven exponentials, each with a polynomial of degree 11
    assert len(re.findall(r"\bvfn?m(?:add|sub)\w+pd .*%ymm", instructions)) > 7 * 11


def test_what_is_constant_is_computed_once(programs):
    """No exponential of a constant, and one division, in an exact integrate-and-fire update."""
    group = NeuronGroup(
        10,
        "dv/dt = (ge - v)/(20*ms) : volt (unless refractory)\ndge/dt = -ge/(5*ms) : volt",
        threshold="v > 10*mV",
        reset="v = 0*mV",
        refractory=2 * ms,
        method="exact",
    )
    Network(group).run(0.2 * ms)
    text = programs[0].source.text
    update = text[text.index("/* state update") :]
    loop = update[update.index("#pragma omp simd") : update.index("\n}\n")]
    assert "exp(" not in loop
    assert "B2G_EXPONENTIALS" not in text
    assert "/" not in loop


def test_says_which_brian_object_it_is(programs):
    group = NeuronGroup(2, "v : 1", threshold="v > 1", reset="v = 0", name="cells")
    synapses = Synapses(group, group, on_pre="v_post += 1", name="wires")
    synapses.connect()
    monitor = SpikeMonitor(group, name="watcher")
    Network(group, synapses, monitor).run(0.2 * ms)
    text = programs[0].source.text
    for comment in (
        "/* threshold 'cells_spike_thresholder' */",
        "/* reset 'cells_spike_resetter' */",
        "/* synaptic pathway 'wires_pre' */",
        "/* event monitor 'watcher' */",
    ):
        assert comment in text


def test_the_text_is_the_same_in_every_run(programs):
    group = NeuronGroup(3, "dv/dt = -v/(5*ms) : 1", method="exact")
    states = StateMonitor(group, "v", record=True)
    network = Network(group, states)
    for _ in range(3):
        network.run(0.3 * ms)
    assert len({program.source.text for program in programs}) == 1


def test_elements_that_depend_on_each_other_are_not_vectorised(programs):
    """A synapse reads what another one of the same spike has written."""
    source = SpikeGeneratorGroup(1, [0], [0] * ms)
    target = NeuronGroup(2, "v : 1")
    synapses = Synapses(source, target, on_pre="v_post += 0.5*(1 - v_post)")
    synapses.connect()
    Network(source, target, synapses).run(0.2 * ms)
    text = programs[0].source.text
    delivery = text[text.index("/* synaptic pathway") :]
    assert "omp simd" not in delivery[: delivery.index("\n}\n")]


def test_elements_that_read_each_other_are_vectorised(programs):
    """A neuron reads a variable of another one, as it was before the update that writes it."""
    from brian2 import linked_var

    group = NeuronGroup(3, "dv/dt = (other - v)/(5*ms) : 1\nother : 1 (linked)", method="euler")
    group.other = linked_var(group, "v", index=np.array([1, 2, 0]))
    Network(group).run(0.2 * ms)
    text = programs[0].source.text
    update = text[text.index("/* state update") :]
    assert "omp simd" in update[: update.index("\n}\n")]


def test_numbers_of_constant_distributions_are_made_ahead_from_a_table(programs):
    group = NeuronGroup(
        100, "dx/dt = -x/ms : 1\nlam : 1", method="euler", name="neurons",
        threshold="poisson(0.5) > 2", reset="x = poisson(lam)",
    )  # fmt: skip
    inputs = PoissonInput(group, "x", 1000, 10 * Hz, 0.1)
    group.lam = 3
    Network(group, inputs).run(1 * ms)
    text = programs[0].source.text
    assert len(re.findall(r"b2g_prepare_binomial\(&constants->_c\d+, ", text)) == 1
    assert len(re.findall(r"b2g_prepare_poisson\(&constants->_c\d+, 0.5\)", text)) == 1
    # where code has doubles of them, they are drawn as such
    assert len(re.findall(r"b2g_fill_(binomial_f64|poisson)\(", text)) == 2
    loop = text[text.index("b2g_fill_binomial_f64(") :]
    assert "#pragma omp simd" in loop[: loop.index("_idx++")]
    # another one for each neuron: drawn one by one
    assert len(re.findall(r"b2g_poisson_by\(", text)) == 1


def test_synapses_with_exponentials_are_computed_side_by_side(programs):
    """And those with little to compute, or that read what they write, one by one."""
    source = SpikeGeneratorGroup(2, [0, 1], [0, 0.1] * ms)
    target = NeuronGroup(3, "g : 1\nv : 1")
    decaying = "w : 1\nda/dt = -a/(3*ms) : 1 (event-driven)"
    worth = Synapses(source, target, decaying, on_pre="a += 1; g_post += a", name="worth")
    simple = Synapses(source, target, "w : 1", on_pre="g_post += w", name="simple")
    reads = Synapses(source, target, decaying, on_pre="a += g_post; g_post += a", name="reads")
    objects = source, target, worth, simple, reads
    for synapses in objects[2:]:
        synapses.connect()
    Network(objects).run(0.2 * ms)
    text = programs[0].source.text
    (name,) = re.findall(r"static void (\w+)_several", text)
    assert name.startswith("worth_pre")
    several = text[text.index(f"static void {name}_several") :]
    several = several[: several.index("\n}\n")]
    assert several.count("#pragma omp simd") == 1
    assert "b2g_exp_f64" in several
    assert len(re.findall(r"\+= _result\d\[_j\];", several)) == 1


def test_synapses_draw_the_same_numbers_beside_others_and_alone(programs):
    """A kernel that is printed twice has one stream, as on every other backend."""
    source = SpikeGeneratorGroup(2, [0, 1], [0, 0.1] * ms)
    target = NeuronGroup(3, "g : 1")
    synapses = Synapses(
        source, target, "da/dt = -a/(3*ms) : 1 (event-driven)", on_pre="a += rand(); g_post += a"
    )
    synapses.connect()
    Network(source, target, synapses).run(0.2 * ms)
    text = programs[0].source.text
    drawn = re.findall(r"b2g_rand(?:_at)?\(ctx->seed, (\d+)", text)
    assert len(drawn) > 1
    assert set(drawn) == {"1"}
    # many are drawn together, before the loop that uses them
    several = text[re.search(r"static void synapses_pre\w*_several\(", text).start() :]
    several = several[: several.index("\n}\n")]
    assert "b2g_rand_at(" in several
    assert "b2g_rand(" not in several


def test_random_numbers_do_not_stand_in_the_way_of_vectors(programs):
    """Neighbours' numbers are drawn together, and the loop that uses them has no branch."""
    group = NeuronGroup(
        50,
        "dx/dt = -x/ms + xi*ms**-0.5 : 1",
        threshold="rand() < 0.1",
        reset="x = rand()",
        method="euler",
        name="cells",
    )
    Network(group).run(0.2 * ms)
    text = programs[0].source.text
    for origin, draw in (
        ("state update 'cells_stateupdater'", "b2g_fill_randn("),
        ("threshold 'cells_spike_thresholder'", "b2g_fill_below("),
    ):
        step = text[text.index(f"/* {origin} */") :]
        step = step[: step.index("\n}\n")]
        assert draw in step
        assert "#pragma omp simd" in step[step.index(draw) :]
    # those that are reset are no neighbours
    reset = text[text.index("/* reset 'cells_spike_resetter' */") :]
    assert "b2g_rand(" in reset[: reset.index("\n}\n")]


cases = Cases()


@cases
def names_that_clash():
    """With C, with the templates, and with one another."""
    numbers = {"j": 3.0, "k": 2.0, "tau": 10 * ms}
    first = NeuronGroup(
        4,
        """dv/dt = (j - v)/tau + k/second : 1
           double : 1
           crossed = j*k*v : 1
           counts : 1
           first : 1
           trunc : 1
           order : 1
           restrict : 1""",
        threshold="v > k",
        reset="v = 0; counts += j; double += k; first = k; trunc = j + abs(v)",
        method="euler",
        refractory="trunc*0.1*ms",
    )
    second_group = NeuronGroup(
        4,
        """dv/dt = (j - v)/tau : 1
           tau_2 : second
           N_elements : 1""",
        threshold="v > j*0.9",
        reset="v = tau_2/ms",
        method="euler",
        namespace={"j": 4.0, "tau": 20 * ms},
    )
    second_group.tau_2 = "1*ms + i*ms"
    first.run_regularly("order += j + k; restrict = k")
    synapses = Synapses(
        first,
        second_group,
        """k : 1
           slot : 1
           end : 1""",
        on_pre="v_post += k*0.01 + slot; end += k; slot += 0.001",
        namespace={"j": 7.0},
    )
    synapses.connect()
    synapses.k = "1 + i"
    spikes = SpikeMonitor(first, variables=["crossed", "first", "counts"])
    states = StateMonitor(first, ["crossed", "order", "double"], record=True)
    Network(first, second_group, synapses, spikes, states).run(30 * ms, namespace=numbers)
    return observe(
        first=first, second=second_group, synapses=synapses, spikes=spikes, states=states
    )


@pytest.mark.parametrize("case", cases.table, ids=str)
def test_agrees_with_runtime(case):
    check(case)


def test_explain():
    set_device("genn")
    brian2genn.genn_device.reinit()
    with pytest.raises(ValueError, match="run the network first"):
        brian2genn.explain()
    from brian2 import check_units, network_operation

    @check_units(x=1, result=1)
    def only_python(x):
        return 2 * x

    group = NeuronGroup(2, "v : 1", threshold="v > 1", reset="v = 0", name="cells")
    runner = group.run_regularly("v = only_python(v)", name="doubling")

    @network_operation(name="operation")
    def operation():
        pass

    network = Network(group, operation)
    network.run(0.2 * ms, namespace={"only_python": only_python})
    explanation = brian2genn.explain(network)
    assert explanation.where("cells_spike_thresholder") == "compiled"
    assert explanation.where(runner.name) == "Brian"
    assert explanation.where("operation") == "Brian"
    text = repr(explanation)
    assert "only_python" in text
    assert "is Python code" in text
    assert explanation.count("Brian") == 2
    with pytest.raises(KeyError):
        explanation.where("nobody")
