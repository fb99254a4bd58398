"""A program that is compiled in two pieces at once is the program."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from brian2 import (
    Cylinder,
    EventMonitor,
    Hz,
    Network,
    NeuronGroup,
    PoissonInput,
    PopulationRateMonitor,
    SpatialNeuron,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    cm,
    get_device,
    ms,
    nA,
    network_operation,
    ohm,
    seed,
    set_device,
    siemens,
    uF,
    um,
)

from brian2genn.backends.cpu import program
from brian2genn.backends.host import toolchain
from brian2genn.codegen.c import units

_GUARD = re.compile(r"^#if B2G_UNIT != ([12])$", re.MULTILINE)


def _network() -> Network:
    cells = NeuronGroup(
        60, "dv/dt = (1.2 - v)/(10*ms) + 0.1*xi*ms**-0.5 : 1\nx : 1", threshold="v > 1",
        reset="v = 0; x += exp(-v)", method="euler",
    )  # fmt: skip
    noise = NeuronGroup(50, "rates : Hz", threshold="rand() < 0.05")
    made = []
    for source, number in ((cells, 1), (noise, 2), (cells, 3)):
        synapses = Synapses(
            source, cells,
            "w : 1\ndtr/dt = -tr/(20*ms) : 1 (event-driven)",
            on_pre=f"v_post += w/{number}\ntr += 1",
            on_post="w = clip(w + 0.001*tr, 0, 0.1)",
        )  # fmt: skip
        synapses.connect(p=0.3)
        synapses.w = "rand()*0.05"
        synapses.delay = "rand()*3*ms"
        made.append(synapses)

    @network_operation(dt=5 * ms)
    def look() -> None:
        cells.x[:].sum()

    return Network(cells, noise, made, look, SpikeMonitor(cells))


def _network_of_all_kinds() -> Network:
    """Steps that the other network does not have."""
    cable = SpatialNeuron(
        Cylinder(length=100 * um, diameter=1 * um, n=5),
        "Im = gl*(10*mV - v) : amp/meter**2\nI : amp (point current)",
        threshold="v > 5*mV", threshold_location=2, refractory="v > 4*mV",
        Cm=1 * uF / cm**2, Ri=100 * ohm * cm, method="exponential_euler",
        namespace={"gl": 1e-4 * siemens / cm**2},
    )  # fmt: skip
    cable.I = 0.01 * nA
    cells = NeuronGroup(
        20, "dv/dt = (total - v)/(10*ms) : 1\ntotal : 1", threshold="v > 0.5", reset="v = 0",
        events={"low": "v < 0.1"}, method="exact",
    )  # fmt: skip
    cells.v = "i/25.0"
    cells.run_on_event("low", "v += 0.01")
    cells.run_regularly("v = clip(v, 0, 1)", dt=1 * ms)
    gaps = Synapses(cells, cells, "w : 1\ntotal_post = w*(v_pre - v_post) + 0.3 : 1 (summed)")
    gaps.connect(condition="i != j")
    gaps.w = "0.1*rand()"
    spikes = SpikeGeneratorGroup(3, [0, 1, 2], [1, 2, 3] * ms)
    given = Synapses(spikes, cells, on_pre="v_post += 0.1")
    given.connect()
    poisson = PoissonInput(cells, "v", 10, 20 * Hz, 0.01)
    recorded = (
        StateMonitor(cells, "v", record=[0, 3]), PopulationRateMonitor(cells), SpikeMonitor(cable),
        EventMonitor(cells, "low"),
    )  # fmt: skip
    return Network(cable, cells, gaps, spikes, given, poisson, recorded)


def _results(
    monkeypatch, make: Callable[[], Network], cores: int
) -> tuple[list[np.ndarray], list[str]]:
    """Values after a run, and the text that was compiled."""
    texts = []
    compile_library = toolchain.compile_library

    def keep(chain, text, name, is_cpp=False):
        if name == "network":
            texts.append((chain.units, text))
        return compile_library(chain, text, name, is_cpp)

    monkeypatch.setattr(program, "usable_cores", lambda: cores)
    monkeypatch.setattr(toolchain, "compile_library", keep)
    set_device("genn", backend="cpu", threads=1)
    seed(17)
    network = make()
    network.run(60 * ms)
    values = [
        np.array(get_device().get_value(variable))
        for obj in sorted(network.objects, key=lambda obj: obj.name)
        if isinstance(obj, NeuronGroup | SpatialNeuron | Synapses | EventMonitor | StateMonitor)
        for name, variable in sorted(obj.variables.items())
        if variable.array and variable.owner is obj and not name.startswith("_")
    ]
    assert {number for number, _ in texts} == {min(cores, 2)}
    return values, [text for _, text in texts]


@pytest.mark.parametrize("make", [_network, _network_of_all_kinds])
def test_results_are_those_of_one_piece(make, monkeypatch):
    together, texts = _results(monkeypatch, make, 1)
    apart, same_texts = _results(monkeypatch, make, 2)
    assert texts == same_texts
    for one, other in zip(together, apart, strict=True):
        np.testing.assert_array_equal(one, other)
    # both halves have something, and the loop belongs to the first
    guards = _GUARD.findall(texts[0])
    assert guards[-1] == "2"
    assert set(guards[:-1]) == {"1", "2"}


def functions(name: str, length: int = 0, inlined: int = 0) -> units.Functions:
    head = f"int32_t {name}(b2g_context *ctx)"
    text = f"B2G_APART B2G_STEP {head}\n{{\n    return B2G_OK;\n}}" + "\n" * length
    return units.Functions(text, [head], inlined)


def test_a_step_is_in_one_unit_and_declared_in_both():
    steps = [functions(f"step{k}", 1000 * k) for k in range(5)]
    assert units.declarations(steps) == [
        f"B2G_STEP int32_t step{k}(b2g_context *ctx);" for k in range(5)
    ]
    printed = units.in_units(steps)
    assert [text.splitlines()[-1] for text in printed] == ["#endif"] * 5
    assert [len(_GUARD.findall(text)) for text in printed] == [1] * 5
    assert all(step.text in text for step, text in zip(steps, printed, strict=True))
    assert {_GUARD.findall(text)[0] for text in printed} == {"1", "2"}


def test_small_programs_and_single_steps_are_one_piece():
    assert units.how_many([functions("a"), functions("b")]) == 1
    assert units.how_many([functions("a", 100_000)]) == 1
    assert units.how_many([functions("a", 100_000), functions("b")]) == 2
    assert units.how_many([functions("a", inlined=10), functions("b")]) == 2


@pytest.mark.parametrize("make", [_network, _network_of_all_kinds])
def test_what_a_step_says_of_its_functions_is_what_its_text_has(make, monkeypatch):
    _, (text,) = _results(monkeypatch, make, 1)
    declared = re.findall(r"^B2G_STEP (.*\));$", text, re.MULTILINE)
    there = re.findall(r"^B2G_APART B2G_STEP (.*\))\n\{", text, re.MULTILINE)
    assert sorted(declared) == sorted(there) != []


@pytest.mark.parametrize("wrong", [1, 2])
def test_an_error_in_either_piece_is_told(wrong):
    text = f"""
    #if B2G_UNIT == {wrong}
    #error that is wrong
    #endif
    int one_{wrong}_B(void) {{ return 1; }}
    """
    with pytest.raises(toolchain.CompileError, match="that is wrong"):
        toolchain.compile_library(toolchain.find().with_units(2), text, "network")


def test_both_pieces_are_linked_and_nothing_else_is_left():
    text = """
    int other(void);
    #if B2G_UNIT == 1
    int answer(void) { return other() + 1; }
    #else
    int other(void) { return 41; }
    #endif
    """
    chain = toolchain.find().with_units(2)
    library = toolchain.compile_library(chain, text, "network")
    assert library.answer() == 42
    path = Path(library._name)
    left = {one.suffix for one in path.parent.iterdir() if path.stem in one.name}
    assert left == {".c", ".so", ".sha256", ".lock"}


def test_other_programs_are_another_entry_of_the_cache():
    one, two = toolchain.find(), toolchain.find().with_units(2)
    assert one.identity != two.identity
    assert two.with_units(2) is two
    assert one.with_units(1) is one


def test_names_are_not_shown_outside(monkeypatch):
    """A library's own functions are not taken for those of another one."""
    _, texts = _results(monkeypatch, _network, 2)
    library = toolchain.compile_library(toolchain.find().with_units(2), texts[0], "network")
    try:
        names = subprocess.run(
            ["nm", "-D", "--defined-only", library._name],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    except FileNotFoundError:
        pytest.skip("needs nm")
    shown = {line.split()[-1] for line in names.splitlines()}
    assert all(name.startswith("program_") for name in shown), shown
