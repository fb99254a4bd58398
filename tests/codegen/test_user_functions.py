"""Users' C++ functions that need more than their own text are compiled, too."""

import numpy as np
import pytest
from brian2 import (
    Function,
    Network,
    NetworkOperation,
    NeuronGroup,
    check_units,
    implementation,
    ms,
    network_operation,
    prefs,
    set_device,
)

import brian2genn

pytestmark = pytest.mark.usefixtures("on_device")


@pytest.fixture
def on_device(device):
    if device != "genn":
        pytest.skip("asks where objects were compiled")
    set_device(device)


def in_loop_and_setup(functions: dict) -> tuple[np.ndarray, np.ndarray]:
    """Values computed by the functions in set-up code and in a run, nothing of it by Brian."""
    calls = " + ".join(f"{name}(1.0*i)" for name in functions)
    group = NeuronGroup(4, "x : 1\ny : 1", namespace=functions)
    group.x = calls
    group.run_regularly(f"y = {calls}")
    network = Network(group)
    network.run(0.1 * ms)
    explanation = brian2genn.explain(network)
    assert explanation.count("Brian") == explanation.count_setup("Brian") == 0, explanation
    assert explanation.count_setup("compiled") == 1
    return np.array(group.x), np.array(group.y)


def test_headers_sources_and_macros(tmp_path):
    (tmp_path / "mine.h").write_text("double offset_by(double x);\n#define FACTOR 10\n")
    source = tmp_path / "mine.cpp"
    source.write_text('#include "mine.h"\ndouble offset_by(double x) { return x + OFFSET; }\n')

    def function():
        @implementation(
            "cpp",
            "static double moved(double x) { return FACTOR*offset_by(x) + std::hypot(3, 4); }",
            headers=['"mine.h"', "<complex>"],
            sources=[str(source)],
            include_dirs=[str(tmp_path)],
            define_macros=[("OFFSET", "3"), ("UNUSED", None)],
            libraries=["m"],
            extra_compile_args=["-DALSO"],
        )
        @check_units(x=1, result=1)
        def moved(x):
            raise NotImplementedError

        return moved

    for values in in_loop_and_setup({"moved": function()}):
        np.testing.assert_allclose(values, 10 * (np.arange(4) + 3) + 5)
    # another text in a file of the user: not the program in the cache
    source.write_text('#include "mine.h"\ndouble offset_by(double x) { return x - OFFSET; }\n')
    for values in in_loop_and_setup({"moved": function()}):
        np.testing.assert_allclose(values, 10 * (np.arange(4) - 3) + 5)


def test_brians_preferences_for_cpp(tmp_path):
    (tmp_path / "preferred.h").write_text("static double preferred(double x) { return -x; }\n")

    @implementation("cpp", "static double outer(double x) { return preferred(x); }")
    @check_units(x=1, result=1)
    def outer(x):
        raise NotImplementedError

    prefs.codegen.cpp.headers = ['"preferred.h"']
    prefs.codegen.cpp.include_dirs = [str(tmp_path)]
    for values in in_loop_and_setup({"outer": outer}):
        np.testing.assert_allclose(values, -np.arange(4))


def test_two_functions_of_one_name_and_two_arrays_of_one_name():
    """Each function has its own text and its own array, also where they share the names."""

    def looking_up(table):
        function = Function(lambda x: x, arg_units=[1], return_unit=1)
        function.implementations.add_implementation(
            "cpp",
            "static double look_up(double x) { return _namespace_table[(int)x]; }",
            name="look_up",
            namespace={"_table": np.array(table)},
        )
        return function

    functions = {
        "one": looking_up([1.0, 2.0, 3.0, 4.0]),
        "two": looking_up([0.1, 0.2, 0.3, 0.4]),
        "three": looking_up([10, 20, 30, 40]),
    }
    for values in in_loop_and_setup(functions):
        np.testing.assert_allclose(values, 11.1 * (np.arange(4) + 1))


def test_tables_of_two_networks_with_one_program():
    """A network that runs within another one leaves this one's array as it was."""

    def network(name, table, *others):
        function = Function(lambda x: x, arg_units=[1], return_unit=1)
        function.implementations.add_implementation(
            "cpp",
            "static double look_up(double x) { return _namespace_table[(int)x]; }",
            name="look_up",
            namespace={"_table": np.array(table)},
        )
        group = NeuronGroup(2, "y : 1", name=name, namespace={"look_up": function})
        group.run_regularly("y = look_up(1.0*i)", name=f"{name}_look_up")
        return Network(group, *others), group

    # with an object of Brian's at the same place, so that the programs are the same
    nothing = NetworkOperation(lambda: None, when="before_start")
    inner, one = network("group", [1.0, 2.0], nothing)
    inner.run(0.1 * ms)

    @network_operation(when="before_start")
    def run_the_inner():
        inner.run(0.1 * ms)

    outer, two = network("group", [10.0, 20.0], run_the_inner)
    outer.run(0.2 * ms)
    np.testing.assert_array_equal(one.y, [1, 2])
    np.testing.assert_array_equal(two.y, [10, 20])


def test_dependencies_with_needs(tmp_path):
    """What a function depends on brings its compiler arguments along."""
    (tmp_path / "deep.h").write_text("#define DEEP 7\n")

    @implementation(
        "cpp", "static double _inner(double x) { return x + DEEP; }", name="_inner",
        headers=['"deep.h"'], include_dirs=[str(tmp_path)],
    )  # fmt: skip
    @check_units(x=1, result=1)
    def inner(x):
        raise NotImplementedError

    @implementation(
        "cpp", "static double outer(double x) { return 2*my_inner(x); }",
        dependencies={"my_inner": inner},
    )  # fmt: skip
    @check_units(x=1, result=1)
    def outer(x):
        raise NotImplementedError

    for values in in_loop_and_setup({"outer": outer}):
        np.testing.assert_allclose(values, 2 * (np.arange(4) + 7))


def test_an_unknown_compiler_argument_is_a_reason():
    @implementation("cpp", "static double f(double x) { return x; }", frameworks=["Accelerate"])
    @check_units(x=1, result=1)
    def f(x):
        return x

    group = NeuronGroup(2, "x : 1", namespace={"f": f})
    group.x = "f(i)"
    network = Network(group)
    network.run(0.1 * ms)
    np.testing.assert_array_equal(group.x, [0, 1])
    assert "frameworks" in repr(brian2genn.explain(network))
