"""Python's % and // in generated code, compiled from their headers, against NumPy's: bit by bit."""

import ctypes
import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from brian2genn.backends.host import toolchain
from brian2genn.codegen.genn.code import GENN_TYPE, GennCode
from brian2genn.model import expr as ex
from brian2genn.model.kernel import Access, Kernel, Store

SOURCE = r"""
#include "brian2genn_math.h"
#define COMPUTE(type, suffix)                                                               \
    void modulo##suffix(int n, const type *B2G_RESTRICT x, const type *B2G_RESTRICT y,      \
                        type *B2G_RESTRICT rest, type *B2G_RESTRICT quotient)               \
    {                                                                                       \
        _Pragma("omp simd") for (int i = 0; i < n; i++)                                     \
        {                                                                                   \
            rest[i] = b2g_mod##suffix(x[i], y[i]);                                          \
            quotient[i] = b2g_floordiv##suffix(x[i], y[i]);                                 \
        }                                                                                   \
    }
#ifdef __cplusplus
extern "C" {
#endif
COMPUTE(double, _f64)
COMPUTE(float, _f32)
COMPUTE(int64_t, _i64)
COMPUTE(int32_t, _i32)
#ifdef __cplusplus
}
#endif
"""

COMPILERS = {
    "loop": lambda found: found,
    "loop in C++": lambda found: found,
    "set-up": lambda found: found.for_setup(),
    # an old processor has no fma; another compiler no vector functions
    "any processor": lambda found: replace(
        found, flags=tuple(flag for flag in found.flags if not flag.startswith("-march"))
    ),
    "any compiler": lambda found: replace(
        found, flags=tuple(flag for flag in found.flags if not flag.startswith("-DB2G_VECTOR"))
    ),
}


@pytest.fixture(scope="module", params=COMPILERS)
def compute(request):
    """% and // of two arrays, in a loop, as each kind of program has them."""
    chosen = COMPILERS[request.param](toolchain.find())
    chosen = replace(chosen, identity=f"{chosen.identity}\n{request.param}")
    library = toolchain.compile_library(chosen, SOURCE, "modulo", is_cpp="C++" in request.param)

    def run(x, y):
        rest, quotient = np.empty_like(x), np.empty_like(x)
        function = getattr(library, f"modulo_{x.dtype.kind}{8 * x.dtype.itemsize}")
        function(x.size, *(ctypes.c_void_p(a.ctypes.data) for a in (x, y, rest, quotient)))
        return rest, quotient

    return run


def check(compute, x, y):
    rest, quotient = compute(x, y)
    with np.errstate(all="ignore"):
        expected = {"%": np.mod(x, y), "//": np.floor_divide(x, y)}
    for operator, found in (("%", rest), ("//", quotient)):
        reference = expected[operator]
        same = (found == reference) & (np.signbit(found) == np.signbit(reference))
        same |= (found != found) & (reference != reference)
        wrong = [
            f"{x[k]!r} {operator} {y[k]!r} = {reference[k]!r}, not {found[k]!r}"
            for k in np.flatnonzero(~same)[:5]
        ]
        assert not wrong, "\n".join(wrong)


def pairs(values, dtype):
    x, y = np.array(list(itertools.product(values, values)), dtype=dtype).T
    return x.copy(), y.copy()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_special_floats(compute, dtype):
    limits = np.finfo(dtype)
    values = [0, 1, 2, 3, 0.1, 0.3, 1 / 3, 5.5, np.inf, np.nan, limits.max, limits.tiny]
    values += [limits.smallest_subnormal, 7 * limits.smallest_subnormal, limits.eps, 1 - limits.eps]
    values += [2.0**24, 2.0**24 - 1, 2.0**25, 2.0**53, 2.0**53 - 1, 2.0**54 + 4, 1e20, 1e-20]
    values = np.array(values, dtype)
    check(compute, *pairs([*values, *-values], dtype))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("magnitudes", [0.5, 5, 9, 25, 300])
def test_random_floats(compute, dtype, magnitudes):
    rng = np.random.default_rng(3)
    magnitudes = min(magnitudes, 300 if dtype is np.float64 else 37)
    x, y = (
        (rng.choice([-1, 1], 20_000) * 10 ** rng.uniform(-magnitudes, magnitudes, 20_000)).astype(
            dtype
        )
        for _ in range(2)
    )
    check(compute, x, y)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("step", [0.1, 0.001, 1 / 3, 0.7, 1e-4, 3.0])
def test_multiples(compute, dtype, step):
    """Where the whole numbers are that the quotient is rounded to."""
    steps = np.arange(-5000, 5000)
    for x in (steps * step, np.nextafter(steps * step, np.inf), np.nextafter(steps * step, -1e9)):
        x = x.astype(dtype)
        for y in (step, -step):
            check(compute, x, np.full_like(x, y))


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_integers(compute, dtype):
    """As NumPy's also for a divisor of 0 or -1, of which C says nothing (or dies)."""
    limits = np.iinfo(dtype)
    values = [0, 1, 2, 3, 7, 10, 1000, 2**31 - 1, limits.max, limits.max - 1]
    values = [*values, *(-value for value in values), limits.min, limits.min + 1]
    check(compute, *pairs(values, dtype))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32])
def test_code_for_genn(dtype):
    """GeNN's language is C, with functions that know their type as tgmath.h's do."""
    name = np.dtype(dtype).name
    kernel = Kernel("test", "test")
    kernel.accesses = {variable: Access(variable, variable, name) for variable in "xyrq"}
    x, y = (ex.make("load", attr=variable, dtype=name) for variable in "xy")
    kernel.stores = [Store("r", ex.binary("mod", x, y)), Store("q", ex.binary("floordiv", x, y))]
    numbers = itertools.count()
    names = SimpleNamespace(variable=lambda access: f"{access.name}s[i]")
    computed, stored = GennCode(kernel, names, lambda: next(numbers)).statements(kernel.stores)
    arguments = ", ".join(f"{GENN_TYPE[name]} *{variable}s" for variable in "xyrq")
    text = "\n".join([
        "#include <tgmath.h>\n#include <stdint.h>\n#include <stdbool.h>",
        f"void compute(int n, {arguments}) {{ for (int i = 0; i < n; i++) {{",
        *computed,
        *stored,
        "} }",
    ])  # fmt: skip
    chosen = replace(toolchain.find().for_setup(), identity="GeNN")
    library = toolchain.compile_library(chosen, text, "modulo")

    def run(x, y):
        results = np.empty_like(x), np.empty_like(x)
        library.compute(x.size, *(ctypes.c_void_p(a.ctypes.data) for a in (x, y, *results)))
        return results

    values = [0, 1, 2, 3, 7, -1, -2, -7, 1000]
    if dtype is not np.int32:
        values += [0.1, -0.3, 1 / 3, 1e-30, -1e30, np.inf, -np.inf, np.nan, 5.5, -0.0]
    check(run, *pairs(values, dtype))
