"""What is computed once per run, once per time step, and for each element."""

from dataclasses import replace

import pytest

from brian2genn.backends.trial.network import make_trial
from brian2genn.codegen.c.loops import LoopPrinter
from brian2genn.codegen.c.shared import Unit
from brian2genn.frontend.expressions import ExpressionReader
from brian2genn.model import expr as ex
from brian2genn.model.dtypes import FLOAT64
from brian2genn.model.kernel import Access, Kernel, RandomSite, Store, UserFunction
from brian2genn.model.network import describe
from brian2genn.transforms.hoist import DEEPEST, hoist, hoisted
from brian2genn.transforms.pipeline import FOR_A_GPU, FOR_A_PROCESSOR, FOR_GENN, lower

#: Names that begin with a capital are parameters; these are shared by all elements.
SHARED = {"t", "dt", "counter"}


def read(text: str) -> ex.Expr:
    def lookup(name: str) -> ex.Expr:
        return ex.make("param" if name[0].isupper() else "load", attr=name)

    def function(name: str, args: list[ex.Expr]) -> ex.Expr | None:
        if name == "select":
            return ex.select(ex.compare("gt", args[0], ex.const(0.0)), *args[1:])
        return None

    return ExpressionReader(lookup, function).read(text)


def kernel_of(*texts: str, shared: str = "") -> Kernel:
    kernel = Kernel("test", "test")
    kernel.accesses = {
        name: Access(name, name, FLOAT64, None if name in SHARED else "_idx")
        for name in ("v", "w", *SHARED)
    }
    kernel.stores = [Store(name, read(text)) for name, text in zip(("v", "w"), texts, strict=False)]
    if shared:
        kernel.shared_stores = [Store("counter", read(shared))]
    return kernel


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["v + w"], ["for each element: read v; read w"]),
        (["Tau * v"], ["once per time step: read Tau", "for each element: read v"]),
        (
            ["v * (Tau / C)"],
            [
                "once per run: #1 = (Tau / C)",
                "once per time step: read #1",
                "for each element: read v",
            ],
        ),
        (
            ["v * (t - Tau)"],
            ["once per time step: read t; read Tau; #1 = (t - Tau)", "for each element: read v"],
        ),
        # a variable that keeps its value is used in what is computed once per run
        (
            ["v * (dt / Tau)"],
            [
                "once per run: read dt; #1 = (dt / Tau)",
                "once per time step: read #1",
                "for each element: read v",
            ],
        ),
        (["v + dt"], ["once per time step: read dt", "for each element: read v"]),
        # what is used twice has a name, in the order in which it is needed
        (
            ["(v + w) * (v + w)"],
            ["for each element: read v; read w; #1 = (v + w)"],
        ),
        (["exp(v) + w"], ["for each element: read v; #1 = exp(v); read w"]),
        (
            ["select(v, v + 1, w)"],
            ["for each element: read v; read w; #1 = select((v > 0.0), (v + 1.0), w)"],
        ),
        (["1.5", "2.5"], []),
    ],
)  # fmt: skip
def test_where_values_are_computed(texts, expected):
    assert hoisted(kernel_of(*texts)).describe() == expected


def test_each_value_is_computed_once():
    plan = hoisted(kernel_of("v + exp(Tau) * w", "w + exp(Tau) * exp(t)", shared="exp(t)"))
    keys = [(one.value.serial, one.rate) for one in plan.all()]
    assert len(keys) == len(set(keys))
    assert plan.describe() == [
        "once per run: #2 = exp(Tau)",
        "once per time step: read t; #1 = exp(t); read #2; #3 = (#2 * #1)",
        "for each element: read v; read w",
    ]


def test_what_is_written_once_changes():
    """A time step that the code itself sets is not constant."""
    kernel = kernel_of("v * exp(dt)")
    kernel.shared_stores = [Store("dt", read("dt + 1"))]
    assert hoisted(kernel).describe() == [
        "once per time step: read dt; #1 = exp(dt)",
        "for each element: read v",
    ]


def test_long_expressions_are_cut():
    value = read("v")
    for k in range(3 * DEEPEST):
        value = ex.binary("add", value, ex.const(k + 0.5))
    kernel = kernel_of()
    kernel.stores = [Store("v", value)]
    named = [one.value for one in hoisted(kernel).all() if one.value.op == "add"]
    assert len(named) == 3


def test_values_for_outputs_may_come_first():
    kernel = kernel_of("exp(v)")
    kernel.outputs = {"_cond": read("exp(w)")}
    assert hoisted(kernel).describe() == [
        "for each element: read v; #1 = exp(v); read w; #2 = exp(w)"
    ]
    assert hoisted(kernel, outputs_first=True).describe() == [
        "for each element: read w; #1 = exp(w); read v; #2 = exp(v)"
    ]


def test_functions_that_look_into_arrays_are_called_in_their_order():
    def call(number: int, shared: bool) -> ex.Expr:
        function = UserFunction(
            f"f{number}", "f", FLOAT64, False, False, number, looks=True, shared=shared
        )
        return ex.make("user", [read("v")] if not shared else [], function)

    kernel = kernel_of()
    kernel.stores = [Store("v", call(2, False)), Store("w", call(1, False))]
    kernel.outputs = {"_cond": call(3, True)}
    calls = [one.value.attr.name for one in hoisted(kernel).all() if one.value.op == "user"]
    assert calls == ["f3", "f1", "f2"]


def test_numbers_drawn_ahead_need_nothing():
    """Means of Poisson numbers are computed in a loop before that of the elements."""
    kernel = kernel_of()
    drawn = ex.make("random", [read("exp(v)")], RandomSite("poisson", 0))
    kernel.stores = [Store("w", drawn)]
    whole = hoisted(kernel)
    assert whole.describe() == ["for each element: read v; #1 = exp(v); #2 = poisson#0(#1)"]
    assert hoisted(kernel, frozenset([drawn.serial])).describe() == [
        "for each element: #1 = poisson#0(exp(v))"
    ]
    printer = LoopPrinter(kernel, Unit({}, {"v": 0, "w": 1})).print()
    assert not printer.element
    assert any("exp" in line for line in printer.draws[0].before)


@pytest.mark.parametrize("passes", [FOR_A_PROCESSOR, FOR_A_GPU], ids=["processor", "gpu"])
def test_the_pass_is_the_last_one_and_its_result_is_used(passes):
    network = make_trial().network.copied()
    lower(network, passes)
    for step in network.steps:
        for kernel in step.kernels():
            assert kernel.hoisted is not None
            assert hoisted(kernel, outputs_first=kernel.hoisted.outputs_first) is kernel.hoisted
    assert "once per time step: " in describe(network)


def test_genn_computes_all_for_each_element():
    network = make_trial().network.copied()
    lower(network, FOR_GENN)
    assert all(kernel.hoisted is None for kernel in network.kernels())


def test_a_changed_kernel_is_asked_again():
    network = make_trial().network.copied()
    hoist(network)
    kernel = next(kernel for kernel in network.kernels() if kernel.stores)
    assert replace(kernel).hoisted is None
    before = kernel.hoisted
    kernel.stores = [replace(kernel.stores[0], value=ex.const(1.5))]
    assert hoisted(kernel) is not before
    assert hoisted(kernel).roots == tuple(kernel.roots())
