"""Which writes to shared targets are additions, and whose elements may be executed at once."""

import numpy as np
import pytest

from brian2genn.backends.trial.sketch import Sketch, call, draw, where
from brian2genn.model import expr as ex
from brian2genn.model.expr import show
from brian2genn.model.kernel import Access, Store, UserFunction
from brian2genn.model.network import Update
from brian2genn.transforms.scatter import (
    addend,
    float_additions,
    only_adding,
    separate,
    separate_additions,
    side_by_side,
    takes_long,
    why_ordered,
)
from tests.transforms.running import run

N = 6


def kernel(*bodies, given=None):
    sketch = Sketch()
    sketch.param("N", N)
    for name, start in (("v", 1), ("g", 2), ("w", 3), ("u", 4)):
        sketch.array(name, np.arange(start, start + N) / 8)
    sketch.array("n", np.arange(N, dtype=np.int32))
    sketch.array("tiny", np.arange(N, dtype=np.int8))
    sketch.array("flag", np.ones(N, dtype=bool))
    sketch.array("t", np.full(1, 0.25))
    sketch.array("post", np.array([0, 1, 1, 2, 0, 5], dtype=np.int32))
    sketch.array("pre", np.array([3, 3, 4, 4, 5, 5], dtype=np.int32))
    sketch.array("far", np.array([3, 3, 4, 4, 5, 5], dtype=np.int32))
    code = sketch.code("update", given)
    for body in bodies:
        body(code)
    sketch.step(Update, "update", code, size="N")
    sketch.kernel = code.kernel
    return sketch


def gets(target, value):
    """A target gets what a function makes of the code and the target's old value."""

    def body(code):
        code[target] = value(code, code[target])

    return body


G = ("g", "post")


def shown(stores):
    return [("add " if store.add else "") + show(store.value) for store in stores]


@pytest.mark.parametrize(
    ("target", "value", "expected"),
    [
        (G, lambda code, old: old + code["w"], "w"),
        (G, lambda code, old: code["w"] + old, "w"),
        (G, lambda code, old: old + code["w"] + code["u"], "(w + u)"),
        (G, lambda code, old: old - code["w"], "(0.0 - w)"),
        (G, lambda code, old: old, "0.0"),
        (G, lambda code, old: where(code["w"] > 0.4, old + code["w"], old),
         "select((w > 0.4), w, 0.0)"),
        (G, lambda code, old: old + 1.0 + code["w"], "(1.0 + w)"),
        (("n", "post"), lambda code, old: old + 1, "1"),
        # it is used in another way
        (G, lambda code, old: code["w"], None),
        (G, lambda code, old: code["w"] - old, None),
        (G, lambda code, old: old * code["w"], None),
        (G, lambda code, old: old + old, None),
        (G, lambda code, old: old - old, None),
        (G, lambda code, old: old + call("exp", old), None),
        (G, lambda code, old: where(old > 0.4, old + code["w"], old), None),
        (G, lambda code, old: where(code["w"] > 0.4, old + code["w"], code["w"]), None),
        (G, lambda code, old: -old, None),
        # whole numbers: what is added is rounded with the sum
        (("n", "post"), lambda code, old: old + code["w"], None),
        # nobody adds to these at once
        (("tiny", "post"), lambda code, old: old + 1, None),
        (("flag", "post"), lambda code, old: old, None),
    ],
)  # fmt: skip
def test_what_only_adds(target, value, expected):
    sketch = kernel(gets(target, value))
    before = shown(sketch.kernel.stores)
    both = only_adding(sketch.kernel)
    assert shown(both.stores) == (before if expected is None else [f"add {expected}"])
    separate_additions(sketch.kernel)
    assert shown(sketch.kernel.stores) == shown(both.stores)


def test_an_addend_is_of_one_variable():
    code = kernel(gets(G, lambda code, old: old + code["w"])).kernel
    (store,) = code.stores
    assert show(addend(store.value, "g_of_post")) == "w"
    assert show(addend(store.value, "w")) == "g_of_post"
    assert addend(store.value, "u") is None
    param, u = ex.make("param", attr="w"), ex.make("load", attr="u")
    assert addend(ex.binary("add", param, u), "w") is None
    added = ex.binary(
        "add", ex.cast(ex.make("load", attr="n", dtype="int32"), "int64"), ex.const(1)
    )
    assert show(addend(ex.cast(added, "int32"), "n")) == "1"


def own(code):
    code["w"] = code["w"] + 1.0


def shared(code):
    code.shared("t")
    code.kernel.stores.append(Store("t", code.shared("t").node))


def reads_target(code):
    code["u"] = code["g", "post"]


def reads_target_elsewhere(code):
    code["u"] = code["g", "pre"]


def adds(code):
    code["g", "post"] = code["g", "post"] + code["w"]


def adds_to_others(code):
    code["g", "pre"] = code["g", "pre"] + code["w"]


def adds_to_u(code):
    code["u", "pre"] = code["u", "pre"] + code["w"]


def overwrites(code):
    code["v", "post"] = code["w"]


def neighbours(code):
    code["w"] = code["w", "post"]


def own_and_others(code):
    code["w"] = 1.0
    code["w", "post"] = code["w", "post"] + 1.0


def at_its_place(code):
    """Of part of a group."""
    code["u", "far"] = code["u", "far"] * 2.0
    accesses = code.kernel.accesses
    accesses["far"] = Access("far", "far", "int32", consecutive=True)


def at_its_place_and_own(code):
    at_its_place(code)
    code["u"] = 1.0


def user(**what):
    function = UserFunction("f", "f", "float64", **{"stateless": True, "vectorised": False} | what)

    def body(code):
        code["u"]
        value = ex.make("user", (code["w"].node,), function)
        code.kernel.stores.append(Store("u", value))

    return body


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        ([own], None),
        ([adds], None),
        ([adds, own], None),
        ([adds, adds_to_u], None),
        ([at_its_place], None),
        ([user()], None),
        ([user(stateless=False, draws=True)], None),
        ([user(stateless=False)], "the function 'f' has a state"),
        ([overwrites], "several elements may write the same 'v_of_post'"),
        ([shared], "several elements may write the same 't'"),
        ([neighbours], "it reads 'w' of other elements"),
        ([at_its_place_and_own], "it writes 'u_of_far' in two ways"),
    ],
)
def test_what_is_executed_in_order(bodies, expected):
    sketch = kernel(*bodies)
    separate_additions(sketch.kernel)
    assert why_ordered(sketch.kernel) == expected


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        ([adds, reads_target], "it adds to 'g_of_post' and uses its value"),
        ([adds, reads_target_elsewhere], "it adds to 'g_of_post' and uses its value"),
        ([adds, adds_to_others], "it writes 'g_of_post' in two ways"),
        ([own_and_others], "it writes 'w' in two ways"),
    ],
)
def test_additions_in_order(bodies, expected):
    """They stay what they were."""
    sketch = kernel(*bodies)
    before = list(sketch.kernel.stores)
    separate_additions(sketch.kernel)
    assert sketch.kernel.stores == before
    sketch.kernel.stores = only_adding(sketch.kernel).stores
    assert why_ordered(sketch.kernel) == expected


def test_own_and_shared_stores_are_no_additions():
    sketch = kernel(own, adds)
    separate_additions(sketch.kernel)
    assert [store.add for store in sketch.kernel.stores] == [False, True]
    assert [access.name for access in float_additions(sketch.kernel)] == ["g_of_post"]


def test_sums_of_whole_numbers_are_exact():
    sketch = kernel(gets(("n", "post"), lambda code, old: old + 1), own)
    separate_additions(sketch.kernel)
    assert sketch.kernel.stores[0].add
    assert float_additions(sketch.kernel) == []


@pytest.mark.parametrize(
    "bodies",
    [
        [adds],
        [gets(G, lambda code, old: old - code["w"]), own],
        [gets(G, lambda code, old: where(code["w"] > 0.5, old + 0.5, old - 0.25))],
        [gets(("n", "post"), lambda code, old: old + 3)],
        [adds, adds_to_others],
        [adds, reads_target],
        [own_and_others],
    ],
)
def test_all_comes_out_as_before(bodies):
    """To the last bit: the numbers are sums of powers of two."""
    sketch = kernel(*bodies)
    changed = sketch.network.copied()
    separate(changed)
    before, after = run(sketch), run(sketch, changed)
    for name, values in before.items():
        assert values.tobytes() == after[name].tobytes(), name


# -- in vectors ----------------------------------------------------------------------
def adds_exp(code):
    code["g", "post"] = code["g", "post"] + call("exp", code["w"])


def decays(code):
    code["w"] = code["w"] * call("exp", -code["u"])


def draws(kind):
    def body(code):
        code["u"] = code["w"] * draw(kind, 0)

    return body


def adds_whole(code):
    code["n", "post"] = code["n", "post"] + 1


def adds_at_a_given_place(code):
    value = code["v", "place"] + code["w"]
    code["v", "place"] = value


def adds_through_two(code):
    code["pre", "post"]
    accesses = code.kernel.accesses
    accesses["g_far"] = Access("g_far", "g", "float64", "pre_of_post")
    old = ex.make("load", attr="g_far")
    code.kernel.stores.append(Store("g_far", ex.binary("add", old, code["w"].node)))


def shares(code):
    code.shared("t")
    code.kernel.shared_stores = [Store("t", ex.const(0.5))]


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        ([adds_exp], True),
        ([decays], True),
        ([adds_exp, own], True),
        ([decays, draws("rand")], True),
        ([decays, draws("randn")], True),
        # nothing that takes long
        ([adds], False),
        ([decays, draws("poisson")], False),
        ([decays, user()], False),
        ([decays, overwrites], False),
        ([decays, adds_whole], False),
        ([decays, adds_through_two], False),
        ([decays, adds_at_a_given_place], False),
        ([decays, shares], False),
    ],
)
def test_several_elements_at_once(bodies, expected):
    sketch = kernel(*bodies, given={"place": "int32"})
    before = list(sketch.kernel.stores)
    found = side_by_side(sketch.kernel)
    assert (found is not None) is expected
    assert sketch.kernel.stores == before
    if found is not None:
        separate_additions(sketch.kernel)
        assert found.stores == sketch.kernel.stores


def test_what_takes_long():
    x = ex.make("load", attr="x")
    assert takes_long(ex.call("exp", [x], "float64"))
    assert not takes_long(ex.call("sqrt", [x], "float64"))
    assert not takes_long(ex.binary("pow", x, x))
    assert not takes_long(ex.make("load", attr="exp"))
