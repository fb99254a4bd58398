"""Random numbers of neighbouring elements, made together by loops and one by one."""

from __future__ import annotations

import ctypes
import platform
import re
from ctypes import c_int64, c_uint32, c_uint64, c_void_p
from pathlib import Path

import numpy as np
import pytest

from tests.codegen.include.test_random_header import (
    CC,
    CXX,
    INCLUDE,
    MORE_FLAGS,
    SEED,
    SIMD_FLAGS,
    run_tool,
    stats,
    supports_native,
)

pytestmark = pytest.mark.skipif(CC is None, reason="no C compiler")

SOURCE = r"""
#include "brian2genn_numbers.h"

void bits(uint64_t seed, uint32_t stream, uint32_t element, uint64_t step, uint32_t block,
          uint32_t *w)
{
    b2g_random_bits(seed, stream, element, step, block, w, w + 1, w + 2, w + 3);
}
double uniform_of(uint32_t hi, uint32_t lo) { return b2g_uniform(hi, lo); }
float uniformf_of(uint32_t w) { return b2g_uniformf(w); }
void normal_of(const uint32_t *w, double *z) { b2g_normal_pair(w[0], w[1], w[2], w[3], z, z + 1); }
void normalf_of(const uint32_t *w, float *z) { b2g_normal_pairf(w[0], w[1], z, z + 1); }

#define BOTH_WAYS(draw, type)                                                                  \
    void fill_##draw(uint64_t seed, uint32_t stream, int64_t first, int64_t end, uint64_t step, \
                     uint32_t block, type *x)                                                  \
    {                                                                                          \
        b2g_fill_##draw(seed, stream, first, end, step, block, x);                             \
    }                                                                                          \
    void each_##draw(uint64_t seed, uint32_t stream, int64_t first, int64_t end, uint64_t step, \
                     uint32_t block, type *x)                                                  \
    {                                                                                          \
        for (int64_t e = first; e < end; e++)                                                  \
            x[e - first] = b2g_##draw(seed, stream, (uint32_t)e, step, block);                 \
    }                                                                                          \
    void at_##draw(uint64_t seed, uint32_t stream, const int32_t *elements, int64_t n,         \
                   uint64_t step, uint32_t block, type *x)                                     \
    {                                                                                          \
        b2g_##draw##_at(seed, stream, elements, n, step, block, x);                            \
    }
BOTH_WAYS(rand, double)
BOTH_WAYS(randf, float)
BOTH_WAYS(randn, double)
BOTH_WAYS(randnf, float)
"""

DRAWS = {"rand": np.float64, "randf": np.float32, "randn": np.float64, "randnf": np.float32}

#: B2G_CHUNK.
CHUNK = 512


class Library:
    """The compiled functions."""

    def __init__(self, path: Path) -> None:
        self.c = ctypes.CDLL(str(path))
        self.c.uniform_of.restype = ctypes.c_double
        self.c.uniformf_of.restype = ctypes.c_float

    def draw(
        self, function: str, first: int, end: int, step: int = 5, stream: int = 2, block: int = 3
    ) -> np.ndarray:
        """The numbers of elements `first` to `end`."""
        x = np.full(CHUNK, np.nan, DRAWS[function.split("_")[1]])
        call = getattr(self.c, function)
        call.argtypes = [c_uint64, c_uint32, c_int64, c_int64, c_uint64, c_uint32, c_void_p]
        call.restype = None
        call(SEED, stream, first, end, step, block, x.ctypes.data)
        return x[: end - first]

    def draw_at(
        self, function: str, elements: np.ndarray, step: int, stream: int = 2, block: int = 3
    ) -> np.ndarray:
        """The numbers of listed elements, whole vectors of them."""
        x = np.full(len(elements), np.nan, DRAWS[function])
        call = getattr(self.c, f"at_{function}")
        call.argtypes = [c_uint64, c_uint32, c_void_p, c_int64, c_uint64, c_uint32, c_void_p]
        call.restype = None
        call(SEED, stream, elements.ctypes.data, len(elements), step, block, x.ctypes.data)
        return x

    def bits(self, element: int) -> np.ndarray:
        """The words of the block that `draw` takes, too."""
        words = np.empty(4, np.uint32)
        self.c.bits.argtypes = [c_uint64, c_uint32, c_uint32, c_uint64, c_uint32, c_void_p]
        self.c.bits(SEED, 2, element, 5, 3, words.ctypes.data)
        return words


def compiled(directory: Path, flags: list[str]) -> Path:
    source, library = directory / "numbers.c", directory / "numbers.so"
    source.write_text(SOURCE)
    command = [str(CC), "-std=gnu11", "-Wall", "-Wextra", "-Werror", *SIMD_FLAGS, *flags]
    command += [*MORE_FLAGS, f"-I{INCLUDE}", "-fPIC", "-shared", str(source)]
    done = run_tool([*command, "-o", str(library), "-lm"])
    assert done.returncode == 0, done.stderr
    return library


def has_avx2() -> bool:
    try:
        return "avx2" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


@pytest.fixture(scope="module")
def lib(tmp_path_factory: pytest.TempPathFactory) -> Library:
    flags = ["-march=native"] if supports_native() else []
    return Library(compiled(tmp_path_factory.mktemp("numbers"), flags))


BUILDS = {
    "native": ["-march=native"],
    "256 bits": ["-march=x86-64-v3"],
    "128 bits": ["-march=x86-64"],
    # what compilers other than gcc and processors other than x86-64 get
    "portable": ["-D__clang__"],
}


@pytest.mark.parametrize("build", BUILDS)
def test_together_and_one_by_one_agree_bit_by_bit(tmp_path: Path, build: str) -> None:
    flags = BUILDS[build]
    if run_tool([str(CC), *flags, "-x", "c", "-fsyntax-only", "-"]).returncode:
        pytest.skip(f"the compiler does not know {flags}")
    if "v3" in flags[0] and not has_avx2():
        pytest.skip("the processor has no AVX2")
    library = Library(compiled(tmp_path, flags))
    ranges = [(0, n) for n in (1, 2, 3, 4, 5, 7, 8, 9, 16, 33, CHUNK - 1, CHUNK)]
    ranges += [(4, 5), (CHUNK, CHUNK + 3), (8 * CHUNK + 4, 9 * CHUNK), (2**31 - 4, 2**31 - 1)]
    for draw in DRAWS:
        for first, end in ranges:
            for step in (0, 0x0000ABCD12345678):
                together = library.draw(f"fill_{draw}", first, end, step)
                one_by_one = library.draw(f"each_{draw}", first, end, step)
                assert together.tobytes() == one_by_one.tobytes(), (draw, first, end)
        for n in (16, 48, CHUNK):
            elements = (np.arange(n, dtype=np.int64) * 2654435761 % 2**31).astype(np.int32)
            listed = library.draw_at(draw, elements, 0x0000ABCD12345678)
            single = [
                library.draw(f"each_{draw}", int(e), int(e) + 1, 0x0000ABCD12345678)
                for e in elements
            ]
            assert listed.tobytes() == np.concatenate(single).tobytes(), (draw, n)


def test_neighbours_share_a_block(lib: Library) -> None:
    """Two in double precision, four in single; nothing of the block is left."""
    words, z, zf = lib.bits(7), np.empty(4), np.empty(4, np.float32)
    lib.c.normal_of(c_void_p(words.ctypes.data), c_void_p(z.ctypes.data))
    for half in (0, 8):
        lib.c.normalf_of(c_void_p(words.ctypes.data + half), c_void_p(zf.ctypes.data + half))
    w = [c_uint32(int(word)) for word in words]
    pairs = [lib.c.uniform_of(w[0], w[1]), lib.c.uniform_of(w[2], w[3])]
    assert lib.draw("each_rand", 14, 16).tolist() == pairs
    assert lib.draw("each_randf", 28, 32).tolist() == [lib.c.uniformf_of(word) for word in w]
    assert lib.draw("each_randn", 14, 16).tolist() == z[:2].tolist()
    assert lib.draw("each_randnf", 28, 32).tolist() == zf.tolist()


def test_neighbours_are_independent(lib: Library) -> None:
    """Whether they share a block or not, in each kind of number."""
    for draw in DRAWS:
        field = np.array([lib.draw(f"fill_{draw}", 0, CHUNK, step) for step in range(400)], float)
        distribution = "norm" if "n" in draw[4:] else "uniform"
        assert stats.kstest(field.ravel(), distribution).pvalue > 1e-3, draw
        for distance in range(1, 5):
            for place in range(4):
                a = field[:, place:-distance:4].ravel()
                b = field[:, place + distance :: 4].ravel()[: a.size]
                a = a.reshape(400, -1)[:, : b.size // 400].ravel()
                found = np.corrcoef(a, b)[0, 1] * np.sqrt(a.size)
                assert abs(found) < 4.5, (draw, distance, place)
                squares = np.corrcoef(a**2, b**2)[0, 1] * np.sqrt(a.size)
                assert abs(squares) < 4.5, (draw, distance, place)


@pytest.mark.parametrize("target", ["native", "x86-64-v3", "x86-64"])
def test_loops_vectorise(tmp_path: Path, target: str) -> None:
    """The product is one instruction on vectors, and so are conversions and roots."""
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("reads x86-64 assembly")
    flags = [*SIMD_FLAGS, f"-march={target}"]
    if run_tool([str(CC), *flags, "-x", "c", "-fsyntax-only", "-"]).returncode:
        pytest.skip(f"the compiler does not know {target}")
    source = tmp_path / "numbers.c"
    source.write_text(SOURCE)
    # each of the header's functions by itself
    done = run_tool([str(CC), *flags, "-fno-inline", f"-I{INCLUDE}", "-S", "-o", "-", str(source)])
    assert done.returncode == 0, done.stderr
    packed = {
        "blocks": ["pmuludq"],
        "blocks_at": ["pmuludq"],
        "fill_rand": ["cvtdq2pd"],
        "fill_randf": ["cvtdq2ps"],
        "fill_randn": ["divpd", "sqrtpd"],
        "fill_randnf": ["divps", "sqrtps"],
    }
    for name, instructions in packed.items():
        body = re.search(
            rf"^b2g_{name}:$(.*?)^\s*\.size\s+b2g_{name},", done.stdout, re.MULTILINE | re.DOTALL
        )
        assert body, name
        for instruction in instructions:
            assert re.search(rf"\bv?{instruction}\b", body[1]), (name, instruction)
        assert "vpmullq" not in body[1], name
        assert not re.search(r"\b(call|jmp)\s+\S*(sqrt|fma|log|sin|cos)", body[1]), name


@pytest.mark.parametrize("standard", ["c99", "c11", "c++17"])
def test_header_is_strict(tmp_path: Path, standard: str) -> None:
    compiler, kind = (CXX, "c++") if "+" in standard else (CC, "c")
    if compiler is None:
        pytest.skip("no C++ compiler")
    command = [compiler, f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion"]
    command += ["-Werror", "-fopenmp-simd", f"-I{INCLUDE}", "-fsyntax-only", "-x", kind, "-"]
    done = run_tool(command, SOURCE)
    assert done.returncode == 0, done.stderr
