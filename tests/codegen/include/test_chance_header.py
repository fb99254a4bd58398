"""Whether random numbers are below others: the headers, compiled on their own, and what draws."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess

import numpy as np
import pytest
from brian2 import (
    NeuronGroup,
    PoissonGroup,
    SpikeMonitor,
    StateMonitor,
    ms,
    run,
    seed,
    set_device,
)
from brian2.core.preferences import prefs

from tests import devices
from tests.interpreter.values import below
from tests.paths import ROOT

stats = pytest.importorskip("scipy.stats")

INCLUDE = ROOT / "src" / "brian2genn" / "codegen" / "include"
CC = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
#: A sanitizer's, under `make test-sanitize`.
MORE_FLAGS = os.environ.get("BRIAN2GENN_CFLAGS", "").split()

needs_compiler = pytest.mark.skipif(CC is None, reason="no C compiler")

SOURCE = r"""
#include "brian2genn_math.h"
#include "brian2genn_numbers.h"

void many(const double *p, int64_t start, int64_t n, uint64_t seed, uint64_t step, uint8_t *values)
{
    double limit[B2G_CHUNK];
    uint8_t some[B2G_CHUNK];
    for (int64_t first = 0; first < n; first += B2G_CHUNK) {
        const int64_t end = first + B2G_CHUNK < n ? first + B2G_CHUNK : n;
        for (int64_t k = first; k < end; k++)
            limit[k - first] = p[k];
        b2g_fill_below(limit, seed, 4, start + first, start + end, step, 2, some);
        for (int64_t k = first; k < end; k++)
            values[k] = some[k - first];
    }
}

void one_by_one(const double *p, int64_t start, int64_t n, uint64_t seed, uint64_t step,
                uint8_t *values)
{
    for (int64_t k = 0; k < n; k++)
        values[k] = b2g_below(p[k], seed, 4, (uint32_t)(start + k), step, 2);
}

int32_t begins(double p, uint32_t digits, uint32_t element)
{
    return b2g_begins_below(p, digits, 99, 4, element, 7, 2);
}
"""

LEVELS = {"native": ["-march=native"], "least": [], "other": []}

#: Headers that know other compilers, and the name of one that has no vectors like gcc's.
OTHER = """
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#define __clang__ 1
"""


@pytest.fixture(scope="module", params=list(LEVELS))
def library(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(f"chance_{request.param}")
    source = OTHER + SOURCE if request.param == "other" else SOURCE
    (folder / "chance.c").write_text(source)
    flags = ["-O3", "-fno-math-errno", "-fopenmp-simd", "-Wall", "-shared", "-fPIC"]
    flags += [*LEVELS[request.param], *MORE_FLAGS, f"-I{INCLUDE}"]
    subprocess.run([CC, *flags, "chance.c", "-o", "chance.so", "-lm"], cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "chance.so"))
    library.begins.argtypes = [ctypes.c_double, ctypes.c_uint32, ctypes.c_uint32]
    return library


def drawn(function, p, step=0, start=0, key=12345):
    p = np.ascontiguousarray(p, dtype=np.float64)
    values = np.full(p.size, 77, dtype=np.uint8)
    function(
        p.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(start), ctypes.c_int64(p.size),
        ctypes.c_uint64(key), ctypes.c_uint64(step), values.ctypes.data_as(ctypes.c_void_p),
    )  # fmt: skip
    assert set(values) <= {0, 1}
    return values.astype(bool)


def _limits(n):
    """Probabilities of all sizes, and what is none."""
    random = np.random.default_rng(5)
    p = np.exp(random.uniform(-14, 0.5, n))
    p[::3] = random.random(p[::3].size)
    p[4::97], p[5::97], p[6::97], p[7::97] = 0, np.nan, 1, np.inf
    p[8::97], p[9::97], p[10::97] = -1, -np.inf, 1 - 2**-53
    return p


@needs_compiler
def test_many_at_once_are_each_alone(library):
    p = _limits(5000)
    for start in (0, 64, 4, 1000):
        together = drawn(library.many, p, start=start)
        np.testing.assert_array_equal(together, drawn(library.one_by_one, p, start=start))
        assert not together[4::97].any() and not together[5::97].any()
        assert together[6::97].all() and together[7::97].all() and together[10::97].all()
        assert not together[8::97].any() and not together[9::97].any()
    for n in (1, 7, 8, 9, 63, 64, 65, 511, 512, 513):
        np.testing.assert_array_equal(drawn(library.many, p[:n]), drawn(library.one_by_one, p[:n]))
    # few in a group, where it is found out first that there is none
    few = np.full(200_000, 2e-4)
    few[::1000] = 0.3
    np.testing.assert_array_equal(drawn(library.many, few), drawn(library.one_by_one, few))


@needs_compiler
def test_where_sixteen_digits_do_not_tell(library):
    """Limits just beside the digits that an element has: the next digits decide."""
    elements = np.arange(20_000)
    # the digits, found by halving
    low, high = np.zeros(elements.size), np.ones(elements.size)
    for _ in range(16):
        middle = (low + high) / 2
        under = drawn(library.one_by_one, middle)
        low, high = np.where(under, low, middle), np.where(under, middle, high)
    for share in (0.001, 0.5, 0.9):
        p = low + share / 65536
        values = drawn(library.many, p)
        np.testing.assert_array_equal(values, drawn(library.one_by_one, p))
        np.testing.assert_array_equal(values, below(elements, p, 0, 2, 4, 12345))
        assert abs(values.mean() - share) < 5 * np.sqrt(share / elements.size)
    assert not drawn(library.many, low).any() and drawn(library.many, high).all()


@needs_compiler
@pytest.mark.parametrize("p", [1e-9, 1e-6, 2e-5, 0.0015, 0.1, 0.5, 0.9, 1 - 1e-6])
def test_probability(library, p):
    n, steps = 200_001, 20
    hits = [drawn(library.many, np.full(n, p), step) for step in range(steps)]
    total = int(np.sum(hits))
    assert 1e-5 < stats.binom(n * steps, p).cdf(total) <= 1
    assert stats.binom(n * steps, p).sf(total - 1) > 1e-5
    if p in (0.1, 0.5):  # neighbours, and steps, know nothing of each other
        times = np.array(hits)
        for one, other in ((times[:, 1:], times[:, :-1]), (times[1:], times[:-1])):
            both = (one & other).mean()
            assert abs(both - p * p) < 6 * np.sqrt(p * p / one.size)


@needs_compiler
def test_interpreter_draws_the_same(library):
    p = _limits(3000)
    found = below(np.arange(3000), p, 17, 2, 4, 12345)
    np.testing.assert_array_equal(found, drawn(library.many, p, step=17))


def _network(threads):
    prefs.devices.genn.cpu_threads = threads
    set_device("genn")
    seed(3)
    group = NeuronGroup(
        1500,
        """p : 1
           n : integer
           m : integer
           x : 1
           y : 1""",
        threshold="rand() < p*0.3",
    )
    group.p = "i/(N - 1.0)"
    group.run_regularly("n = int(rand() < p); m = int(p >= rand()); x = rand(); y = x*int(x < p)")
    states = StateMonitor(group, ["n", "m", "x", "y"], record=True)
    inputs = PoissonGroup(1000, rates="2*i*Hz")
    spikes, counts = SpikeMonitor(group), SpikeMonitor(inputs, record=False)
    run(20 * ms)
    prefs.devices.genn.cpu_threads = None
    values = [np.array(getattr(states, name)[:]) for name in ("n", "m", "x", "y")]
    return np.array(group.p[:]), [*values, np.array(spikes.count[:]), np.array(counts.count[:])]


def test_chances_of_a_network(monkeypatch):
    p, (n, m, x, y, spikes, counts) = _network(1)
    steps = n.shape[1]
    for values in (n, m, y > 0):
        assert np.abs(values.mean(axis=1) - p).max() < 6 * np.sqrt(0.25 / steps)
        assert abs(values.mean() - 0.5) < 0.01
    assert (n != m).any()
    np.testing.assert_array_equal(y, np.where(x < p[:, np.newaxis], x, 0))
    assert abs(spikes.sum() / (steps * p.sum() * 0.3) - 1) < 0.05
    expected = steps * 2e-4 * np.arange(1000)
    assert abs(counts.sum() / expected.sum() - 1) < 0.05
    if devices.BACKEND == "cpu":
        devices.set_defaults(monkeypatch, processor=devices.processor(share_always=True))
    for one, other in zip((n, m, x, y, spikes, counts), _network(3)[1], strict=True):
        np.testing.assert_array_equal(one, other)
