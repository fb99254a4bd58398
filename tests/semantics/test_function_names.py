"""Functions under any name.

Brian's own under another one, users' under names that mean something in C++, in C's library or in
the text of a program, and users' texts that say the same names as others.
"""

import math

import numpy as np
import pytest
from brian2 import Function, Network, NeuronGroup, ms, seed, set_device
from brian2.core.functions import DEFAULT_FUNCTIONS

import brian2genn
from tests import devices
from tests.semantics.harness import Cases, Result, check, observe

cases = Cases()

#: Names that a program, C's library, its headers or C++ know.
NAMES = """
    malloc free exit main time y1 gamma isnan fabs erf size_t int32_t std swap count vector printf
    NAN INFINITY M_PI EOF linux restrict i_ x_ y_ N_ ctx constants double_ step seed_ arrays
    STEP CONSTANTS FAILED program_run program_constants b2g_exp b2g_exp_f64 B2G_OK brian rand_
    """.split()  # noqa: SIM905
#: Words of C++, which no function can have as a name there.
WORDS = ["register", "template", "inline", "goto", "double", "and_eq", "this"]
#: Macros that a program's own text must not see.
MACROS = ["ctx", "i_", "x_", "arrays", "numbers", "error", "B2G_OK", "NAN", "_x1", "N", "static_"]


def function(python, text, name=None, **more) -> Function:
    """A function of one number with a text in C++."""
    made = Function(python, arg_units=[1], return_unit=1)
    made.implementations.add_implementation("cpp", text, name=name, **more)
    return made


def all_called(functions: dict) -> Result:
    """What functions give in set-up code, in the loop and where a value is read."""
    calls = " + ".join(f"{k + 1}*{name}(x)" for k, name in enumerate(functions))
    group = NeuronGroup(4, f"x : 1\nset : 1\nlooped : 1\nread = {calls} : 1", namespace=functions)
    group.x = "0.3*i + 0.2"
    group.set = calls
    group.run_regularly(f"looped = {calls}")
    Network(group).run(0.1 * ms)
    return observe(group=group, read=group.read[:])


@cases
def brians_functions_under_other_names() -> Result:
    own = {"sqrt", "exp", "sin", "log", "abs", "floor", "ceil", "int", "sign", "exprel", "arctan"}
    return all_called({f"my_{name}": DEFAULT_FUNCTIONS[name] for name in sorted(own)})


@cases
def brians_functions_with_more_arguments_under_other_names() -> Result:
    namespace = {"cut": DEFAULT_FUNCTIONS["clip"], "steps": DEFAULT_FUNCTIONS["timestep"]}
    group = NeuronGroup(4, "x : 1\ny : 1", namespace=namespace)
    group.x = "cut(0.4*i, 0.2, 1) + steps(0.4*i*ms, dt)"
    group.run_regularly("y = cut(x, 1, 5) + steps(t + x*ms, dt)")
    Network(group).run(0.2 * ms)
    return observe(group=group)


@cases.over(names=[NAMES[:20], NAMES[20:], WORDS])
def users_functions_of_any_name(names) -> Result:
    return all_called(
        {
            name: function(
                lambda x, k=k: x + k, f"static double {name}(double x) {{ return x + {k}; }}", name
            )
            for k, name in enumerate(names)
        }
    )


@cases
def users_functions_under_other_names() -> Result:
    def tripled(x):
        return 3 * x

    text = "double tripled(double x) { return 3*x; }"
    one = function(tripled, text)
    two = function(lambda x: 5 * x, "double five(double x) { return 5*x; }", "five")
    # nobody says what it is called in C++
    three = function(lambda x: 7 * x, "double seven(double x) { return 7*x; }")
    return all_called({"one": one, "tripled": one, "two": two, "five": two, "three": three})


@cases
def texts_with_the_same_helpers_and_macros() -> Result:
    def of(k):
        text = f"""
            #include <vector>
            #define FACTOR {k}
            static double helper(double x) {{ return FACTOR*x; }}
            struct numbers {{ std::vector<double> of; }};
            static double f{k}(double x) {{ numbers n; n.of.push_back(x); return helper(n.of[0]); }}
        """
        return function(lambda x: k * x, text, f"f{k}")

    return all_called({f"f{k}": of(k) for k in (2, 3, 5)})


@cases.over(macro=MACROS)
def macros_of_a_text(macro) -> Result:
    text = f"#define {macro} 3\nstatic double f(double x) {{ return {macro}*x; }}"
    return all_called({"f": function(lambda x: 3 * x, text, "f")})


@cases
def functions_that_are_macros() -> Result:
    text = "#define SCALE {0}\n#define {1}(x) (SCALE*(x))\n"
    return all_called(
        {name: function(lambda x, k=k: k * x, text.format(k, name), name) for k, name in
         enumerate(["first", "another", "malloc"], 2)}
    )  # fmt: skip


@cases
def what_a_text_takes_from_what_it_depends_on() -> Result:
    inner = function(
        lambda x: 4 * x,
        "#define FOUR 4\nstatic double helper(double x) { return FOUR*x; }\n"
        "static double gamma(double x) { return helper(x); }",
        "gamma",
    )
    outer = function(
        lambda x: 24 * x,
        "static double outer(double x) { return FOUR*inner(x) + 2*helper(x); }",
        "outer",
        dependencies={"inner": inner},
    )
    return all_called({"outer": outer, "gamma_of_mine": inner})


@cases
def texts_that_say_what_is_defined_elsewhere() -> Result:
    text = """
        double tgamma(double);
        extern "C" double lgamma(double);
        extern "C" {
        #include <math.h>
        }
        static double helper(double x) { return ::exp(x); }
        static double f(double x) { return tgamma(x + 1) + lgamma(x + 1) + ::helper(x); }
    """

    def f(x):
        return np.vectorize(lambda x: math.gamma(x + 1) + math.lgamma(x + 1) + math.exp(x))(x)

    return all_called({"f": function(f, text, "f")})


@cases
def brians_functions_that_texts_depend_on() -> Result:
    own = ["exp", "floor", "int", "sign", "abs", "arcsin", "exprel"]
    dependencies = {f"my_{name}": DEFAULT_FUNCTIONS[name] for name in own}
    calls = " + ".join(f"{name}(x/3)" for name in dependencies)
    text = f"static double f(double x) {{ return {calls}; }}"

    def f(x):
        y = x / 3
        return (
            np.exp(y) + np.floor(y) + np.trunc(y) + np.sign(y) + np.abs(y) + np.arcsin(y)
            + np.expm1(y) / y
        )  # fmt: skip

    return all_called({"f": function(f, text, "f", dependencies=dependencies)})


@pytest.mark.parametrize("case", cases, ids=str)
def test_function_names(case):
    check(case)


@pytest.mark.skipif(devices.DEVICE != "genn", reason="asks where code was executed")
class TestPlaces:
    """Where functions of these kinds are executed."""

    @pytest.fixture(autouse=True)
    def on_device(self, device):
        set_device(device)

    def places(self, functions: dict) -> str:
        calls = " + ".join(f"{name}(x)" for name in functions)
        group = NeuronGroup(2, "x : 1", namespace=functions, name="group")
        group.run_regularly(f"x = {calls}")
        network = Network(group)
        network.run(0.1 * ms)
        return repr(brian2genn.explain(network))

    def test_words_of_cpp(self):
        text = "static double register(double x) { return x; }"
        explanation = self.places({"register": function(lambda x: x, text, "register")})
        assert "'register' is a word of C++" in explanation

    def test_texts_without_the_function(self):
        text = "static double g(double x) { return x; }"
        explanation = self.places({"f": function(lambda x: x, text)})
        assert "the C++ code of 'f' has no function of this name" in explanation

    def test_random_numbers_under_another_name(self):
        drawn = []
        for name in ("rand", "uniform"):
            seed(3)
            group = NeuronGroup(5, "x : 1\ny : 1", namespace={"uniform": DEFAULT_FUNCTIONS["rand"]})
            group.x = f"{name}()"
            group.run_regularly(f"y = {name}()")
            network = Network(group)
            network.run(0.1 * ms)
            assert brian2genn.explain(network).count("Brian") == 0
            drawn.append((np.array(group.x), np.array(group.y)))
        np.testing.assert_array_equal(drawn[0], drawn[1])
