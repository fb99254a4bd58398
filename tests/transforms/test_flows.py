"""What brings a variable from one time to another so that two steps make one."""

import pytest

from brian2genn.model import expr as ex
from brian2genn.transforms.flows import is_flow

x, t, last = (ex.make("load", attr=name) for name in ("x", "t", "last"))
tau, b, w = ex.make("param", attr="tau"), ex.make("param", attr="b"), ex.make("load", attr="w")
one, half = ex.const(1.0), ex.const(0.5)


def add(*terms):
    return ex.binary("add", *terms)


def sub(*terms):
    return ex.binary("sub", *terms)


def mul(*factors):
    return ex.binary("mul", *factors)


def exp(value):
    return ex.call("exp", [value], "float64")


passed = sub(t, last)
decay = exp(ex.binary("div", ex.make("neg", (passed,)), tau))
other = exp(ex.binary("div", ex.make("neg", (passed,)), half))


@pytest.mark.parametrize(
    "value",
    [
        mul(x, decay),
        mul(mul(one, x), decay),
        mul(x, exp(mul(ex.const(-50.0), passed))),
        mul(x, exp(ex.binary("div", mul(ex.const(-2.0), passed), half))),
        # towards b, in all orders
        sub(add(mul(x, decay), b), mul(b, decay)),
        add(sub(b, mul(b, decay)), mul(x, decay)),
        sub(add(mul(x, decay), one), decay),
        sub(add(mul(x, decay), half), mul(half, decay)),
    ],
    ids=repr,
)  # fmt: skip
def test_two_steps_are_one(value):
    assert is_flow(value, "x", "last", "t")


@pytest.mark.parametrize(
    "value",
    [
        x,
        decay,
        mul(half, mul(x, decay)),
        mul(mul(x, decay), decay),
        mul(x, mul(decay, other)),
        ex.binary("div", x, add(one, passed)),
        mul(x, exp(mul(passed, passed))),
        mul(x, exp(ex.binary("div", passed, w))),
        mul(x, exp(ex.make("neg", (t,)))),
        mul(x, exp(ex.binary("div", sub(last, t), tau))),
        add(mul(x, decay), b),
        add(add(mul(x, decay), b), mul(b, decay)),
        sub(add(mul(x, decay), b), mul(half, decay)),
        sub(add(mul(x, decay), b), mul(b, other)),
        sub(add(mul(x, decay), w), mul(w, decay)),
        ex.make("neg", (mul(x, decay),)),
        add(mul(x, decay), mul(x, decay)),
    ],
    ids=repr,
)
def test_two_steps_are_not(value):
    assert not is_flow(value, "x", "last", "t")
