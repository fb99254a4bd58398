"""What Brian knows from literals alone, and whole numbers whose size matters."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, defaultclock, set_device

import brian2genn
from brian2genn.frontend.expressions import ExpressionReader
from brian2genn.model import expr as ex
from tests import devices

CODE = (
    "a = 3**-2", "a = y*10**-1", "a = 1 + 2**-3", "a = (-1)**-3", "a = y*(2 - 4)**-1",
    "a = k**-2", "a = y*k**-2 + 2.0**-2", "a = 2**-l", "tmp = k**-2; a = tmp*y",
    "a = 0*x", "a = x*0", "a = 0.0*x", "a = 0/x", "a = 0.0//x", "a = (1 - 1)*x*y", "a = z*x",
    "x = x*2; a = 0*s", "x = x*2; a = 3**-2*s + y",
    "a = 0*int(x > 0)", "a = -(0)*x + y", "a = 7//2*y",
    "a = (1.0 - 1.0)*x", "a = (1.5 - 1.5)/x + y", "a = (2**-1)*x*0*y",
    "a = (3.0 - 2.0 - 1)*x + y", "a = x*(1e-200*1e-200)", "a = (0*x)*(y - x)", "a = 0.0*1e300*x",
    "a = (5 - 7)//2*y", "a = 0 + x*y",
)  # fmt: skip

NAMESPACE = {"k": 3, "l": 2, "z": 0}


def results(device: str, code: str, where: str) -> np.ndarray:
    set_device(device)
    group = NeuronGroup(5, "a : 1\nx : 1\ny : 1\ns = x*y : 1", name="group")
    group.x, group.y = [0, 1, np.nan, np.inf, -2], [1, 2, 3, 4, 5]
    if where == "set-up":
        k, l, z = NAMESPACE.values()  # noqa: RUF059
        group.a = code.partition("a = ")[2]
        return np.array(group.a)
    network = Network(group, group.run_regularly(code.replace("; ", "\n")))
    network.run(defaultclock.dt, namespace=NAMESPACE)
    return np.array(group.a)


@pytest.mark.parametrize("where", ["loop", "set-up"])
@pytest.mark.parametrize("code", CODE)
def test_as_brian_simplifies(code, where):
    if where == "set-up" and ";" in code:
        pytest.skip("several statements are no expression")
    found = {device: results(device, code, where) for device in ("runtime", devices.DEVICE)}
    np.testing.assert_allclose(found[devices.DEVICE], found["runtime"], rtol=1e-12)


def test_what_draws_is_drawn():
    """Brian does not drop it either."""
    set_device(devices.DEVICE)
    group = NeuronGroup(3, "a : 1\nb : 1", name="group")
    synapses = Synapses(group, group, name="synapses")
    network = Network(group, synapses, group.run_regularly("a = 0*rand() + 1\nb = rand()"))
    network.run(defaultclock.dt)
    assert set(group.a) == {1}
    assert len(set(group.b)) == 3


@pytest.mark.skipif(devices.BACKEND != "cpu", reason="what Brian runs is the same everywhere")
@pytest.mark.parametrize("dtype", [np.uint32, np.uint64])
def test_unsigned_numbers_wrap(dtype):
    found = {}
    for device in ("runtime", "genn"):
        set_device(device)
        group = NeuronGroup(3, "a : 1\nn : integer", dtype={"n": dtype}, name="group")
        group.n = [0, 1, 3]
        Network(group, group.run_regularly("a = n - 5\nn += 2")).run(2 * defaultclock.dt)
        found[device] = np.array(group.a), np.array(group.n)
    for one, other in zip(found["genn"], found["runtime"], strict=True):
        np.testing.assert_array_equal(one, other)
    assert "unsigned" in str(brian2genn.explain())


def test_what_is_known_outlives_a_text_that_is_read_within():
    """A subexpression whose variables have changed is read where it is looked up."""

    def lookup(name: str) -> ex.Expr:
        return reader.read("x + 1") if name == "s" else ex.make("load", attr=name)

    reader = ExpressionReader(lookup, lambda name, args: None)
    assert reader.read("0*s") is ex.const(0, "float64")


@pytest.mark.filterwarnings("error")
def test_a_literal_beyond_single_precision_says_nothing():
    reader = ExpressionReader(
        lambda name: ex.make("load", attr=name, dtype="float32"), lambda name, args: None, "float32"
    )
    assert reader.read("0*x") is ex.const(0, "float32")
    assert reader.read("x*(1e30*1e30)").op == "mul"
