"""Which sums over synapses need not be made in every time step."""

from dataclasses import replace

import pytest

from brian2genn.model import expr as ex
from brian2genn.model.dtypes import FLOAT64, INT32
from brian2genn.model.kernel import Access, Kernel, Store
from brian2genn.model.network import Host, Network, Sum, Update
from brian2genn.transforms.demand import Users, sums_on_demand

W, TOTAL = (ex.make("load", attr=name, dtype=FLOAT64) for name in ("w", "total"))
ACCESSES = {name: Access(name, name, FLOAT64) for name in ("w", "total", "v")}


def summed(value=W, name="sum", **changes):
    accesses = {
        **ACCESSES,
        "j": Access("j", "post", INT32),
        "total": Access("total", "total", FLOAT64, "j"),
    }
    kernel = Kernel("k", "test", accesses, outputs={"_synaptic_var": value})
    step = Sum(name, "test", "test", 0, kernel, "N", "total", FLOAT64, "post", "start", "size")
    return replace(step, **changes)


def user(clock, store="v", value=TOTAL):
    kernel = Kernel("u", "test", dict(ACCESSES), stores=[Store(store, value)])
    return Update("update", "test", "test", clock, kernel, "N")


@pytest.mark.parametrize(
    ("steps", "users"),
    [
        ([summed()], Users((), ())),
        ([summed(), user(1)], Users((1,), ())),
        ([user(1), summed()], Users((), (1,))),
        ([user(1), summed(), user(2), user(1)], Users((1, 2), (1,))),
        # of its own clock
        ([summed(), user(0)], None),
        # what changes the sum, whether it uses it or not
        ([summed(), user(1, "total")], None),
        ([summed(), user(1, "total", W)], None),
        ([summed(TOTAL)], None),
        # users of others do not matter
        ([summed(), user(0, "v", W)], Users((), ())),
        # of other neurons of the group
        ([summed(), summed(name="other"), user(1)], Users((1,), ())),
        ([summed(), summed(TOTAL, "other")], None),
        ([summed(), summed(TOTAL, "other", target="g", clock=1)], Users((1,), ())),
        # anything might look
        ([summed(), Host("host", "test", "test", 1, 0, "why")], None),
    ],
)
def test_what_uses_a_sum(steps, users):
    assert sums_on_demand(Network(steps=steps)).get("sum") == users
