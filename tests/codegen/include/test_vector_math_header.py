"""Functions of the C library in loops: an element's result does not depend on where it is."""

import ctypes
import platform
import subprocess

import numpy as np
import pytest

from brian2genn.backends.host import toolchain
from tests.codegen.include.test_exp_header import CC, INCLUDE, MORE_FLAGS

LEVEL = next((f for f in toolchain.find().flags if "VECTOR_MATH" in f), "") if CC else ""

pytestmark = pytest.mark.skipif(not LEVEL, reason="for gcc and glibc")

LATE = ["log1p", "log10", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan", "expm1"]
NAMES = ["log", "sin", "cos", "exp", "pow", *(LATE if LEVEL.endswith("2") else [])]
TYPES = {"": ("double", np.float64), "f": ("float", np.float32)}

LOOP = """
void {name}_of(int64_t begin, int64_t end, const {ctype} *restrict x, {ctype} *restrict y)
{{
#pragma omp simd
    for (int64_t k = begin; k < end; k++)
        y[k] = {call};
}}
"""

MACHINES = {
    "of this processor": ["-march=native", "-mprefer-vector-width=512"],
    "of eight, and our own exponentials": [
        "-march=skylake-avx512",
        "-mprefer-vector-width=512",
        "-DB2G_EXPONENTIALS",
    ],
    "of four": ["-march=haswell"],
    "of four, without fma": ["-march=sandybridge"],
    "of two": [],
}


@pytest.fixture(scope="module", params=MACHINES)
def library(request, tmp_path_factory):
    flags = MACHINES[request.param]
    with open("/proc/cpuinfo") as file:
        if platform.machine() != "x86_64" or ("avx512f" not in file.read() and flags):
            pytest.skip("for processors with AVX-512")
    folder = tmp_path_factory.mktemp("loops")
    loops = [
        LOOP.format(
            name=name + suffix,
            ctype=ctype,
            call=f"{name}{suffix}(x[k]{f', ({ctype})1.7' if name == 'pow' else ''})",
        )
        for name in NAMES
        for suffix, (ctype, _) in TYPES.items()
    ]
    (folder / "loops.c").write_text(
        '#include "brian2genn_math.h"\n#include <stdint.h>\n' + "".join(loops)
    )
    command = [str(CC), "-O3", "-fno-math-errno", "-fno-trapping-math", "-fopenmp-simd", LEVEL]
    command += [*flags, *MORE_FLAGS, *(f"-DB2G_LOOPS_CALL_{name}" for name in NAMES)]
    command += [f"-I{INCLUDE}", "-shared", "-fPIC", "-o", "loops.so", "loops.c", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "loops.so"))


@pytest.mark.parametrize("suffix", TYPES)
@pytest.mark.parametrize("name", NAMES)
def test_an_element_has_one_result_wherever_a_loop_begins(library, name, suffix):
    function = getattr(library, f"{name}{suffix}_of")
    dtype = TYPES[suffix][1]
    x = np.linspace(0.01, 0.99, 200).astype(dtype)
    whole, parts = np.empty_like(x), np.empty_like(x)

    def compute(begin, end, y):
        pointers = [ctypes.c_void_p(one.ctypes.data) for one in (x, y)]
        function(ctypes.c_int64(begin), ctypes.c_int64(end), *pointers)

    compute(0, len(x), whole)
    for length in (1, 3, 7, 13, 30):
        for begin in range(0, len(x), length):
            compute(begin, min(begin + length, len(x)), parts)
        assert np.array_equal(parts, whole)
    names = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "pow": "power"}
    arguments = (x, dtype(1.7)) if name == "pow" else (x,)
    expected = getattr(np, names.get(name, name))(*arguments)
    assert np.allclose(whole, expected, rtol=4 * np.finfo(dtype).eps, atol=0)


def test_what_is_no_number_and_what_is_infinite_stays_so(library):
    x = np.array([0.0, -1.0, np.inf, np.nan, -0.0, 1e300])
    y = np.empty_like(x)
    pointers = [ctypes.c_void_p(one.ctypes.data) for one in (x, y)]
    for name in ("log", "sin"):
        function = getattr(library, f"{name}_of")
        function(ctypes.c_int64(0), ctypes.c_int64(len(x)), *pointers)
        with np.errstate(all="ignore"):
            expected = getattr(np, name)(x)
        assert np.allclose(y, expected, rtol=1e-15, equal_nan=True)
