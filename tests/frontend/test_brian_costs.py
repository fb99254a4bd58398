"""What replaces functions of Brian gives the same, and what is kept is never taken for another."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from brian2 import (
    DEFAULT_FUNCTIONS,
    Equations,
    Function,
    NeuronGroup,
    Quantity,
    Synapses,
    TimedArray,
    amp,
    get_device,
    ms,
    mV,
    nA,
    second,
    set_device,
    volt,
)
from brian2.codegen.translation import analyse_identifiers
from brian2.core.variables import Constant, Subexpression, Variable
from brian2.devices.device import all_devices
from brian2.equations.equations import SingleEquation
from brian2.stateupdaters.base import StateUpdateMethod, UnsupportedEquationsException
from brian2.stateupdaters.exact import LinearStateUpdater, exact
from brian2.stateupdaters.explicit import ExplicitStateUpdater, euler, heun, milstein, rk4
from brian2.stateupdaters.exponential_euler import exponential_euler
from brian2.units.fundamentalunits import DIMENSIONLESS

from brian2genn.backends.cache import texts
from brian2genn.backends.cache.folder import cache_directory
from brian2genn.frontend import brian_costs, brian_statements, integration

ORIGINAL = {
    replacement.name: replacement.original
    for replacement in brian_costs.REPLACEMENTS
    if replacement.name != "__call__"
}


@pytest.fixture(autouse=True)
def device():
    set_device("genn", backend="cpu")


# -- names of code ------------------------------------------------------------------
def _variables() -> dict[str, object]:
    cells = NeuronGroup(
        3,
        """
        dv/dt = (a + b - v)/tau : 1 (unless refractory)
        a = c*v : 1
        c = k + 1 : 1
        b : 1 (shared)
        k : integer
        s = b*2 : 1 (shared)
        tau = 10*ms : second (shared)
        """,
        threshold="v > 1",
        refractory=2 * ms,
    )
    synapses = Synapses(cells, cells, "w : 1\nd = w*v_post : 1", on_pre="v += w")
    found = dict(synapses.variables)
    found |= {name: value for name, value in cells.variables.items() if name not in found}
    return found | dict(DEFAULT_FUNCTIONS)


CODE = [
    "v_post += w", "v = v + d", "x = a_post\ny = x*c_post", "w *= 2", "w = clip(w + 1, 0, 1)",
    "v_post = v_pre; w = w + rand()", "not_refractory = v > 1", "k = 3", "q = s_post + tau_post",
    "w = unknown*2", "i = j", "", "w += 1 # a comment with v_pre", "b_post = 3",
    "z = int(k_post > 2)", "w = d + a_pre",
]  # fmt: skip


@pytest.mark.parametrize("recursive", [False, True])
@pytest.mark.parametrize("code", CODE)
def test_identifiers_are_those_that_brian_finds(monkeypatch, code, recursive):
    from brian2.codegen import translation

    variables = _variables()
    if "w = d" in code and not recursive:
        variables["w_post_2"] = variables["w"]
    ours = analyse_identifiers(code, variables, recursive=recursive)
    monkeypatch.setattr(translation, "make_statements", ORIGINAL["make_statements"])
    assert analyse_identifiers(code, variables, recursive=recursive) == ours


@pytest.mark.parametrize("code", ["a_post = 3", "v = v +", "v = rand() - rand() + v"])
def test_mistakes_in_code_are_those_that_brian_finds(monkeypatch, code):
    from brian2.codegen import translation

    variables = _variables()
    with pytest.raises(Exception) as ours:
        analyse_identifiers(code, variables)
    monkeypatch.setattr(translation, "make_statements", ORIGINAL["make_statements"])
    with pytest.raises(type(ours.value)) as theirs:
        analyse_identifiers(code, variables)
    assert str(theirs.value) == str(ours.value)


def test_shared_subexpressions_are_checked_in_any_case():
    # whether or not the code has anything to do with them
    variables = _variables()
    variables["bad"] = Subexpression(
        "bad", owner=None, expr="rand()", device=None, dimensions=DIMENSIONLESS, scalar=True
    )
    with pytest.raises(SyntaxError, match="'bad' refers to"):
        analyse_identifiers("v_post += w", variables)


def test_keys_are_brians():
    theirs = ORIGINAL["_hashable"]
    ours = brian_costs.caching._hashable
    equations = Equations("dv/dt = -v/tau : volt (unless refractory)\ntau : second")
    things = [
        1, 1.0, True, None, "a", (1, 2), [1, [2, "x"]], {"a": [1], "b": {3}}, {1, 2},
        frozenset("ab"),
        3 * mV, 2 * second, np.float64, np.float64(3), np.dtype(float), equations, exact,
        Variable("v", scalar=True), Constant("c", 3.0), dict(_variables()), volt.dim,
        sympy.Symbol("x"), Variable, float, bool, np.bool_, Quantity(3.0, force_quantity=True),
        DEFAULT_FUNCTIONS["exp"], get_device(), all_devices["runtime"], SingleEquation,
        *equations.values(), equations["v"].expr, NeuronGroup(2, "v : 1").variables,
    ]  # fmt: skip
    for thing in things:
        assert ours(thing) == theirs(thing)
        assert hash(ours(thing)) == hash(theirs(thing))
    with pytest.raises(TypeError, match="Do not know how to handle"):
        ours(np.arange(3))
    with pytest.raises(TypeError, match="Do not know how to handle"):
        ours({"a": [np.arange(3)]})


def test_a_change_of_a_variable_is_another_key():
    variable = Variable("v", scalar=True)
    before = brian_costs.caching._hashable({"v": variable})
    variable.scalar = False
    assert brian_costs.caching._hashable({"v": variable}) != before


# -- statements ----------------------------------------------------------------------
_ASSIGNMENTS = (
    "v = v + 1", "v = 1 + v", "v = 2*v", "v = v*v", "v = -v", "v = v", "v = c + b", "v = 3",
    "v = exp(b)*rand()", "v = exp(v)", "v = v - b", "v = b - v", "v = (b + v) + 1", "v = vv + 1",
    "v = k // 2", "v = k % 3", "v = b and c", "v = int(b > 1)", "v = b > c", "v = not b",
    "v = True + 1", "v = 1e400", "v = 1/0", "v = 0/0*b", "v = 5 % 0", "v = b**-1 + t/dt",
    "v = exp(b, c)", "v = clip(b, 0)", "v = rand(3)", "v = user(b, v)", "v = user(b)", "v = b[0]",
    "v = b.c", "v = (b, c)", "v = 'text'", "v = 1j", "v = b < c < k", "v = f(x=b)", "v = b if c",
    "v = rand() - rand()", "v = a", "v = s + 1", "new = b\nv = new + v\nnew2 = v + new",
    "k = k + 1", "k = c + 1", "b = b + rand()", "v = floor(1/0)", "v = sign(b)**0.5", "v = e + pi",
)  # fmt: skip


@pytest.mark.parametrize("optimise", [True, False])
def test_statements_are_brians(monkeypatch, optimise):
    from brian2.codegen import translation

    made = ORIGINAL["make_statements"]
    made = getattr(made, "__wrapped__", made)  # nothing comes from its cache
    variables = _variables()

    def outcome(code):
        try:
            statements = made(code, variables, np.float64, optimise=optimise)
        except Exception as error:
            return type(error), str(error)
        return [
            [(type(one), {k: str(v) for k, v in vars(one).items()}) for one in part]
            for part in statements
        ]

    ours = [outcome(code) for code in _ASSIGNMENTS]
    monkeypatch.setattr(translation, "str_to_sympy", ORIGINAL["str_to_sympy"])
    for code, found in zip(_ASSIGNMENTS, ours, strict=True):
        assert found == outcome(code), code


def test_sympy_is_asked_only_where_it_can_matter(monkeypatch):
    asked = []
    original = ORIGINAL["str_to_sympy"]
    plain = brian_statements.make_str_to_sympy(
        lambda expr, variables=None: asked.append(expr) or original(expr, variables), lambda: True
    )
    from brian2.codegen import translation

    monkeypatch.setattr(translation, "str_to_sympy", plain)
    made = getattr(ORIGINAL["make_statements"], "__wrapped__", ORIGINAL["make_statements"])
    for code in ("v = c + b", "v = exp(b)*rand()", "v = vv + 1", "v = v + 1", "v = k % 3"):
        made(code, _variables(), np.float64)
    assert asked == ["v + 1", "k % 3"]


def test_names_are_brians():
    theirs, ours = ORIGINAL["find_name"], brian_costs.brian_names.find_name
    kept = [NeuronGroup(1, "v : 1", name=name) for name in ("cells", "cells_1", "cells_3", "c")]
    for name in ("cells*", "c*", "cell*", "other*", "cells", "neurongroup*", "cells_1*"):
        assert ours(name) == theirs(name)
    assert ours("a*", ["a", "a_1"]) == theirs("a*", ["a", "a_1"]) == "a_2"
    del kept[1]
    assert ours("cells*") == theirs("cells*")


# -- values ---------------------------------------------------------------------------
def test_names_are_looked_up_for_strings_only():
    cells = NeuronGroup(4, "x : 1\nI : amp")
    local = 7
    cells.x = "local + i"
    assert list(cells.x) == [7, 8, 9, 10]
    cells.x["i > local - 5"] = 1
    assert list(cells.x) == [7, 8, 9, 1]
    cells.x[1:3] = "local"
    cells.x[[0]] = np.array([2.0])
    cells.x[3] = 4
    assert list(cells.x) == [2, 7, 7, 4]
    part = cells[2:]
    part.I = 3 * nA
    cells.I[0] = 1 * nA
    assert list(cells.I / nA) == pytest.approx([1, 0, 3, 3])

    def inner():
        local = 1
        assert local
        cells.x = "local*2"
        cells.x.set_item("local == 1", "local*3", level=0)

    inner()
    assert list(cells.x) == [3] * 4
    with pytest.raises(Exception, match="local2"):
        cells.x = "local2"
    set_device("runtime")  # the level is right where the device is not the active one, too
    other = NeuronGroup(2, "x : 1")
    other.x = "local"
    assert list(other.x) == [7, 7]


# -- integrators ------------------------------------------------------------------------
class Store:
    """Texts that are kept, and what was asked for."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.made = 0

    def __call__(self, kind, ingredients, make):
        if ingredients not in self.texts:
            self.made += 1
            self.texts[ingredients] = make()
        return self.texts[ingredients]


def _original(updater):
    return getattr(type(updater).__call__, "_genn_original", type(updater).__call__)


def _integrate(store, updater, equations, variables, options=None):
    return integration.integrate(_original(updater), store, updater, equations, variables, options)


def test_statements_are_kept():
    equations = "dv/dt = (I - v)/tau : 1\ndI/dt = -I/tau : 1"
    variables = {"v": Variable("v"), "I": Variable("I"), "tau": Constant("tau", 0.01, second.dim)}
    for updater in (exact, euler, rk4, exponential_euler, heun, milstein):
        store = Store()
        first = _integrate(store, updater, Equations(equations), variables)
        assert store.made == 1
        assert _integrate(store, updater, Equations(equations), dict(variables)) == first
        assert store.made == 1
        assert first == _original(updater)(updater, Equations(equations), variables, None)
        # another number is the same code
        variables["tau"] = Constant("tau", 0.02, second.dim)
        assert _integrate(store, updater, Equations(equations), variables) == first
        assert store.made == 1


def test_what_cannot_be_integrated_is_kept_with_its_reason():
    store, equations = Store(), Equations("dv/dt = -v**2/second : 1")
    for _ in range(2):
        with pytest.raises(UnsupportedEquationsException, match="linear"):
            _integrate(store, exact, equations, {"v": Variable("v")})
    assert store.made == 1


def _table(dt) -> TimedArray:
    return TimedArray([1.0, 2.0], dt=dt)


def _user(stateless: bool = True, sympy_func=None) -> Function:
    return Function(
        lambda x: x, arg_units=[1], return_unit=1, stateless=stateless, sympy_func=sympy_func
    )


#: Things that differ in one respect: equations, what names mean, integrator, options.
DIFFERENT = {
    "text": ("dv/dt = -v/tau : 1", "dv/dt = -2*v/tau : 1"),
    "unit": ("dv/dt = -v/tau : 1", "dv/dt = -v/tau : volt"),
    "flag": ("dv/dt = -v/tau : 1", "dv/dt = -v/tau : 1 (unless refractory)"),
    "parameter": ("dv/dt = -v/tau : 1", "dv/dt = -v/tau : 1\nx : 1"),
    "order": ("dv/dt = -v/tau : 1\ndw/dt = -w/tau : 1", "dw/dt = -w/tau : 1\ndv/dt = -v/tau : 1"),
    "kind": ("x = 3*v : 1\ndv/dt = x/tau : 1", "x : 1\ndv/dt = x/tau : 1"),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_other_equations_are_not_taken_for_these(what):
    told = [
        integration.ingredients(exact, Equations(text), {"v": Variable("v")}, None)
        for text in DIFFERENT[what]
    ]
    assert None not in told
    assert told[0] != told[1]


def _told(variables, updater=exact, options=None):
    return integration.ingredients(
        updater, Equations("dv/dt = f(t) - v/tau : 1"), {"v": Variable("v"), **variables}, options
    )


def test_other_meanings_are_not_taken_for_these():
    pairs = [
        ({"tau": Constant("tau", 1.0)}, {"tau": Constant("tau", 1)}),
        ({"tau": Constant("tau", 1.0)}, {"tau": Constant("tau", 1.0, second.dim)}),
        ({"tau": Constant("tau", 1)}, {"tau": Constant("tau", True)}),
        ({"tau": Constant("tau", 1.0)}, {"tau": Variable("tau")}),
        ({"tau": Variable("tau")}, {"tau": Variable("tau", constant=True)}),
        ({"tau": Variable("tau")}, {"tau": Variable("tau", scalar=True)}),
        ({"tau": Variable("tau")}, {"tau": Variable("tau", dtype=np.int32)}),
        ({"tau": Variable("tau")}, {"tau": Variable("tau", amp.dim)}),
        ({"tau": Variable("tau")}, {}),
        ({"f": _user()}, {"f": _user(stateless=False)}),
        ({"f": _user()}, {"f": _table(1 * ms)}),
        ({"f": _table(1 * ms)}, {"f": _table(2 * ms)}),
        ({"f": DEFAULT_FUNCTIONS["exp"]}, {"f": DEFAULT_FUNCTIONS["sin"]}),
        ({"dt": Constant("dt", 1)}, {"dt": Constant("dt", 2)}),
    ]
    for first, second_ in pairs:
        assert _told(first) is not None
        assert _told(second_) is not None
        assert _told(first) != _told(second_), (first, second_)
    tau = {"tau": Variable("tau")}
    assert _told(tau) != _told(tau, options={"simplify": False})
    others = [exact, euler, rk4, heun, milstein, exponential_euler]
    assert len({_told(tau, updater) for updater in others}) == len(others)
    assert _told(tau, ExplicitStateUpdater("x_new = x + dt*f(x, t)")) != _told(
        tau, ExplicitStateUpdater("x_new = x + 2*dt*f(x, t)")
    )


@pytest.mark.parametrize(("one", "other"), [(2, 3), (2.0, 3.0)])
def test_other_numbers_find_the_same(one, other):
    """Integrators have their names only."""
    told = [_told({"tau": Constant("tau", value)}) for value in (one, other)]
    assert told[0] == told[1] is not None


def test_the_time_step_of_a_group_takes_part():
    told = []
    for dt in (0.1 * ms, 0.2 * ms):
        cells = NeuronGroup(1, "dv/dt = -v/(10*ms) : 1", dt=dt)
        told.append(_told({"dt": cells.variables["dt"]}))
    assert told[0] != told[1]


class Own(LinearStateUpdater):
    pass


class OwnTable(TimedArray):
    pass


def test_what_a_text_cannot_say_is_not_kept(monkeypatch):
    assert _told({"tau": Variable("tau")}) is not None
    assert _told({"tau": Variable("tau")}, Own()) is None
    assert _told({"f": _user(sympy_func=sympy.sin)}) is None
    assert _told({"f": OwnTable([1.0], dt=1 * ms)}) is None
    looking = ExplicitStateUpdater("x_new = x + dt*f(x, t)", custom_check=lambda *_: None)
    assert _told({}, looking) is None
    changed = _table(1 * ms)
    changed.is_locally_constant = lambda dt: True
    assert _told({"f": changed}) is None
    value = Constant("tau", 1.0)
    value.value = object()
    assert _told({"tau": value}) is None
    with sympy.evaluate(False):
        assert _told({}) is None

    class Unknown(sympy.Function):
        pass

    monkeypatch.setitem(DEFAULT_FUNCTIONS, "own", _user(sympy_func=Unknown))
    assert _told({}) is None


def test_what_brian_knows_takes_part(monkeypatch):
    before = _told({})
    monkeypatch.setitem(DEFAULT_FUNCTIONS, "exp", DEFAULT_FUNCTIONS["sin"])
    assert _told({}) not in (None, before)


@pytest.mark.parametrize(
    ("module", "version"), [("sympy", "99"), ("mpmath", "99"), ("brian2", "99")]
)
def test_versions_take_part(monkeypatch, module, version):
    before = _told({})
    monkeypatch.setattr(getattr(integration, module), "__version__", version)
    integration._programs.cache_clear()
    try:
        assert _told({}) not in (None, before)
        monkeypatch.setattr(integration.sympy, "__version__", "1.15.dev")
        integration._programs.cache_clear()
        assert _told({}) is None
    finally:
        integration._programs.cache_clear()


def test_a_table_that_is_not_constant_is_told_in_the_log_each_time():
    equations = Equations("dv/dt = (f(t) - v)/second : 1")
    store = Store()
    for _ in range(2):
        with pytest.raises(UnsupportedEquationsException):
            _integrate(
                store, exact, equations,
                {"v": Variable("v"), "f": _user(stateless=False), "g": _table(0.05 * ms)},
            )  # fmt: skip
    assert not store.texts


def test_the_device_keeps_what_integrators_make():
    before = set(cache_directory().glob("integrator-*.txt"))
    name = f"x_{id(before)}"
    equations, variables = Equations(f"d{name}/dt = -{name}/(123*ms) : 1"), {name: Variable(name)}
    first = exact(equations, variables)
    assert len(set(cache_directory().glob("integrator-*.txt")) - before) == 1
    assert first == _original(exact)(exact, equations, variables, None)
    code = StateUpdateMethod.apply_stateupdater(equations, variables, ["exact", "euler"])
    assert code == first
    set_device("runtime")
    assert exact(equations, variables) == first


def test_a_text_is_never_taken_for_another(monkeypatch):
    assert texts.text("kind", "of this", lambda: "result") == "result"
    assert texts.text("kind", "of this", lambda: "never made") == "result"
    # a digest that is the same for all
    monkeypatch.setattr(
        texts.hashlib, "sha256", lambda data: type("", (), {"hexdigest": lambda self: "0" * 64})()
    )
    assert texts.text("kind", "one", lambda: "1") == "1"
    assert texts.text("kind", "two", lambda: "2") == "2"
    assert texts.text("kind", "one", lambda: "never made") == "1"
    assert texts.text("kind", "odd \0\n text", lambda: "3") == "3"
    with pytest.raises(KeyError):
        texts.text("kind", "fails", lambda: {}["x"])


def test_every_replacement_says_why():
    for replacement in brian_costs.REPLACEMENTS:
        assert len(replacement.same_because) > 40
        assert len(replacement.upstream) > 40
        assert replacement.until


# -- objects of the magic network ----------------------------------------------------
def test_the_objects_of_a_frame():
    from brian2.core import magic

    here = NeuronGroup(1, "v : 1")

    def within(find, level):
        inner = NeuronGroup(1, "v : 1")
        found = {reference() for reference in find(level)}
        return inner in found, here in found

    for find in (magic.get_objects_in_namespace, ORIGINAL["get_objects_in_namespace"]):
        assert within(find, 0)[0]
        assert within(find, 1) == (False, True)
    set_device("runtime")
    assert within(magic.get_objects_in_namespace, 1) == (False, True)


def test_no_source_is_looked_for_before_a_run(monkeypatch):
    """In a notebook, and in workers, that takes longer than a short simulation."""
    import inspect

    from brian2 import run

    cells = NeuronGroup(1, "v : 1")
    run(0.1 * ms)
    monkeypatch.setattr(inspect, "getframeinfo", lambda *_: pytest.fail("looked for source"))
    run(0.1 * ms)
    del cells
