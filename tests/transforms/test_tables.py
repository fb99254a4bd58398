"""Tables of what synapses need of neurons: reciprocals, so that no synapse divides."""

import pytest

from brian2genn.model import expr as ex
from brian2genn.model.dtypes import FLOAT64, INT32
from brian2genn.model.expr import show
from brian2genn.model.kernel import Access, Kernel
from brian2genn.transforms.tables import VALUE, takes_long, with_tables

W, X, Y = (ex.make("load", attr=name, dtype=FLOAT64) for name in "wxy")
LOOKED_UP = ex.make("load", attr="t0", dtype=FLOAT64)
ACCESSES = {
    "i": Access("i", "pre", INT32),
    "j": Access("j", "post", INT32),
    "w": Access("w", "w", FLOAT64),
    "x": Access("x", "x", FLOAT64, index="i"),
    "y": Access("y", "y", FLOAT64, index="j"),
}


def div(one, other):
    return ex.make("div", (one, other), dtype=FLOAT64)


def times(one, other):
    return ex.make("mul", (one, other), dtype=FLOAT64)


def tables_of(value, careful=False):
    kernel = Kernel("k", "", dict(ACCESSES), outputs={"a": value}, careful=careful)
    looking_up, tables = with_tables(kernel, "t", set(), takes_long)
    return show(looking_up.outputs["a"]), {
        table.index: show(table.kernel.outputs[VALUE]) for table in tables
    }


@pytest.mark.parametrize(
    ("value", "shown", "tables"),
    [
        (div(W, X), show(times(W, LOOKED_UP)),
         {"pre": show(div(ex.const(1.0), X))}),
        (div(Y, X), show(times(Y, LOOKED_UP)),
         {"pre": show(div(ex.const(1.0), X))}),
        (div(X, W), show(div(X, W)), {}),
        (div(W, ex.const(3.0)), show(div(W, ex.const(3.0))), {}),
        (div(ex.const(3.0), X), show(LOOKED_UP),
         {"pre": show(div(ex.const(3.0), X))}),
    ],
    ids=["own/pre", "post/pre", "pre/own", "own/number", "number/pre"],
)  # fmt: skip
def test_a_synapse_need_not_divide_by_what_a_neuron_has(value, shown, tables):
    assert tables_of(value) == (shown, tables)


def test_not_where_magnitudes_have_to_be_looked_at():
    assert tables_of(div(W, X), careful=True) == (show(div(W, X)), {})
