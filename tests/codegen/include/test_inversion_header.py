"""Poisson numbers whose means change: the headers, compiled on their own, and what draws them."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess

import numpy as np
import pytest
from brian2 import NeuronGroup, StateMonitor, ms, run, seed, set_device
from brian2.core.preferences import prefs

from tests import devices
from tests.paths import ROOT

stats = pytest.importorskip("scipy.stats")

INCLUDE = ROOT / "src" / "brian2genn" / "codegen" / "include"
CC = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
#: A sanitizer's, under `make test-sanitize`.
MORE_FLAGS = os.environ.get("BRIAN2GENN_CFLAGS", "").split()
CHUNK = 512

needs_compiler = pytest.mark.skipif(CC is None, reason="no C compiler")

SOURCE = r"""
#include "brian2genn_math.h"
#include "brian2genn_numbers.h"

int32_t inverted(double lambda, double u) { return b2g_invert_poisson(lambda, u); }

void many(const double *lambda, int64_t n, uint64_t seed, uint64_t step, int32_t *values)
{
    double mean[B2G_CHUNK];
    int32_t some[B2G_CHUNK];
    for (int64_t first = 0; first < n; first += B2G_CHUNK) {
        const int64_t end = first + B2G_CHUNK < n ? first + B2G_CHUNK : n;
        for (int64_t k = first; k < end; k++)
            mean[k - first] = lambda[k];
        b2g_fill_poisson_by(mean, seed, 4, first, end, step, 2, 5, some);
        for (int64_t k = first; k < end; k++)
            values[k] = some[k - first];
    }
}

void one_by_one(const double *lambda, int64_t n, uint64_t seed, uint64_t step, int32_t *values)
{
    for (int64_t k = 0; k < n; k++)
        values[k] = b2g_poisson_by(lambda[k], b2g_rand(seed, 4, (uint32_t)k, step, 2), seed, 5,
                                   (uint32_t)k, step);
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inversion")
    (folder / "inversion.c").write_text(SOURCE)
    flags = ["-O3", "-fno-math-errno", "-fopenmp-simd", "-Wall", "-shared", "-fPIC"]
    command = [CC, *flags, *MORE_FLAGS, f"-I{INCLUDE}", "inversion.c", "-o", "inversion.so", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "inversion.so"))
    library.inverted.argtypes = [ctypes.c_double, ctypes.c_double]
    library.inverted.restype = ctypes.c_int32
    return library


def drawn(function, means, step=0, key=12345):
    means = np.ascontiguousarray(means, dtype=np.float64)
    values = np.full(means.size, -77, dtype=np.int32)
    function(
        means.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(means.size), ctypes.c_uint64(key),
        ctypes.c_uint64(step), values.ctypes.data_as(ctypes.c_void_p),
    )  # fmt: skip
    return values


def agree(values, distribution):
    """A chi-squared test, with bins of at least ten expected values into the tails."""
    edges = np.unique(distribution.ppf(np.linspace(0, 1, 60)[1:-1]))
    far = distribution.isf(10.0 / values.size)
    edges = np.unique(np.concatenate((edges, np.arange(edges[-1], far))))
    bins = np.searchsorted(edges, values)
    expected = np.diff(np.concatenate(([0], distribution.cdf(edges), [1]))) * values.size
    found = np.bincount(bins, minlength=expected.size).astype(float)
    kept = expected > 5
    if not kept.all():
        found = np.append(found[kept], found[~kept].sum())
        expected = np.append(expected[kept], expected[~kept].sum())
        if expected[-1] == 0:
            assert found[-1] == 0
            found, expected = found[:-1], expected[:-1]
    if expected.size > 1:
        assert stats.chisquare(found, expected * found.sum() / expected.sum()).pvalue > 1e-4


@needs_compiler
@pytest.mark.parametrize("mean", [1e-6, 0.003, 0.2, 1.0, 3.7, 12.0, 40.0, 63.99, 64.0, 64.01, 900])
def test_distribution(library, mean):
    values = np.concatenate([drawn(library.many, np.full(200_001, mean), k) for k in range(5)])
    agree(values, stats.poisson(mean))


@needs_compiler
def test_means_of_all_sizes_beside_each_other(library):
    """What an element draws does not depend on its neighbours."""
    random = np.random.default_rng(2)
    means = np.exp(random.uniform(-9, 5, 4099))
    means[::97] = 0
    means[5::97] = -1
    means[7::97] = np.nan
    together = drawn(library.many, means)
    assert (together[::97] == 0).all() and (together[5::97] == 0).all()
    assert (together[7::97] == 0).all()
    np.testing.assert_array_equal(together, drawn(library.one_by_one, means))
    for n in (1, 15, 16, 17, 511, 512, 513):
        np.testing.assert_array_equal(drawn(library.many, means[:n]), together[:n])
    assert np.abs((together - means)[means > 0].mean()) < 0.5


@needs_compiler
@pytest.mark.parametrize("mean", [1e-300, 0.01, 1.0, 30.0, 64.0])
def test_uniform_numbers_at_the_ends(library, mean):
    assert library.inverted(mean, 0.0) == 0
    # further than sums of probabilities reach, by rounding
    last = library.inverted(mean, 1 - 2**-53)
    assert last <= 22 + mean + 10 * np.sqrt(mean)
    assert last >= stats.poisson(mean).isf(1e-14) - 1


@needs_compiler
def test_inversion(library):
    for mean in (0.3, 2.5, 20.0):
        us = np.random.default_rng(4).random(2000)
        found = [library.inverted(mean, u) for u in us]
        np.testing.assert_array_equal(found, stats.poisson(mean).ppf(us))


def _walk(threads):
    prefs.devices.genn.cpu_threads = threads
    set_device("genn")
    seed(3)
    group = NeuronGroup(
        1500,
        """rate : 1
           n : integer
           x : 1
           dy/dt = 0.1*poisson(rate*(1 + sin(t/ms)))/ms - y/ms : 1""",
        method="euler",
    )
    group.rate = "exp(7.0*i/N - 3)"
    group.run_regularly("n = poisson(rate)*(i % 2); n += poisson(rand()*rate); x = rand()")
    states = StateMonitor(group, ["n", "x", "y"], record=True)
    run(2 * ms)
    prefs.devices.genn.cpu_threads = None
    return np.array(group.rate[:]), np.array(states.n[:]), np.array(states.x[:]), states.y[:]


@pytest.mark.skipif(devices.BACKEND != "cpu", reason="about the processor")
def test_numbers_of_a_network(monkeypatch):
    rate, n, x, y = _walk(1)
    times = n.shape[1] * n.shape[0] / 20
    for part in range(20):
        some = slice(part * 75, (part + 1) * 75)
        mean = (rate[some] * (np.arange(1500)[some] % 2) + rate[some] / 2).mean()
        spread = np.sqrt((1.5 * rate[some] + rate[some] ** 2 / 3).mean() / times)
        assert abs(n[some, 1:].mean() - mean) < 6 * spread
    assert abs(x[:, 1:].mean() - 0.5) < 0.01
    devices.set_defaults(monkeypatch, processor=devices.processor(share_always=True))
    for one, other in zip((n, x, y), _walk(3)[1:], strict=True):
        np.testing.assert_array_equal(one, other)
