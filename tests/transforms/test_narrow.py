"""Partners that a condition rules out are passed over; the synapses are those of all pairs."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from brian2 import NeuronGroup, Synapses, seed, set_device

from brian2genn.backends.host import interpreter, setup
from brian2genn.backends.host.setup import Connections, SetupProgram
from brian2genn.model import expr as ex
from brian2genn.model.dtypes import BOOL, FLOAT32, FLOAT64, INT32, INT64
from brian2genn.model.expr import Expr
from brian2genn.model.kernel import Access, Kernel, RandomSite
from brian2genn.model.network import Array, Clock, Network, Param, Role
from brian2genn.model.setup import CONDITION, HIGHEST, LOWEST, POSSIBLE, Connect
from brian2genn.model.verify import verify
from brian2genn.transforms import narrow as narrow_module
from brian2genn.transforms.narrow import narrow
from tests.interpreter.values import Values

I = ex.make("given", attr="_i", dtype=INT32)
J = ex.make("given", attr="_j", dtype=INT32)
K, BIG = ex.make("param", attr="k", dtype=INT32), ex.make("param", attr="big", dtype=INT64)
HALF = ex.make("param", attr="half", dtype=FLOAT64)
X_PRE, X_POST = ex.make("load", attr="x_pre"), ex.make("load", attr="x_post")
NUMBER = ex.make("load", attr="number", dtype=INT32)
RAND = ex.make("random", attr=RandomSite("rand", 1))

#: Of the parameters of patterns.
VALUES = {"k": 5, "big": 2**40, "half": 0.5, "row_offset": 3, "partner_offset": 7}
NAMES = ("N_rows", "N_partners", "row_offset", "partner_offset")


def whole(value: int) -> Expr:
    return ex.const(value)


def binary(op: str, left: Expr, right: Expr) -> Expr:
    return ex.binary(op, left, right)


def absolute(value: Expr) -> Expr:
    return ex.call("abs", [value], value.dtype)


def real(value: Expr) -> Expr:
    return ex.cast(value, FLOAT64)


DIFFERENCE = binary("sub", I, J)
NEAR = ex.compare("lt", absolute(DIFFERENCE), K)
SAME_COLUMN = ex.compare("eq", binary("floordiv", I, K), binary("floordiv", J, K))


def pattern(condition: Expr) -> Network:
    """``connect(condition)``, as it is translated."""
    network = Network(params={name: Param(name, INT64) for name in NAMES}, clocks=[Clock("none")])
    for name, dtype in (("k", INT32), ("big", INT64), ("half", FLOAT64)):
        network.params[name] = Param(name, dtype)
    network.arrays = {
        "x": Array("x", FLOAT64, "x"), "i": Array("i", INT32, "i", role=Role.NUMBER),
    }  # fmt: skip
    given = dict.fromkeys(("_i", "_raw_pre_idx", "_k", "_j", "_raw_post_idx"), INT32)
    kernel = Kernel("kernel", "test", given=given)
    kernel.accesses = {
        "x_pre": Access("x_pre", "x", FLOAT64, "_raw_pre_idx"),
        "x_post": Access("x_post", "x", FLOAT64, "_raw_post_idx"),
        "number": Access("number", "i", INT32, "_raw_post_idx"),
    }
    partners = ex.make("param", attr="N_partners", dtype=INT64)
    kernel.outputs = {
        "_iter_low": ex.const(0), "_iter_high": partners, "_iter_step": ex.const(1),
        "_j": ex.make("given", attr="_k", dtype=INT32), CONDITION: condition, "_n": ex.const(1),
    }  # fmt: skip
    network.steps = [Connect("step", "test", "test", 0, kernel, *NAMES)]
    return network


def possible(condition: Expr) -> tuple[Kernel, Expr | None]:
    network = pattern(condition)
    narrow(network)
    verify(network)
    kernel = network.steps[0].kernel
    return kernel, kernel.outputs.get(POSSIBLE)


class Given(Values):
    """Values of one row, and of a range of partners."""

    def __init__(self, kernel: Kernel, x: np.ndarray, given: dict[str, int]) -> None:
        params = {**VALUES, "N_rows": 100, "N_partners": 100}
        arrays = {"x": x, "i": np.arange(len(x), dtype=np.int32)}
        super().__init__(kernel, arrays, params, np.arange(1), 1, 1, 0)
        self._given = given

    def place(self, access: Access) -> object:
        known = self._given.get(str(access.index))
        return super().place(access) if known is None else known

    def _make(self, node: Expr, args: list[object]) -> object:
        return self._given[node.attr] if node.op == "given" else super()._make(node, args)


def says(condition: Expr, row: int, lowest: int, highest: int, x: np.ndarray) -> bool:
    """Whether the condition may hold for some of these partners; True if nothing is known."""
    kernel, test = possible(condition)
    if test is None:
        return True
    given = {
        "_i": row, "_raw_pre_idx": row + VALUES["row_offset"], LOWEST: lowest, HIGHEST: highest,
    }  # fmt: skip
    with np.errstate(all="ignore"):
        return bool(np.all(Given(kernel, x, given).of(test)))


#: A condition, row, partners, and whether it may hold for one of these.
TABLE = [
    (NEAR, 50, 0, 45, False),
    (NEAR, 50, 0, 46, True),
    (NEAR, 50, 55, 99, False),
    (NEAR, 50, 54, 99, True),
    (NEAR, 50, 0, 99, True),
    (ex.logical("and", ex.compare("le", absolute(DIFFERENCE), K), ex.compare("ne", I, J)),
     50, 0, 44, False),
    (ex.compare("lt", I, K), 5, 0, 99, False),
    (ex.logical("and", ex.compare("lt", I, K), ex.compare("lt", X_POST, HALF)), 5, 0, 99, False),
    (ex.logical("and", ex.compare("gt", J, K), ex.compare("lt", X_POST, HALF)), 0, 0, 5, False),
    (ex.logical("and", ex.compare("gt", J, K), ex.compare("lt", X_POST, HALF)), 0, 0, 6, True),
    (ex.compare("eq", J, binary("add", I, K)), 10, 0, 14, False),
    (ex.compare("eq", J, binary("add", I, K)), 10, 14, 16, True),
    (ex.compare("eq", J, binary("add", I, K)), 10, 16, 99, False),
    (SAME_COLUMN, 12, 0, 9, False),
    (SAME_COLUMN, 12, 0, 10, True),
    (SAME_COLUMN, 12, 15, 99, False),
    (ex.logical("not", ex.compare("ge", absolute(DIFFERENCE), K)), 50, 55, 99, False),
    (ex.logical("or", NEAR, SAME_COLUMN), 50, 60, 99, False),
    (ex.compare("lt", RAND, binary("mul", HALF, ex.cast(NEAR, FLOAT64))), 50, 60, 99, False),
    (ex.compare("lt", RAND, binary("mul", HALF, ex.cast(NEAR, FLOAT64))), 50, 40, 60, True),
    (ex.compare("lt", absolute(binary("sub", NUMBER, I)), K), 50, 0, 38, False),
    (ex.compare("lt", absolute(binary("sub", NUMBER, I)), K), 50, 0, 48, True),
    (ex.compare("lt", binary("mul", DIFFERENCE, DIFFERENCE), K), 50, 60, 99, False),
    (ex.compare("eq", binary("mod", J, whole(50)), K), 0, 6, 49, False),
    (ex.compare("eq", binary("mod", J, whole(50)), K), 0, 6, 60, True),
    # remainders have the sign of the divisor
    (ex.compare("eq", binary("mod", DIFFERENCE, K), whole(3)), 0, 1, 1, False),
    (ex.compare("eq", binary("mod", DIFFERENCE, K), whole(4)), 0, 1, 1, True),
    (ex.compare("lt", ex.call("sqrt", [real(binary("mul", DIFFERENCE, DIFFERENCE))], FLOAT64),
                HALF), 50, 51, 99, False),
    # what wraps around in 32 bits may be anything
    (ex.compare("lt", binary("mul", J, whole(2**30)), whole(0)), 0, 1, 1, False),
    (ex.compare("lt", binary("mul", J, whole(2**30)), whole(0)), 0, 1, 2, True),
    # and in 64 bits
    (ex.compare("lt", binary("mul", BIG, ex.cast(J, INT64)), whole(0)), 0, 1, 1, True),
    # what is divided by zero is not known, nor what NaN is compared with
    (ex.compare("lt", binary("floordiv", J, binary("sub", K, K)), whole(-5)), 0, 1, 9, True),
    (ex.compare("lt", binary("div", real(J), binary("sub", HALF, HALF)), HALF), 0, 0, 9, True),
    (ex.compare("lt", binary("mul", X_PRE, real(J)), HALF), 0, 5, 9, True),
    (ex.logical("not", ex.compare("lt", real(J), X_PRE)), 0, 5, 9, True),
    (ex.logical("not", ex.compare("lt", ex.call("sqrt", [real(binary("sub", J, K))], FLOAT64),
                                  real(K))), 0, 0, 9, True),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]}:{row[1:4]}")
def test_ranges_are_passed_over_where_nothing_can_hold(row):
    condition, *where, expected = row
    assert says(condition, *where, np.full(200, np.nan)) is expected


@pytest.mark.parametrize(
    "condition",
    [
        ex.compare("ne", I, J),
        ex.compare("lt", X_POST, X_PRE),
        ex.compare("lt", RAND, HALF),
        ex.logical("or", NEAR, ex.compare("lt", X_POST, HALF)),
    ],
    ids=str,
)
def test_what_says_nothing_costs_nothing(condition):
    assert possible(condition)[1] is None


class Maker:
    """Makes conditions at random, of all that has bounds and some that has none."""

    def __init__(self, number: int) -> None:
        self._random = random.Random(number)

    def condition(self, depth: int = 2) -> Expr:
        choice = self._random.random()
        if depth and choice < 0.4:
            op = self._random.choice(("and", "or"))
            return ex.logical(op, self.condition(depth - 1), self.condition(depth - 1))
        if depth and choice < 0.5:
            return ex.logical("not", self.condition(depth - 1))
        op = self._random.choice(ex.COMPARISONS)
        return ex.compare(op, self.number(3), self.number(1))

    def number(self, depth: int) -> Expr:
        if not depth:
            extremes = (0, 1, -1, 3, 17, 2**16, 2**30, -(2**31), 2**31 - 1, 2**40, 0.0, 0.3, 1e300)
            leaves = (I, J, I, J, K, HALF, X_PRE, NUMBER, BIG, RAND)
            return self._random.choice((*leaves, ex.const(self._random.choice(extremes))))
        left, right = self.number(depth - 1), self.number(depth - 1)
        op = self._random.choice(
            ("add", "sub", "mul", "mul", "div", "floordiv", "mod", "neg", "call", "select", "cast")
        )
        if op == "neg":
            return ex.make("neg", (left,), dtype=left.dtype)
        if op == "call":
            return absolute(left) if left.dtype != BOOL else left
        if op == "select":
            return ex.select(self.condition(0), left, right)
        if op == "cast":
            to = self._random.choice((FLOAT64, FLOAT32, INT64, INT32, "truth"))
            if to == "truth":
                return ex.cast(self.condition(0), INT32)
            is_whole = left.dtype in (INT32, INT64)
            return ex.cast(left, to) if is_whole or to in (FLOAT64, FLOAT32) else left
        if op == "div" or (op in ("floordiv", "mod") and FLOAT64 in (left.dtype, right.dtype)):
            return binary("div", real(left), real(right))
        return binary(op, left, right)


def connected(condition: Expr, x: np.ndarray, narrowed: bool, threads: int = 1) -> np.ndarray:
    network = pattern(condition)
    connections = Connections()
    numbers = np.arange(len(x), dtype=np.int32)
    sizes = {"N_rows": 40, "N_partners": len(x) - 10}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(narrow_module, "_MOST", 10_000 if narrowed else 0)
        program = SetupProgram(network, threads)
    assert (POSSIBLE in network.steps[0].kernel.outputs) == narrowed
    try:
        program.run({"x": x, "i": numbers}, {**VALUES, **sizes}, 3, connections)
        return np.array([connections.pre, connections.post])
    finally:
        connections.release()


@pytest.mark.parametrize("number", range(8))
def test_synapses_are_those_of_all_pairs(number):
    """Whatever the condition: one program has several, told apart by the row."""
    maker = Maker(number)
    conditions = [maker.condition() for _ in range(12)]
    turn = binary("mod", I, whole(len(conditions)))
    several = ex.const(False)
    for place, condition in enumerate(conditions):
        here = ex.logical("and", ex.compare("eq", turn, whole(place)), condition)
        several = ex.logical("or", several, here)
    x = np.array([*np.random.default_rng(number).normal(size=300), np.nan, np.inf, -np.inf, 0, 1])
    narrowed, every = (connected(several, x, which) for which in (True, False))
    np.testing.assert_array_equal(narrowed, every)


@pytest.mark.parametrize("number", range(8))
def test_no_range_is_passed_over_in_which_something_holds(number):
    """The same without a compiler, for each condition by itself."""
    maker = Maker(1000 + number)
    x = np.array([*np.random.default_rng(number).normal(size=90), np.nan, np.inf, -np.inf, 0, 1])
    passed_over = 0
    for _ in range(50):
        condition = maker.condition()
        kernel, test = possible(condition)
        if test is None:
            continue
        for row, lowest, length in itertools.product((0, 1, 50), (0, 1, 49, 60), (1, 2, 20)):
            if says(condition, row, lowest, lowest + length - 1, x):
                continue
            passed_over += 1
            for partner in range(lowest, lowest + length):
                given = {
                    "_i": row, "_raw_pre_idx": row + 3, "_j": partner,
                    "_raw_post_idx": partner + 7,
                }  # fmt: skip
                with np.errstate(all="ignore"):
                    holds = Given(kernel, x, given).of(condition)
                assert not np.any(holds), (condition, row, partner)
    assert passed_over


CONDITIONS = [
    ("abs(i - j) < 10", 1, 40),
    ("abs(i - j) <= 12 and i != j", 1, 40),
    ("i < 7", 1, 40),
    ("j > 800 and x_post < 0.5", 1, 3),
    ("j == i + 3", 1, 10),
    ("i//30 == j//30", 1, 10),
    ("abs(i - j) < 10 and rand() < 0.5", 1, 40),
    ("abs(i - j) < 100", "0.5*exp(-abs(i - j)/20.0)", 5),
    ("abs(i - j) < 10", 0.5, 1),
    ("sqrt((i%30 - j%30)**2 + (i//30 - j//30)**2) < 4", 1, 2),
    ("abs(i*0.5 - j*0.25) < x_pre*10", 1, 20),
]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("condition", "p", "_"), CONDITIONS, ids=str)
def test_scripts_have_the_synapses_of_all_pairs(device, monkeypatch, condition, p, _, threads):
    if device != "genn":
        pytest.skip("compares two ways of the device")
    monkeypatch.setattr(interpreter, "_MOST", -1)
    monkeypatch.setattr(setup, "_WORTH_SHARING", 1)
    made = []
    for most in (narrow_module._MOST, 0):
        monkeypatch.setattr(narrow_module, "_MOST", most)
        set_device(device, threads=threads)
        seed(5)
        cells = NeuronGroup(950, "x : 1", name="cells")
        cells.x = "rand()"
        synapses = Synapses(cells[20:], cells[:900], name="synapses")
        synapses.connect(condition=condition, p=p)
        made.append(np.array([synapses.i[:], synapses.j[:]]))
        assert made[-1].size
    np.testing.assert_array_equal(*made)


def test_partners_that_do_not_exist_are_no_less_an_error():
    network = pattern(ex.compare("lt", J, K))
    network.steps[0].kernel.outputs["_iter_high"] = ex.const(300)
    network.steps[0].check_first = True
    x = np.zeros(400)
    arrays = {"x": x, "i": np.arange(400, dtype=np.int32)}
    connections = Connections()
    try:
        with pytest.raises(setup.SetupError) as raised:
            params = {**VALUES, "N_rows": 4, "N_partners": 100}
            SetupProgram(network).run(arrays, params, 3, connections)
    finally:
        connections.release()
    assert (raised.value.wrong, raised.value.limit) == (299, 100)
