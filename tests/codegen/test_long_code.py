"""Code of any length: no pass needs more of Python's stack, or of time, for more statements."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, ms, second, set_device

import brian2genn
from brian2genn.codegen.c.printer import KernelPrinter
from brian2genn.codegen.c.shared import Unit
from brian2genn.codegen.genn.code import GennCode
from brian2genn.frontend.expressions import ExpressionReader
from brian2genn.model import expr as ex
from brian2genn.model.dtypes import BOOL, FLOAT64
from brian2genn.model.kernel import Access, Kernel, Store
from brian2genn.runtime.code.depth import as_deep_as_needed
from brian2genn.transforms.scatter import addend, separate_additions
from brian2genn.transforms.simplify import simplify_kernel
from brian2genn.transforms.specialise import specialise_kernel


def lookup(name: str) -> ex.Expr:
    if name.isupper():
        return ex.make("param", attr=name)
    return ex.make("load", attr=name, dtype=BOOL if name.startswith("is") else FLOAT64)


READER = ExpressionReader(lookup, lambda name, args: None)


def chain(n: int) -> ex.Expr:
    value = lookup("x")
    for k in range(n):
        value = ex.binary("add", ex.binary("mul", value, ex.const(0.99)), lookup(f"y{k % 7}"))
    return value


def guarded(n: int) -> ex.Expr:
    value = lookup("x")
    for k in range(n):
        new = ex.binary("add", value, ex.binary("mul", ex.const(k + 0.5), lookup("y0")))
        value = ex.select(lookup("is_on"), new, value)
    return value


def conditions(n: int) -> ex.Expr:
    value = lookup("x")
    for k in range(n):
        condition = ex.compare("gt", value, ex.const(k + 0.5))
        value = ex.select(condition, ex.binary("mul", value, ex.const(1.25)), value)
    return value


def product(n: int) -> ex.Expr:
    value = lookup("x")
    for k in range(n):
        value = ex.make(
            "div" if k % 3 else "mul", (value, ex.binary("add", lookup("y1"), ex.const(k + 0.5)))
        )
    return value


def one_source(n: int) -> ex.Expr:
    value = ex.cast(lookup("is_on"), FLOAT64)
    for k in range(n):
        value = ex.call("sin", [ex.binary("mul", value, ex.const(k + 1.5))], FLOAT64)
    return value


def powers(n: int) -> ex.Expr:
    value = lookup("x")
    for _ in range(n):
        value = ex.binary("mul", value, value)
    return value


BUILDERS = [chain, guarded, conditions, product, one_source, powers]


def kernel_of(value: ex.Expr) -> Kernel:
    kernel = Kernel("test", "test")
    names = ["x", *(f"y{k}" for k in range(7)), "is_on"]
    kernel.accesses = {n: Access(n, n, BOOL if n.startswith("is") else FLOAT64) for n in names}
    kernel.stores = [Store("x", value)]
    return kernel


class Names:
    def variable(self, access):
        return access.name


def all_passes(value: ex.Expr) -> tuple[KernelPrinter, GennCode]:
    kernel = kernel_of(value)
    kernel.accesses["x"] = Access("x", "x", FLOAT64, "_other")
    kernel.accesses["_other"] = Access("_other", "_other", "int32")
    separate_additions(kernel)
    specialise_kernel(kernel)
    simplify_kernel(kernel)
    numbers = iter(range(10**9))
    code = GennCode(kernel, Names(), lambda: next(numbers))
    code.value(kernel.stores[0].value)
    arrays = {access.array: k for k, access in enumerate(kernel.accesses.values())}
    return KernelPrinter(kernel, Unit({}, arrays)).print(), code


@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
def test_no_pass_recurses(build):
    value = build(4_000)  # Python's stack has room for a quarter of it
    printer, code = all_passes(value)
    for statement in (*printer.element, *printer.stores(), *code.lines):
        deepest = depth = 0
        for character in str(statement):
            depth += (character == "(") - (character == ")")
            deepest = max(deepest, depth)
        assert deepest < 250  # clang takes 256
    assert len(ex.show(value)) < 1e6


@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
def test_time_grows_with_the_number_of_statements(build):
    """Eight times as many take eight times as long: not 64, by far."""

    def seconds(n):
        value = build(n)
        began = time.process_time()
        all_passes(value)
        return time.process_time() - began

    seconds(200)
    short = min(seconds(400 + k) for k in range(3))
    assert seconds(3_200) < 24 * short


def test_a_long_sum_is_read_without_recursion():
    text = " + ".join(f"{k}.5*y0" for k in range(2_000))
    value = as_deep_as_needed(lambda: READER.read(text))
    assert sum(node.op == "add" for node in ex.walk([value])) == 1_999


def test_what_guarded_additions_add():
    """Asking both branches of each condition what they add takes 2**n questions."""
    added = addend(guarded(200), "x")
    assert added is not None
    assert not any(node.op == "load" and node.attr == "x" for node in ex.walk([added]))


def test_deep_expressions_can_be_forgotten():
    value = other = lookup("x")
    for _ in range(100_000):
        value = ex.make("add", (value, other))
    del value


@pytest.mark.slow
@pytest.mark.parametrize("n", [300, 5_000])
def test_chained_statements(n):
    set_device("genn", backend="cpu")
    group = NeuronGroup(3, "x : 1\ny : 1", name="cells")
    group.y = "i"
    group.run_regularly("\n".join(f"x = x*0.99 + {k}*y" for k in range(n)), name="long")
    Network(group).run(0.1 * ms)
    expected = np.zeros(3)
    for k in range(n):
        expected = expected * 0.99 + k * np.arange(3)
    np.testing.assert_allclose(group.x[:], expected, rtol=1e-9)
    assert brian2genn.explain().where("long") == "compiled"


def test_a_sum_of_two_thousand_terms():
    set_device("genn", backend="cpu")
    group = NeuronGroup(3, "x : 1\ny : 1", name="cells")
    group.y = "i"
    group.run_regularly("x = " + " + ".join(f"{k}*y" for k in range(2_000)), name="long")
    Network(group).run(0.1 * ms)
    np.testing.assert_allclose(group.x[:], np.arange(3) * 1999 * 1000)
    assert brian2genn.explain().where("long") == "compiled"
    assert sys.getrecursionlimit() < 5_000


@pytest.mark.parametrize("n", [700, pytest.param(2_000, marks=pytest.mark.slow)])
def test_long_sums_in_equations_and_set_up_code(n):
    """Brian reads these before the device is asked, by functions that need a deep stack."""
    set_device("genn", backend="cpu")
    y, w = (" + ".join(f"{k}*{name}" for k in range(n)) for name in "yw")
    total = np.arange(3) * n * (n - 1) / 2

    group = NeuronGroup(
        3, f"y : 1\nx : 1\nz = {y} : 1\ndu/dt = ({y})/ms : 1", threshold="y > 1e9",
        method="euler", name="cells",
    )  # fmt: skip
    group.y = "i"
    np.testing.assert_allclose(group.z[:], total)
    group.x = y
    np.testing.assert_allclose(group.x[:], total)
    np.testing.assert_array_equal(group.y[f"{y} > 0"], [1, 2])

    synapses = Synapses(group, group, f"w : 1\nx_post = {w} : 1 (summed)", on_pre="w += 0")
    synapses.connect(j="i")
    synapses.w = "i"
    synapses.pre.delay = f"({w})*1e-9*second"
    np.testing.assert_allclose(synapses.delay / second, total * 1e-9)
    group.x = 0
    Network(group, synapses).run(0.1 * ms)
    np.testing.assert_allclose(group.x[:], total)
    np.testing.assert_allclose(group.u[:], total * 0.1)
    assert sys.getrecursionlimit() < 5_000


@pytest.mark.parametrize("n", [300, pytest.param(2_000, marks=pytest.mark.slow)])
def test_long_conditions_of_synapses(n):
    """Brian writes them anew, with as many brackets in one another as there are terms."""
    set_device("genn", backend="cpu")
    i, j, nothing, zero = (
        " + ".join(f"{text}*{k}" for k in range(n)) for text in ("i", "j", "0*i", "0*N_pre")
    )
    group = NeuronGroup(4, "x : 1", name="cells")
    group.x = "i"

    def made(**how):
        synapses = Synapses(group, group)
        synapses.connect(**how)
        return list(zip(synapses.i[:].tolist(), synapses.j[:].tolist(), strict=True))

    every = [(a, b) for a in range(4) for b in range(4)]
    later = [(a, b) for a, b in every if b > a]
    assert made(condition=f"{j} > {i}") == later
    assert made(condition=f"{i} >= 0", p=f"1.0 + {nothing}") == every
    assert made(condition="j > i", p=f"1.0 + 0*({j})") == later
    assert made(condition="j > i", n=f"1 + {nothing}") == later
    assert made(j=f"i + {nothing}") == [(a, a) for a in range(4)]
    assert made(j=f"k + {nothing} for k in range(i + 1 + {nothing}, N_post) if {j} > 0") == later
    assert made(i=f"k for k in sample(N_pre, p=1.0 + {zero})") == [(b, a) for a, b in every]
    assert sys.getrecursionlimit() < 5_000


def test_what_is_called_with_room_calls_with_room():
    def deep(n):
        return 0 if n == 0 else 1 + deep(n - 1)

    assert as_deep_as_needed(lambda: deep(2_000) + as_deep_as_needed(lambda: deep(3_000))) == 5_000
    with pytest.raises(RecursionError):
        as_deep_as_needed(lambda: deep(2_000) + as_deep_as_needed(lambda: deep(40_000)))


def test_many_statements_unless_refractory():
    set_device("genn", backend="cpu")
    group = NeuronGroup(
        3, "dx/dt = 0/ms : 1 (unless refractory)\ny : 1", threshold="x > 1e9", refractory=1 * ms,
        method="euler", name="cells",
    )  # fmt: skip
    target = NeuronGroup(3, "dz/dt = 0/ms : 1 (unless refractory)", threshold="z > 1e9",
                         refractory=1 * ms, method="euler", name="target")  # fmt: skip
    synapses = Synapses(group, target, on_pre="\n".join(f"z_post += {k}" for k in range(200)))
    synapses.connect()
    group.y = "i"
    group.run_regularly("\n".join(f"x = x + {k}*y" for k in range(200)), name="long")
    Network(group, target, synapses).run(0.1 * ms)
    np.testing.assert_allclose(group.x[:], np.arange(3) * 199 * 100)


def test_a_recursion_without_end_is_an_error():
    def endless(n=0):
        return endless(n + 1)

    with pytest.raises(RecursionError):
        as_deep_as_needed(endless)
    assert sys.getrecursionlimit() < 5_000


def test_a_recursion_through_c_without_end_does_not_kill_the_process():
    script = (
        "from brian2genn.runtime.code.depth import as_deep_as_needed\n"
        "def endless(x): return sorted([1, 2], key=endless)\n"
        "try: as_deep_as_needed(lambda: endless(1))\n"
        "except RecursionError: print('told')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "told" in done.stdout


def test_what_goes_deep_is_called_again_and_sees_the_same():
    calls = []

    def deep(n):
        return 0 if n == 0 else 1 + deep(n - 1)

    def read():
        calls.append(threading.current_thread().name)
        return deep(3_000)

    assert as_deep_as_needed(read) == 3_000
    assert len(calls) == 2
    assert as_deep_as_needed(lambda: 5) == 5


def test_errors_of_deep_code_come_through():
    def deep(n):
        if n == 0:
            raise KeyError("found")
        return deep(n - 1)

    with pytest.raises(KeyError, match="found"):
        as_deep_as_needed(lambda: deep(3_000))
