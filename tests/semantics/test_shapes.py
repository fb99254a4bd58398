"""Rank, shape, type and unit of everything that can be read, beside Brian's NumPy target.

Where Brian's two targets differ, `is_expected` says what is expected here.
"""

import re

import numpy as np
import pytest
from brian2 import (
    Cylinder,
    EventMonitor,
    Hz,
    NeuronGroup,
    PoissonGroup,
    PopulationRateMonitor,
    Quantity,
    Soma,
    SpatialNeuron,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    cm,
    linked_var,
    ms,
    mV,
    ohm,
    prefs,
    run,
    set_device,
    start_scope,
    uF,
    um,
)
from brian2.core.variables import VariableView

from tests import devices, together

EQUATIONS = """
v : volt
x : 1
whole : integer
flag : boolean
total : 1 (shared)
stotal : volt (shared)
swhole : integer (shared)
sflag : boolean (shared)
con : 1 (constant)
scon : 1 (shared, constant)
la : volt (linked)
lb : 1 (linked)
five = 5 : 1
fivei = 5 : integer
p = 10*mV**2 : volt**2
yes = True : boolean
ext = limit*2 : 1
later = t + 2*ms : second
sub = 2*x + total : 1
subv = v*x : volt
subi = 2*whole : integer
subb = x > 1 : boolean
allshared = total*2 : 1
allsharedv = stotal*2 : volt
allsharedi = swhole + 1 : integer
allsharedb = sflag and swhole > 3 : boolean
size = N : integer
step = dt : second
ssub = total*2 : 1 (shared)
ssubv = stotal*2 : volt (shared)
ssubi = swhole*2 : integer (shared)
ssubb = swhole > 2 : boolean (shared)
sp = 10*mV : volt (shared)
often = x*2 : 1 (constant over dt)
oftenc = 5.5 : 1 (constant over dt)
tat = table(t) : volt
tati = table(i*ms) : volt
tat2 = table2(t, 0) : 1
tat2i = table2(t, i % 2) : 1
rnd = rand() : 1
nrnd = 0*rand() : 1
nested = p/volt**2 + ext : 1
lvec = la*2 : volt
lsha = lb*2 : 1
ex = exp(total) : 1
ints = int(total) : integer
clipped = clip(total, 0, 1) : 1
number = i : integer
gone = 0*i + 3.5 : 1
neg = not sflag : boolean
"""
NAMES = [*re.findall(r"^(\w+) ?[:=]", EQUATIONS, re.M), "i", "N", "t", "dt", "lastspike"]

#: Ways to choose elements of a group.
INDICES = [
    "[:]", "[0]", "[-1]", "[1:3]", "[2:2]", "[5:9]", "[::-1]", "[[0, 2]]", "[[]]", "[[-1, -2]]",
    "[np.array([], dtype=int)]", "[np.array([True, False, True, False])]", "[np.array([False]*4)]",
    "[np.int64(1)]", "[np.array(1)]", "[[[0, 1], [2, 3]]]", "[:, None]", "[7]", "[[7]]", "[0.5]",
    "[0, 0]", "['x > 1']", "['True']", "['x > 100']", "['i == 0']", "['False']",
]  # fmt: skip
FEW = ["[:]", "[0]", "[1:3]", "[[0, 2]]", "['x > 1']", "[0:0]"]
FULL = ["v", "x", "whole", "la", "total", "five", "subv", "sub", "allshared", "ssub", "lastspike"]


def cells() -> dict:
    table = TimedArray(np.arange(4) * 1.5 * mV, dt=1 * ms)
    table2 = TimedArray(np.arange(8).reshape(4, 2) * 1.5, dt=1 * ms)
    limit = 3.0
    other = NeuronGroup(3, "a : volt\nb : 1 (shared)")
    other.a = [1, 2, 3] * mV
    other.b = 4
    group = NeuronGroup(4, EQUATIONS, threshold="x > 100", refractory=2 * ms)
    group.v = np.arange(4) * mV
    group.x = [3, -1, 2, 0]
    group.whole = [1, 0, 1, 2]
    group.flag = [True, False, False, True]
    group.total, group.stotal, group.swhole, group.sflag = 0.5, 3 * mV, 4, True
    group.la = linked_var(other, "a", index=[0, 1, 2, 0])
    group.lb = linked_var(other, "b")
    linked = ("la : volt (linked)\n", "lvec = la*2 : volt\n")  # Brian has no subgroups of these
    plain = NeuronGroup(
        4,
        EQUATIONS.replace(linked[0], "").replace(linked[1], ""),
        threshold="x > 100",
        refractory=2 * ms,
    )
    plain.x, plain.whole, plain.v = [3, -1, 2, 0], [1, 0, 1, 2], np.arange(4) * mV
    plain.lb = linked_var(other, "b")
    part, one = plain[1:3], plain[3:]
    return locals()


def of_cells() -> list[str]:
    found = []
    for name in NAMES:
        found += [f"group.{name}{index}" for index in (INDICES if name in FULL else FEW)]
        found += [f"group.{name}_[:]", f"np.asarray(group.{name})", f"part.{name}[:]"]
        if name in FULL:
            found += [f"group.{name}_{index}" for index in FEW]
            found += [f"part.{name}{index}" for index in [*FEW, "[-1]", "[1:]", "[5]"]]
            found += [f"one.{name}{index}" for index in ("[:]", "[0]", "['x > 1']")]
            found += [text for text in (
                f"np.asanyarray(group.{name})", f"1*group.{name}", f"len(group.{name})",
                f"group.{name} == group.{name}", f"-group.{name}", f"np.shape(group.{name}[:])",
                f"group.state('{name}')[:]", f"group.state('{name}', use_units=False)[:]",
                f"group.get_states(['{name}'])['{name}']", f"group.{name}.shape",
            )]  # fmt: skip
    return found


def connections() -> dict:
    limit = 3.0
    group = NeuronGroup(4, "x : 1\ny : volt\ns : 1 (shared)", threshold="x > 100")
    group.x = [3, -1, 2, 0]
    synapses = Synapses(
        group,
        group[1:],
        """w : 1
        u : volt
        k : integer
        flag : boolean
        common : 1 (shared)
        dz/dt = -z/ms : 1 (clock-driven)
        sum = w + x_pre + 10*x_post : 1
        volts = u*x_pre : volt
        five = 5.5 : 1
        ext = limit*2 : 1
        allshared = common*2 : 1
        neuron = s_pre*2 : 1
        ssub = common*3 : 1 (shared)
        later = t + 1*ms : second""",
        on_pre="x_post += w",
        method="exact",
        multisynaptic_index="number",
    )
    synapses.connect(condition="i != j")
    synapses.connect(i=0, j=1)
    synapses.w = "i + 0.1*j"
    synapses.k = "i"
    synapses.common = 2
    synapses.pre.delay = "(i + j)*ms"
    fixed = Synapses(group, group, "w : 1\nsub = 2*w : 1", on_pre="x_post += w", delay=2 * ms)
    fixed.connect(j="i")
    empty = Synapses(group, group, "w : 1\nsub = 2*w : 1\nfive = 5.5 : 1", on_pre="x_post += w")
    empty.connect(condition="False")
    return locals()


SYNAPTIC = [
    "w", "u", "k", "flag", "common", "z", "sum", "volts", "five", "ext", "allshared", "neuron",
    "ssub", "later", "i", "j", "N", "x_pre", "x_post", "y_post", "s_pre", "delay", "number",
    "lastupdate", "N_outgoing", "N_incoming", "N_outgoing_pre", "N_incoming_post", "N_pre",
    "N_post",
]  # fmt: skip
SYNAPTIC_INDICES = [
    "[:]", "[0]", "[-1]", "[2:5]", "[3:3]", "[[0, 2]]", "[[]]", "[0, 1]", "[0, :]", "[:, 1]",
    "[0, 0]", "[3, 0:1]", "[0, 1, 0]", "[0, 1, 1]", "[0, 1, :]", "[:, :]", "['i == j']",
    "['i > 100']", "['True']", "['w > 1']", "[[0, 1], 1]", "[100, :]", "[0.5]", "[-1, 0]",
    "[:, ::2]", "[[1, 2], [0, 1]]",
    "[np.array([True]*10)]", "[0, 1, 0, 0]",
]  # fmt: skip


def of_connections() -> list[str]:
    full = ("w", "u", "sum", "volts", "five", "allshared", "x_post", "i", "common", "delay")
    few = ("[:]", "[0]", "[0, :]", "['i == j']", "[3:3]")
    found = []
    for name in SYNAPTIC:
        indices = SYNAPTIC_INDICES if name in full else few
        found += [f"synapses.{name}{index}" for index in indices]
        found += [f"synapses.{name}_[:]", f"np.asarray(synapses.{name})"]
    for name in ("w", "sub", "five", "i", "delay", "x_pre"):
        for index in ("[:]", "[0]", "[0, :]", "['i == j']", "[[]]"):
            found.append(f"empty.{name}{index}")
            if name != "five":
                found.append(f"fixed.{name}{index}")
    found += ["synapses.N", "synapses.N[:]", "synapses.N + 0", "len(synapses)", "synapses.N_",
              "empty.N", "len(empty)", "synapses.pre.delay[:]", "fixed.delay", "fixed.delay_[:]",
              "synapses.indices['i == j']", "synapses.indices[0, :]", "synapses.pre.N", "empty.w",
              "synapses.get_states()['sum']", "synapses.get_states()['allshared']"]  # fmt: skip
    return found


def recordings() -> dict:
    group = NeuronGroup(
        4,
        """dv/dt = (2 + 0.5*i)*mV/ms : volt
        k : integer
        s : 1 (shared)
        five = 5.5 : 1
        d = 2*v : volt""",
        threshold="v > 2*mV",
        reset="v = 0*mV",
        events={"low": "v < 0.31*mV"},
        method="euler",
    )
    states = StateMonitor(group, ["v", "k", "s", "five", "d"], record=True)
    two = StateMonitor(group, "v", record=[1, 3])
    none = StateMonitor(group, "v", record=False)
    spikes = SpikeMonitor(group, variables=["v", "k"])
    few = SpikeMonitor(group[1:3])
    silent = SpikeMonitor(NeuronGroup(2, "v : 1", threshold="v > 1"))
    counts = SpikeMonitor(group, record=False)
    low = EventMonitor(group, "low", variables="d")
    rate = PopulationRateMonitor(group)
    poisson = PoissonGroup(3, rates=[0, 10, 20] * Hz)
    generator = SpikeGeneratorGroup(3, [0, 2], [1, 2] * ms)
    run(2 * ms)
    return locals()


def of_recordings() -> list[str]:
    found = []
    for monitor, names in {
        "states": ["v", "k", "s", "five", "d", "t", "N"], "two": ["v", "t"], "none": ["v", "t"],
        "spikes": ["v", "k", "i", "t", "N", "count"], "few": ["i", "t", "count", "N"],
        "silent": ["i", "t", "count"], "counts": ["count", "N"], "low": ["d", "i", "t", "count"],
        "rate": ["rate", "t", "N"],
    }.items():  # fmt: skip
        for name in names:
            found += [
                f"{monitor}.{name}{end}"
                for end in ("", "_", "[:]", "_[:]", "[0]", "[1:2]", "[7:7]")
            ]
            found += [
                f"{monitor}.{name}[-1]",
                f"{monitor}.{name}[[0, 0]]",
                f"np.asarray({monitor}.{name})",
            ]
    for chosen in (
        "states[1]",
        "states[[0, 2]]",
        "states[[]]",
        "two[3]",
        "two[[1, 3]]",
        "two[0]",
        "states[:2]",
    ):
        found += [f"{chosen}.{name}" for name in ("v", "v_", "k", "five", "t", "s", "v[0]")]
    for monitor in ("spikes", "few", "silent", "low", "counts"):
        found += [
            f"{monitor}.num_{'events' if monitor == 'low' else 'spikes'}",
            f"{monitor}.it",
            f"{monitor}.it_",
        ]
        found += [
            f"{monitor}.values('t')[1]",
            f"{monitor}.all_values()['t'][0]",
            f"{monitor}.i['t > 1*ms']",
        ]
    found += ["spikes.spike_trains()[0]", "silent.spike_trains()[1]", "spikes.v['i == 0']"]
    found += ["rate.smooth_rate(width=0.5*ms)", "rate.rate['t > 1*ms']", "poisson.rates",
              "poisson.rates[:]", "poisson.rates[1]", "poisson.rates[1:2]", "poisson.i[:]",
              "poisson.rates_['i > 0']",
              "generator.i[:]", "generator.spikes", "poisson.spikes", "group.spikes", "group.t",
              "group.dt", "group.t_", "group.N", "group.N[:]", "len(group)"]  # fmt: skip
    return found


def compartments() -> dict:
    morphology = Soma(diameter=10 * um)
    morphology.axon = Cylinder(length=100 * um, diameter=1 * um, n=4)
    neuron = SpatialNeuron(
        morphology,
        """Im = gl*(-70*mV - v) : amp/meter**2
        gl : siemens/meter**2
        five = 5.5 : 1
        half = v/2 : volt
        I : amp (point current)""",
        Cm=1 * uF / cm**2,
        Ri=100 * ohm * cm,
        method="exponential_euler",
    )
    neuron.v = -70 * mV
    return locals()


def of_compartments() -> list[str]:
    found = []
    for name in (
        "v",
        "gl",
        "five",
        "half",
        "I",
        "Im",
        "area",
        "distance",
        "Cm",
        "Ri",
        "length",
        "i",
        "x",
    ):
        for where in ("neuron", "neuron.axon", "neuron.main", "neuron.axon[:50*um]"):
            found += [
                f"{where}.{name}{index}"
                for index in ("[:]", "[0]", "[1:3]", "_[:]", "['v < 0*mV']")
            ]
    return found


def tables() -> dict:
    one = TimedArray(np.arange(4) * mV, dt=1 * ms)
    plain = TimedArray(np.arange(4), dt=1 * ms)
    two = TimedArray(np.arange(8).reshape(4, 2) * 1.5, dt=1 * ms)
    return locals()


def of_tables() -> list[str]:
    times = ("0*ms", "1*ms", "[1, 2]*ms", "np.array([])*ms", "99*ms", "[[1, 2], [0, 1]]*ms", "1")
    found = [f"{name}({time})" for name in ("one", "plain") for time in times]
    return found + [f"two({time}, {i})" for time in times for i in ("0", "1", "[0, 1]", "7")]


TABLES = {
    "cells": (cells, of_cells),
    "connections": (connections, of_connections),
    "recordings": (recordings, of_recordings),
    "compartments": (compartments, of_compartments),
    "tables": (tables, of_tables),
}

#: Subexpressions that have one value for all elements.
SAME = {
    "five", "fivei", "p", "yes", "ext", "later", "allshared", "allsharedv", "allsharedi",
    "allsharedb", "size", "step", "tat", "tat2", "nested", "lsha", "ex", "ints", "clipped", "gone",
    "neg", "neuron", "oftenc",
}  # fmt: skip


def describe(expression: str, names: dict) -> tuple:
    """What can be observed of a value's form, or of an error."""
    try:
        value = eval(expression, {**globals(), **names})
        if isinstance(value, VariableView):
            return "view", value.variable.name, value.dim
        if isinstance(value, tuple):
            return "tuple", *(type(part).__name__ for part in value)
        unit = value.dim if isinstance(value, Quantity) else None
        kind = "array" if isinstance(value, np.ndarray) else "number"
        array = np.asarray(value)
        # Python's numbers, as NumPy gives of constants, have no type of their own
        dtype = array.dtype.kind if not array.shape else array.dtype.name
        return kind, unit, array.shape, dtype
    except Exception as error:
        # a code object's error is the cause of Brian's
        while type(error).__name__ == "BrianObjectException" and error.__cause__ is not None:
            error = error.__cause__
        return "error", type(error).__name__


#: Functions whose values have double precision in Brian's NumPy target, whatever is asked for:
#: subexpressions of them have there, too. In Brian's Cython target they have the type that they
#: are declared with, as all variables have.
IN_DOUBLE = r"\.(rnd|nrnd|tati|tat2i)_?\b"


def collect(
    device: str, table: str, float_dtype: type = np.float64, target: str = "numpy", only: str = ""
) -> dict[str, tuple]:
    """What can be observed of all that can be read.

    Parameters
    ----------
    device : str
    table : str
        One of `TABLES`.
    float_dtype : type
        Of floats that the script says nothing about.
    target : str
        Brian's, for what is read as a string or a subexpression.
    only : str
        A pattern that expressions are chosen by.
    """
    devices.reset()
    set_device(device)
    prefs.codegen.target = "numpy"
    prefs.codegen.string_expression_target = target
    prefs.core.default_float_dtype = float_dtype
    start_scope()
    build, expressions = TABLES[table]
    try:
        names = build()
        chosen = [expression for expression in expressions() if re.search(only, expression)]
        return {expression: describe(expression, names) for expression in chosen}
    finally:
        devices.reset()


#: Beside a subexpression that is the same for all elements: a variable that is not.
VECTOR = {"group": "x", "part": "x", "one": "x", "synapses": "w", "empty": "w", "neuron": "half"}


def as_of_a_vector(expression: str, found: dict[str, tuple]) -> bool:
    """Whether a result has the form of a variable's with the same elements."""
    name = re.match(r"(\w+)(?:\.axon|\.main)?(?:\[[^]]*\])?\.(\w+?)_?\[", expression)
    if name is None or name[2] not in SAME:
        return False
    vector = expression[: name.start(2)] + VECTOR[name[1]] + expression[name.end(2) :]
    expected, result = found.get(vector), found[expression]
    if expected is None:
        return False
    if "error" in (expected[0], result[0]):
        return expected == result
    return expected[2] == result[2]


def is_expected(
    expression: str, expected: tuple, found: dict[str, tuple], single: bool = False
) -> bool:
    """Whether a result is Brian's, or what its compiled target gives where the NumPy target's
    result is of another kind.

    Of what is the same for all elements, one element or those that meet a condition cannot be had
    from Brian's NumPy target, and whole numbers are of that type there even if the subexpression
    is a float. In single precision, see `IN_DOUBLE`.
    """
    result = found[expression]
    if expected[0] == "error":
        return result == expected or as_of_a_vector(expression, found)
    if re.search(r"\bfive_?\b", expression) and expected[-1] == "i" and not expected[2]:
        expected = (*expected[:-1], "f")
    if single and re.search(IN_DOUBLE, expression) and expected[-1] == "float64":
        expected = (*expected[:-1], "float32")
    return result == expected


@pytest.mark.parametrize("float_dtype", [np.float64, np.float32])
@pytest.mark.parametrize("table", TABLES)
def test_forms_agree_with_runtime(table, float_dtype):
    single = float_dtype is np.float32
    reference = collect("runtime", table, float_dtype)
    found = collect(devices.DEVICE, table, float_dtype)
    assert len(reference) > 20
    is_float32 = any(result[-1] == "float32" for result in found.values())
    assert is_float32 == (single and table != "tables")
    differences = [
        f"{expression}: {found[expression]}, not {expected}"
        for expression, expected in reference.items()
        if not is_expected(expression, expected, found, single)
    ]
    assert not differences, "\n".join(differences)


@pytest.mark.slow
def test_what_is_in_double_precision_with_numpy_is_not_with_cython():
    only = r"group\.(rnd|tati)\[(:|'x > 1')\]"
    reference = collect("runtime", "cells", np.float32, "cython", only)
    assert len(reference) == 4
    assert collect(devices.DEVICE, "cells", np.float32, only=only) == reference


SETTING = """
group.x = group.x
group.x = group.five
group.x = group.allshared
group.x = group.total
group.x = group.x[1:3]
group.x = group.x['x > 0']
group.x = group.x['x > 100']
group.x = group.x['i == 2']
group.x[1:3] = group.x[:2]
group.x[1:3] = group.x[:3]
group.x[1:3] = group.five[1:3]
group.x[[0, 2]] = group.five[:]
group.x[[0, 2]] = [1]
group.x[[0, 2]] = [1, 2, 3]
group.x[[]] = []
group.x[[]] = 1
group.x[1] = group.x[2]
group.x[1] = [3]
group.x[1] = [3, 4]
group.x[1] = np.array(3)
group.x['x > 0'] = group.x[0]
group.x['x > 0'] = group.five[:]
group.x['x > 0'] = group.x[:2]
group.x['x > 0'] = [7]
group.x['x > 0'] = 'five'
group.x['x > 100'] = 5
group.x['total > 0'] = 5
group.x['total > 0'] = 'x*2'
group.x['True'] = 'five'
group.x = 'allshared'
group.x = 'five*x'
group.x[1:3] = 'five'
group.x[5:9] = 'five'
group.x[5:9] = 1
group.x[7] = 1
group.x[-1] = group.five
group.x[:, None] = 1
group.x[0, 0] = 1
group.x[0.5] = 1
group.x[np.array([True, False, True, False])] = group.x[:2]
group.x[[[0, 1], [2, 3]]] = 1
group.x = np.ones((4, 1))
group.x = np.ones((2, 2))
group.x = np.ones(5)
group.total = group.five
group.total = group.x
group.total = [1]
group.total = [1, 2]
group.total[0] = 1
group.total[:] = 2
group.total['x > 0'] = 2
group.total = 'five'
group.total = 'x'
group.whole = group.five
group.whole = 'five'
group.flag = group.yes
group.flag = 'yes'
group.v = group.v
group.v = group.allsharedv
group.v = group.p
group.v = group.five
group.v = 'allsharedv'
group.v[:2] = group.subv
group.five = 1
group.five[0] = 1
group.N = 3
part.x = group.x
part.x = group.x[:2]
part.x = part.five
part.x[0] = 5
part.x[2] = 5
part.x['x > 0'] = 'five'
one.x = one.x
one.x = one.five
one.x = [1]
one.x = [1, 2]
""".strip().splitlines()

SETTING_SYNAPSES = """
synapses.w = synapses.sum
synapses.w = synapses.five
synapses.w = synapses.allshared
synapses.w = synapses.w[0, :]
synapses.w[0, :] = synapses.w[0, :]
synapses.w[0, :] = synapses.w[1, :]
synapses.w[0, :] = synapses.five[0, :]
synapses.w[0, :] = [1, 2]
synapses.w[0, :] = 3
synapses.w[0, 0] = [3]
synapses.w[100, :] = 3
synapses.w[:, 1] = 'five'
synapses.w[0] = synapses.w[1]
synapses.w['i == j'] = 3
synapses.w['i == j'] = 'allshared'
synapses.w['i > 100'] = 3
synapses.w['i > 0'] = synapses.w['i > 0']
synapses.w[[0, 1], 1] = 3
synapses.w = np.ones(3)
synapses.w = np.ones(10)
synapses.w = synapses.x_pre
synapses.x_pre = 1
synapses.x_post = 'w'
synapses.common = synapses.five
synapses.common = synapses.w
synapses.delay = synapses.five*ms
synapses.delay[0, :] = [1]*ms
synapses.i = 3
fixed.delay = 3*ms
fixed.delay = [1, 2, 3, 4]*ms
fixed.delay = 'i*ms'
empty.w = 1
empty.w = []
empty.w = empty.five
empty.w = [1]
empty.w = 'i'
empty.w[0, :] = 1
""".strip().splitlines()


def set_and_see(device: str, build, statements: list[str]) -> dict[str, object]:
    devices.reset()
    set_device(device)
    prefs.codegen.target = "numpy"
    start_scope()
    found: dict[str, object] = {}
    try:
        names = build()
        seen = [names[n] for n in ("group", "part", "one", "synapses", "empty") if n in names]
        for statement in statements:
            try:
                exec(statement, {**globals(), **names})
                outcome = "done"
            except Exception as error:
                while type(error).__name__ == "BrianObjectException" and error.__cause__:
                    error = error.__cause__
                outcome = type(error).__name__
            with together.whole(*seen):
                values = [
                    np.array(variable.get_value()).tolist()
                    for thing in seen
                    for name, variable in sorted(thing.variables.items())
                    if name in ("x", "v", "whole", "flag", "total", "w", "delay", "common")
                ]
            found[statement] = outcome, values
        return found
    finally:
        devices.reset()


@pytest.mark.parametrize("build, statements", [(cells, SETTING), (connections, SETTING_SYNAPSES)])
def test_setting_agrees_with_runtime(build, statements):
    reference = set_and_see("runtime", build, statements)
    found = set_and_see(devices.DEVICE, build, statements)
    differences = [
        f"{statement}: {found[statement]}, not {expected}"
        for statement, expected in reference.items()
        if found[statement] != expected
    ]
    assert not differences, "\n".join(differences)
