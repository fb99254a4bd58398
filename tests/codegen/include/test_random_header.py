"""The counter-based random numbers of generated code, compiled from their header on its own."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.paths import ROOT

stats = pytest.importorskip("scipy.stats")

INCLUDE = ROOT / "src" / "brian2genn" / "codegen" / "include"
CC = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
CXX = shutil.which("g++") or shutil.which("c++")
SIMD_FLAGS = ["-O3", "-fno-math-errno", "-fopenmp-simd"]
#: A sanitizer's, under `make test-sanitize`.
MORE_FLAGS = os.environ.get("BRIAN2GENN_CFLAGS", "").split()

pytestmark = pytest.mark.skipif(CC is None, reason="no C compiler")

SOURCE = r"""
#include "brian2genn_random.h"

void philox(const uint32_t *c, const uint32_t *k, uint32_t *w)
{
    b2g_philox4x32_10(c[0], c[1], c[2], c[3], k[0], k[1], &w[0], &w[1], &w[2], &w[3]);
}

void bits(uint64_t seed, uint32_t stream, uint64_t step, uint32_t block, int n, uint32_t *w)
{
    for (int i = 0; i < n; i++)
        b2g_random_bits(seed, stream, (uint32_t)i, step, block, w + 4 * i, w + 4 * i + 1,
                        w + 4 * i + 2, w + 4 * i + 3);
}

double uniform_of(uint32_t hi, uint32_t lo) { return b2g_uniform(hi, lo); }
float uniformf_of(uint32_t w) { return b2g_uniformf(w); }
void normal_of(const uint32_t *w, double *z) { b2g_normal_pair(w[0], w[1], w[2], w[3], z, z + 1); }
void normalf_of(const uint32_t *w, float *z) { b2g_normal_pairf(w[0], w[1], z, z + 1); }
double log_of(double x) { return b2g_log(x); }
float logf_of(float x) { return b2g_logf(x); }

void uniform(uint64_t seed, uint32_t stream, uint64_t step, uint32_t block, int n, double *x)
{
#pragma omp simd
    for (int i = 0; i < n; i++) {
        uint32_t w0, w1, w2, w3;
        b2g_random_bits(seed, stream, (uint32_t)i, step, block, &w0, &w1, &w2, &w3);
        x[i] = b2g_uniform(w0, w1);
    }
}

void uniformf(uint64_t seed, uint32_t stream, uint64_t step, uint32_t block, int n, float *x)
{
#pragma omp simd
    for (int i = 0; i < n; i++) {
        uint32_t w0, w1, w2, w3;
        b2g_random_bits(seed, stream, (uint32_t)i, step, block, &w0, &w1, &w2, &w3);
        x[i] = b2g_uniformf(w0);
    }
}

void normal(uint64_t seed, uint32_t stream, uint64_t step, uint32_t block, int n, double *x,
            double *y)
{
#pragma omp simd
    for (int i = 0; i < n; i++) {
        uint32_t w0, w1, w2, w3;
        double z0, z1;
        b2g_random_bits(seed, stream, (uint32_t)i, step, block, &w0, &w1, &w2, &w3);
        b2g_normal_pair(w0, w1, w2, w3, &z0, &z1);
        x[i] = z0;
        y[i] = z1;
    }
}

void normal_first(uint64_t seed, uint32_t stream, uint64_t step, uint32_t block, int n, double *x)
{
#pragma omp simd
    for (int i = 0; i < n; i++) {
        uint32_t w0, w1, w2, w3;
        double z0, z1;
        b2g_random_bits(seed, stream, (uint32_t)i, step, block, &w0, &w1, &w2, &w3);
        b2g_normal_pair(w0, w1, w2, w3, &z0, &z1);
        x[i] = z0;
    }
}

void normalf(uint64_t seed, uint32_t stream, uint64_t step, uint32_t block, int n, float *x,
             float *y)
{
#pragma omp simd
    for (int i = 0; i < n; i++) {
        uint32_t w0, w1, w2, w3;
        float z0, z1;
        b2g_random_bits(seed, stream, (uint32_t)i, step, block, &w0, &w1, &w2, &w3);
        b2g_normal_pairf(w0, w1, &z0, &z1);
        x[i] = z0;
        y[i] = z1;
    }
}

void sequence(uint64_t seed, uint32_t stream, uint32_t element, uint64_t step, int n, double *x)
{
    b2g_rng rng = b2g_rng_init(seed, stream, element, step);
    for (int i = 0; i < n; i++)
        x[i] = b2g_next_uniform(&rng);
}

void poisson(double lambda, uint64_t seed, int n, int32_t *x)
{
    for (int i = 0; i < n; i++) {
        b2g_rng rng = b2g_rng_init(seed, 5, (uint32_t)i, 0);
        x[i] = b2g_poisson(lambda, &rng);
    }
}

void binomial(int64_t size, double p, uint64_t seed, int n, int64_t *x)
{
    for (int i = 0; i < n; i++) {
        b2g_rng rng = b2g_rng_init(seed, 6, (uint32_t)i, 0);
        x[i] = b2g_binomial(size, p, &rng);
    }
}

double stirling_tail(double k) { return b2g_stirling_tail(k); }
"""

U32, U64, INT, F64, F32 = (
    ctypes.c_uint32,
    ctypes.c_uint64,
    ctypes.c_int,
    ctypes.c_double,
    ctypes.c_float,
)
SIGNATURES = {
    "philox": (None, [ctypes.c_void_p] * 3),
    "bits": (None, [U64, U32, U64, U32, INT, ctypes.c_void_p]),
    "uniform_of": (F64, [U32, U32]),
    "uniformf_of": (F32, [U32]),
    "normal_of": (None, [ctypes.c_void_p] * 2),
    "normalf_of": (None, [ctypes.c_void_p] * 2),
    "log_of": (F64, [F64]),
    "logf_of": (F32, [F32]),
    "uniform": (None, [U64, U32, U64, U32, INT, ctypes.c_void_p]),
    "uniformf": (None, [U64, U32, U64, U32, INT, ctypes.c_void_p]),
    "normal": (None, [U64, U32, U64, U32, INT, ctypes.c_void_p, ctypes.c_void_p]),
    "normal_first": (None, [U64, U32, U64, U32, INT, ctypes.c_void_p]),
    "normalf": (None, [U64, U32, U64, U32, INT, ctypes.c_void_p, ctypes.c_void_p]),
    "sequence": (None, [U64, U32, U32, U64, INT, ctypes.c_void_p]),
    "poisson": (None, [F64, U64, INT, ctypes.c_void_p]),
    "binomial": (None, [ctypes.c_int64, F64, U64, INT, ctypes.c_void_p]),
    "stirling_tail": (F64, [F64]),
}

SEED = 0x0123456789ABCDEF


class Library:
    """The compiled test functions, with arrays made for their results."""

    def __init__(self, path: Path) -> None:
        self.c = ctypes.CDLL(str(path))
        for name, (result, arguments) in SIGNATURES.items():
            function = getattr(self.c, name)
            function.restype = result
            function.argtypes = arguments

    def bits(
        self, n: int, *, seed: int = SEED, stream: int = 0, step: int = 0, block: int = 0
    ) -> np.ndarray:
        words = np.empty((n, 4), np.uint32)
        self.c.bits(seed, stream, step, block, n, words.ctypes.data)
        return words

    def uniform(
        self, n: int, *, seed: int = SEED, stream: int = 0, step: int = 0, block: int = 0
    ) -> np.ndarray:
        x = np.empty(n)
        self.c.uniform(seed, stream, step, block, n, x.ctypes.data)
        return x

    def normal(self, n: int, *, stream: int = 1, step: int = 0) -> tuple[np.ndarray, np.ndarray]:
        x, y = np.empty(n), np.empty(n)
        self.c.normal(SEED, stream, step, 0, n, x.ctypes.data, y.ctypes.data)
        return x, y

    def normalf(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        x, y = np.empty(n, np.float32), np.empty(n, np.float32)
        self.c.normalf(SEED, 2, 0, 0, n, x.ctypes.data, y.ctypes.data)
        return x, y

    def normal_of(self, *words: int) -> np.ndarray:
        w, z = np.array(words, np.uint32), np.empty(2)
        self.c.normal_of(w.ctypes.data, z.ctypes.data)
        return z

    def normalf_of(self, *words: int) -> np.ndarray:
        w, z = np.array(words, np.uint32), np.empty(2, np.float32)
        self.c.normalf_of(w.ctypes.data, z.ctypes.data)
        return z

    def poisson(self, lam: float, n: int, seed: int = SEED) -> np.ndarray:
        x = np.empty(n, np.int32)
        self.c.poisson(lam, seed, n, x.ctypes.data)
        return x

    def binomial(self, size: int, p: float, n: int) -> np.ndarray:
        x = np.empty(n, np.int64)
        self.c.binomial(size, p, SEED, n, x.ctypes.data)
        return x


def run_tool(command: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a compiler and capture what it prints."""
    return subprocess.run(command, check=False, input=text, capture_output=True, text=True)


def compile_source(directory: Path, name: str, flags: list[str]) -> tuple[Path, str]:
    """Compile the test functions.

    Returns
    -------
    library, messages
        The path of the shared library and what the compiler printed.
    """
    source = directory / "functions.c"
    source.write_text(SOURCE)
    library = directory / f"{name}.so"
    command = [str(CC), "-std=gnu11", "-Wall", "-Wextra", "-Werror", *flags, *MORE_FLAGS]
    command += [f"-I{INCLUDE}", "-fPIC", "-shared", str(source), "-o", str(library), "-lm"]
    done = run_tool(command)
    assert done.returncode == 0, done.stderr
    return library, done.stdout + done.stderr


def supports_native() -> bool:
    """Whether the compiler takes ``-march=native``."""
    command = [str(CC), "-march=native", "-x", "c", "-fsyntax-only", "-"]
    return run_tool(command).returncode == 0


@pytest.fixture(scope="module")
def native() -> list[str]:
    return ["-march=native"] if supports_native() else []


@pytest.fixture(scope="module")
def lib(tmp_path_factory: pytest.TempPathFactory, native: list[str]) -> Library:
    directory = tmp_path_factory.mktemp("random")
    return Library(compile_source(directory, "vector", SIMD_FLAGS + native)[0])


# The known-answer vectors that the Random123 library is distributed with.
@pytest.mark.parametrize(
    "counter, key, expected",
    [
        ("00000000 " * 4, "00000000 " * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff " * 4, "ffffffff " * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            "243f6a88 85a308d3 13198a2e 03707344",
            "a4093822 299f31d0",
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
    ids=["zeros", "ones", "pi"],
)
def test_known_answers(lib: Library, counter: str, key: str, expected: str) -> None:
    c, k, w = (
        np.array([int(word, 16) for word in text.split()], np.uint32)
        for text in (counter, key, "0 0 0 0")
    )
    lib.c.philox(c.ctypes.data, k.ctypes.data, w.ctypes.data)
    assert [f"{word:08x}" for word in w] == expected.split()


def test_counter_layout(lib: Library) -> None:
    seed, stream, element, step, block = SEED, 0xDEADBEEF, 3, 0x0000ABCD12345678, 0x4321
    counter = np.array([element, 0x12345678, 0xABCD4321, stream], np.uint32)
    key = np.array([0x89ABCDEF, 0x01234567], np.uint32)
    expected = np.empty(4, np.uint32)
    lib.c.philox(counter.ctypes.data, key.ctypes.data, expected.ctypes.data)
    words = lib.bits(4, seed=seed, stream=stream, step=step, block=block)
    assert words[element].tolist() == expected.tolist()


def test_every_part_of_the_counter_matters(lib: Library) -> None:
    base = lib.bits(4)
    others = {
        "seed": lib.bits(4, seed=SEED ^ 1),
        "seed, high": lib.bits(4, seed=SEED ^ (1 << 63)),
        "stream": lib.bits(4, stream=1),
        "step": lib.bits(4, step=1),
        "step, high": lib.bits(4, step=1 << 32),
        "block": lib.bits(4, block=1),
    }
    for name, other in others.items():
        assert not np.any(base == other), name


def test_uniform_edges(lib: Library) -> None:
    top = 0xFFFFFFFF
    assert lib.c.uniform_of(0, 0) == 0.0
    assert lib.c.uniform_of(top, top) == 1.0 - 2.0**-53
    assert lib.c.uniform_of(0x80000000, 0) == 0.5
    assert lib.c.uniform_of(0, 1 << 6) == 2.0**-53
    assert lib.c.uniform_of(1 << 5, 0) == 2.0**-27
    assert lib.c.uniformf_of(0) == 0.0
    assert lib.c.uniformf_of(top) == 1.0 - 2.0**-24
    assert lib.c.uniformf_of(1 << 8) == 2.0**-24


def test_uniform_uses_all_its_bits(lib: Library) -> None:
    x = lib.uniform(20_000)
    integers = (x * 2.0**53).astype(np.uint64)
    assert np.array_equal(integers.astype(float), x * 2.0**53)
    for bit in range(53):
        share = np.mean((integers >> np.uint64(bit)) & np.uint64(1))
        assert abs(share - 0.5) < 5 * 0.5 / np.sqrt(x.size), bit
    xf = np.empty(20_000, np.float32)
    lib.c.uniformf(SEED, 0, 0, 0, xf.size, xf.ctypes.data)
    integers = (xf * np.float32(2.0**24)).astype(np.uint64)
    for bit in range(24):
        share = np.mean((integers >> np.uint64(bit)) & np.uint64(1))
        assert abs(share - 0.5) < 5 * 0.5 / np.sqrt(x.size), bit


def test_uniform_distribution(lib: Library) -> None:
    assert stats.kstest(lib.uniform(1_000_000), "uniform").pvalue > 1e-3
    over_steps = np.array([lib.uniform(1, step=step)[0] for step in range(20_000)])
    assert stats.kstest(over_steps, "uniform").pvalue > 1e-3
    xf = np.empty(200_000, np.float32)
    lib.c.uniformf(SEED, 0, 7, 0, xf.size, xf.ctypes.data)
    assert stats.kstest(xf, "uniform").pvalue > 1e-3


def test_normal_distribution(lib: Library) -> None:
    x, y = lib.normal(1_000_000)
    for z in (x, y):
        assert stats.kstest(z, "norm").pvalue > 1e-3
        assert abs(stats.skew(z)) < 5 * np.sqrt(6 / z.size)
        assert abs(stats.kurtosis(z)) < 5 * np.sqrt(24 / z.size)
    assert abs(np.corrcoef(x, y)[0, 1]) < 5 / np.sqrt(x.size)
    assert abs(np.corrcoef(x**2, y**2)[0, 1]) < 5 / np.sqrt(x.size)
    angle = np.arctan2(y, x) / (2 * np.pi) + 0.5
    assert stats.kstest(angle, "uniform").pvalue > 1e-3
    # the tails hold what they should
    for limit in (3.0, 4.0):
        expected = 2 * stats.norm.sf(limit) * 2 * x.size
        found = np.sum(np.abs(x) > limit) + np.sum(np.abs(y) > limit)
        assert abs(found - expected) < 5 * np.sqrt(expected)


def test_normal_distribution_single_precision(lib: Library) -> None:
    x, y = lib.normalf(500_000)
    for z in (x, y):
        assert stats.kstest(z.astype(float), "norm").pvalue > 1e-3
    assert abs(np.corrcoef(x, y)[0, 1]) < 5 / np.sqrt(x.size)


def test_normal_is_box_muller(lib: Library) -> None:
    words = lib.bits(10_000, stream=1).astype(np.uint64)

    def uniform(hi: np.ndarray, lo: np.ndarray) -> np.ndarray:
        return ((hi >> np.uint64(5)) * 2.0**26 + (lo >> np.uint64(6))) / 2.0**53

    radius = np.sqrt(-2 * np.log1p(-uniform(words[:, 0], words[:, 1])))
    angle = np.pi / 2 * (uniform(words[:, 2], words[:, 3]) - 0.5)
    flip = np.where(words[:, 2] & np.uint64(2), -1, 1)
    along, across = flip * radius * np.cos(angle), radius * np.sin(angle)
    swap = (words[:, 2] & np.uint64(1)).astype(bool)
    x, y = lib.normal(10_000)
    np.testing.assert_allclose(x, np.where(swap, across, along), rtol=2e-15, atol=1e-300)
    np.testing.assert_allclose(y, np.where(swap, along, across), rtol=2e-15, atol=1e-300)


def test_normal_edges(lib: Library) -> None:
    top = 0xFFFFFFFF
    assert np.all(lib.normal_of(0, 0, 0, 0) == 0)  # the radius of log(1)
    largest = np.hypot(*lib.normal_of(top, top, 0, 0))
    assert largest == pytest.approx(np.sqrt(2 * 53 * np.log(2)))
    for w in (0, 1, 2, 0x80000000, top):
        assert np.all(np.isfinite(lib.normal_of(w, w, w, w)))
        assert np.all(np.isfinite(lib.normalf_of(w, w)))
    assert np.hypot(*lib.normalf_of(0, 0)) == pytest.approx(np.sqrt(2 * 32 * np.log(2)), rel=1e-6)
    assert np.all(lib.normalf_of(top, 0) == 0)


def test_log(lib: Library) -> None:
    rng = np.random.default_rng(1)
    near_one = 1 - 2.0 ** -rng.uniform(1, 53, 2000)
    x = np.concatenate([2.0 ** rng.uniform(-1000, 1000, 2000), rng.random(2000), near_one, [1.0]])
    found = np.array([lib.c.log_of(value) for value in x])
    exact = np.log(x.astype(np.longdouble))
    assert np.max(np.abs((found - exact) / np.spacing(np.abs(np.log(x))))) < 2.5
    xf = x[(x > 1e-37) & (x < 1e38)].astype(np.float32)
    foundf = np.array([lib.c.logf_of(float(value)) for value in xf])
    exactf = np.log(xf.astype(float))
    unit = np.spacing(np.abs(exactf.astype(np.float32)))
    assert np.max(np.abs((foundf - exactf) / unit)) < 2.5


def test_neighbours_are_independent(lib: Library) -> None:
    n, steps = 2000, 200
    field = np.array([lib.uniform(n, step=step) for step in range(steps)])
    pairs = {
        "elements": (field[:, :-1], field[:, 1:]),
        "steps": (field[:-1], field[1:]),
        "diagonal": (field[:-1, :-1], field[1:, 1:]),
        "streams": (field, np.array([lib.uniform(n, step=s, stream=1) for s in range(steps)])),
        "blocks": (field, np.array([lib.uniform(n, step=s, block=1) for s in range(steps)])),
        "seeds": (field, np.array([lib.uniform(n, step=s, seed=SEED + 1) for s in range(steps)])),
    }
    for name, (first, second) in pairs.items():
        a, b = first.ravel(), second.ravel()
        assert abs(np.corrcoef(a, b)[0, 1]) < 5 / np.sqrt(a.size), name
        assert stats.kstest((a + b) % 1.0, "uniform").pvalue > 1e-3, name
    words = lib.bits(100_000).astype(float)
    correlations = np.corrcoef(words.T)[np.triu_indices(4, 1)]
    assert np.all(np.abs(correlations) < 5 / np.sqrt(len(words)))


def test_sequence(lib: Library) -> None:
    x = np.empty(50_000)
    lib.c.sequence(SEED, 3, 2, 9, x.size, x.ctypes.data)
    words = np.array([lib.bits(3, stream=3, step=9, block=block)[2] for block in range(4)])
    expected = [lib.c.uniform_of(int(w[k]), int(w[k + 1])) for w in words for k in (0, 2)]
    assert x[:8].tolist() == expected
    assert stats.kstest(x, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 5 / np.sqrt(x.size)
    assert np.unique(x).size == x.size


def chi_square(found: np.ndarray, distribution: stats.rv_discrete) -> float:
    """The p-value of integers against a frozen discrete distribution, bins of 20 or more."""
    low, high = (int(v) for v in distribution.ppf([1e-9, 1 - 1e-9]))
    width = max(1, (high - low) // 60)
    edges = np.arange(low, high + width + 1, width)
    cumulative = np.concatenate([[0.0], distribution.cdf(edges), [1.0]])
    expected = np.diff(cumulative) * found.size
    observed = np.bincount(np.searchsorted(edges, found, side="left"), minlength=expected.size)
    merged_expected, merged_observed = [0.0], [0.0]
    for e, o in zip(expected, observed, strict=True):
        if merged_expected[-1] >= 20:
            merged_expected.append(0.0)
            merged_observed.append(0.0)
        merged_expected[-1] += e
        merged_observed[-1] += o
    if merged_expected[-1] < 20 and len(merged_expected) > 1:
        last_expected, last_observed = merged_expected.pop(), merged_observed.pop()
        merged_expected[-1] += last_expected
        merged_observed[-1] += last_observed
    assert len(merged_expected) > 1
    return float(stats.chisquare(merged_observed, merged_expected).pvalue)


@pytest.mark.parametrize("lam", [0.01, 0.5, 3.0, 9.99, 10.0, 11.5, 30.0, 400.0, 1e5, 1e8])
def test_poisson_distribution(lib: Library, lam: float) -> None:
    assert chi_square(lib.poisson(lam, 300_000), stats.poisson(lam)) > 1e-3


def test_poisson_edges(lib: Library) -> None:
    for lam in (0.0, -1.0, float("nan")):
        assert np.all(lib.poisson(lam, 10) == 0)
    assert np.all(lib.poisson(1e300, 10) == 2**31 - 1)
    assert np.all(lib.poisson(float("inf"), 10) == 2**31 - 1)
    assert np.all(lib.poisson(5e-324, 1000) == 0)
    assert np.all(np.abs(lib.poisson(2.0e9, 100) - 2.0e9) < 6 * np.sqrt(2.0e9))


@pytest.mark.parametrize(
    "size, p",
    [
        (1, 0.5),
        (7, 0.3),
        (20, 0.5),
        (25, 0.5),
        (1000, 0.0099),
        (1000, 0.0101),
        (100, 0.3),
        (100, 0.93),
        (40, 0.75),
        (1000, 0.5),
        (1000, 0.999),
        (10**6, 1e-6),
        (10**9, 0.25),
    ],
)
def test_binomial_distribution(lib: Library, size: int, p: float) -> None:
    found = lib.binomial(size, p, 300_000)
    assert found.min() >= 0
    assert found.max() <= size
    assert chi_square(found, stats.binom(size, p)) > 1e-3


def test_binomial_edges(lib: Library) -> None:
    assert np.all(lib.binomial(0, 0.5, 10) == 0)
    assert np.all(lib.binomial(-3, 0.5, 10) == 0)
    for p in (0.0, -0.1, float("nan")):
        assert np.all(lib.binomial(100, p, 10) == 0)
    for p in (1.0, 1.5):
        assert np.all(lib.binomial(100, p, 10) == 100)
    assert np.all(lib.binomial(10**15, 1e-300, 10) == 0)
    assert np.all(lib.binomial(5, np.nextafter(1.0, 0.0), 10) == 5)


def test_stirling_tail(lib: Library) -> None:
    special = pytest.importorskip("scipy.special")
    for k in (*range(30), 100, 1000):
        series = (k + 0.5) * np.log(k + 1) - (k + 1) + 0.5 * np.log(2 * np.pi)
        exact = special.gammaln(k + 1) - series
        assert lib.c.stirling_tail(float(k)) == pytest.approx(exact, abs=2e-12)


def test_vector_and_scalar_code_agree_bit_by_bit(
    lib: Library, tmp_path: Path, native: list[str]
) -> None:
    flags = ["-O1", "-fno-math-errno", "-Wno-unknown-pragmas", *native]
    scalar = Library(compile_source(tmp_path, "scalar", flags)[0])
    n = 100_003  # not a multiple of any vector length
    for a, b in zip(lib.normal(n), scalar.normal(n), strict=True):
        assert np.array_equal(a.view(np.uint64), b.view(np.uint64))
    for a, b in zip(lib.normalf(n), scalar.normalf(n), strict=True):
        assert np.array_equal(a.view(np.uint32), b.view(np.uint32))
    assert np.array_equal(lib.uniform(n), scalar.uniform(n))
    first = np.empty(n)
    lib.c.normal_first(SEED, 1, 0, 0, n, first.ctypes.data)
    assert np.array_equal(first, scalar.normal(n)[0])
    assert np.array_equal(lib.normal(1000)[0], first[:1000])


# Instructions on packed words that only vector code has, by function.
PACKED = {
    "uniform": ["cvtdq2pd", "psrlq"],
    "uniformf": ["cvtdq2ps", "psrlq"],
    "normal": ["divpd", "sqrtpd"],
    "normal_first": ["divpd", "sqrtpd"],
    "normalf": ["divps", "sqrtps"],
}


@pytest.mark.parametrize("target", ["native", "x86-64-v3", "x86-64"])
def test_loops_vectorise(tmp_path: Path, target: str) -> None:
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("reads x86-64 assembly")
    flags = [*SIMD_FLAGS, f"-march={target}"]
    if run_tool([str(CC), *flags, "-x", "c", "-fsyntax-only", "-"]).returncode:
        pytest.skip(f"the compiler does not know {target}")
    source = tmp_path / "functions.c"
    source.write_text(SOURCE)
    done = run_tool([str(CC), *flags, f"-I{INCLUDE}", "-S", "-o", "-", str(source)])
    assert done.returncode == 0, done.stderr
    for name, instructions in PACKED.items():
        body = re.search(
            rf"^{name}:$(.*?)^\s*\.size\s+{name},", done.stdout, re.MULTILINE | re.DOTALL
        )
        assert body, name
        for instruction in instructions:
            assert re.search(rf"\bv?{instruction}\b", body[1]), (name, instruction)
        assert not re.search(r"\b(call|jmp)\s+\S*(sqrt|fma|log|sin|cos)", body[1]), name


@pytest.mark.skipif(CXX is None, reason="no C++ compiler")
def test_header_is_valid_cxx(tmp_path: Path) -> None:
    source = tmp_path / "functions.cpp"
    source.write_text(SOURCE)
    command = [str(CXX), "-std=c++17", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    command += ["-fopenmp-simd"]
    command += [f"-I{INCLUDE}", "-c", str(source), "-o", str(tmp_path / "functions.o")]
    done = run_tool(command)
    assert done.returncode == 0, done.stderr


def test_header_is_strict_c99(tmp_path: Path) -> None:
    source = tmp_path / "functions.c"
    source.write_text(SOURCE)
    command = [str(CC), "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
    command += ["-fopenmp-simd"]
    command += [f"-I{INCLUDE}", "-c", str(source), "-o", str(tmp_path / "functions.o")]
    done = run_tool(command)
    assert done.returncode == 0, done.stderr
