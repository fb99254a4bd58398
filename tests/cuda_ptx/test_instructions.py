"""Every instruction that is translated, against results that follow from the PTX ISA."""
# ruff: noqa: E501 (a table)

import ctypes
import math
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from brian2genn.backends.cuda.device.driver import Launch
from emulation.driver import compile_library
from emulation.ptx import driver as ptx_driver
from emulation.ptx.parse import UnknownPtx
from emulation.ptx.translate import translate

NAN, INF = math.nan, math.inf
_FORMATS = {"f64": "<d", "f32": "<f", **{f"{k}{8 * n}": f"<{c}" for k, cs in {
    "u": "BHIQ", "b": "BHIQ", "s": "bhiq"}.items() for n, c in zip((1, 2, 4, 8), cs, strict=True)}}  # fmt: skip
MAX64, MIN64 = 2**63 - 1, -(2**63)
TINY = 1e-310  # a subnormal double
SMALL = 1e-40  # a subnormal float


@dataclass(frozen=True)
class Case:
    """One instruction: types and values of its operands, and what it must give."""

    opcode: str
    operands: str
    values: tuple[Any, ...]
    result: str
    expected: Any
    extra: str = field(default="")

    def __str__(self) -> str:
        return f"{self.opcode} {self.values}"


def cases(opcode: str, operands: str, result: str, *table: tuple, extra: str = "") -> list[Case]:
    return [Case(opcode, operands, row[:-1], result, row[-1], extra) for row in table]


CASES = [
    # integers
    *cases("add.s32", "s32 s32", "s32", (2**31 - 1, 1, -(2**31)), (-5, 3, -2)),
    *cases("sub.s64", "s64 s64", "s64", (MIN64, 1, MAX64)),
    *cases("mul.lo.s32", "s32 s32", "s32", (65536, 65536, 0), (-3, 7, -21)),
    *cases("mul.lo.s64", "s64 s64", "s64", (2**40, 2**30, 0), (-3, 2**40, -3 * 2**40)),
    *cases("mul.hi.u32", "u32 u32", "u32", (2**32 - 1, 2**32 - 1, 2**32 - 2)),
    *cases("mul.hi.s32", "s32 s32", "s32", (-1, 1, -1), (-(2**31), -(2**31), 2**30)),
    *cases("mul.hi.u64", "u64 u64", "u64", (2**64 - 1, 2**64 - 1, 2**64 - 2)),
    *cases("mul.hi.s64", "s64 s64", "s64", (MIN64, 2, -1)),
    *cases("mul.wide.s32", "s32 s32", "s64", (-3, 2**30, -3 * 2**30)),
    *cases("mul.wide.u32", "u32 u32", "u64", (2**32 - 1, 2**32 - 1, (2**32 - 1) ** 2)),
    *cases("mad.lo.s32", "s32 s32 s32", "s32", (-3, 7, 1, -20)),
    *cases("mad.wide.s32", "s32 s32 s64", "s64", (-3, 7, 2**40, 2**40 - 21)),
    *cases("div.s32", "s32 s32", "s32", (-7, 2, -3), (-(2**31), -1, -(2**31))),
    *cases("div.u64", "u64 u64", "u64", (2**64 - 1, 2, MAX64)),
    *cases("rem.s32", "s32 s32", "s32", (-7, 2, -1), (7, -2, 1), (-(2**31), -1, 0)),
    *cases("rem.u32", "u32 u32", "u32", (2**32 - 1, 10, 5)),
    *cases("abs.s32", "s32", "s32", (-5, 5), (-(2**31), -(2**31))),
    *cases("neg.s64", "s64", "s64", (5, -5), (MIN64, MIN64)),
    *cases("min.s64", "s64 s64", "s64", (-1, 1, -1)),
    *cases("max.u32", "u32 u32", "u32", (2**32 - 1, 1, 2**32 - 1)),
    # bits
    *cases("and.b32", "b32 b32", "b32", (0b1100, 0b1010, 0b1000)),
    *cases("or.b64", "b64 b64", "b64", (1 << 63, 1, (1 << 63) | 1)),
    *cases("xor.b32", "b32 b32", "b32", (0b1100, 0b1010, 0b0110)),
    *cases("not.b32", "b32", "b32", (0, 2**32 - 1)),
    *cases("shl.b32", "b32 u32", "b32", (1, 31, 1 << 31), (1, 32, 0), (1, 2**32 - 1, 0)),
    *cases("shl.b64", "b64 u32", "b64", (3, 63, 1 << 63), (1, 64, 0)),
    *cases("shr.u32", "u32 u32", "u32", (1 << 31, 31, 1), (1 << 31, 32, 0)),
    *cases("shr.s32", "s32 u32", "s32", (-8, 1, -4), (-8, 40, -1), (8, 40, 0)),
    *cases("shr.s64", "s64 u32", "s64", (MIN64, 63, -1), (MIN64, 64, -1)),
    *cases("shf.l.wrap.b32", "b32 b32 u32", "b32", (0x80000000, 1, 1, 3), (1, 2, 32, 2)),
    *cases("shf.r.clamp.b32", "b32 b32 u32", "b32", (0, 1, 1, 0x80000000), (7, 5, 40, 5)),
    *cases("popc.b32", "b32", "u32", (2**32 - 1, 32), (0, 0)),
    *cases("popc.b64", "b64", "u32", (2**64 - 1, 64)),
    *cases("clz.b32", "b32", "u32", (0, 32), (1, 31), (2**31, 0)),
    *cases("clz.b64", "b64", "u32", (0, 64), (1, 63)),
    *cases("brev.b32", "b32", "b32", (1, 1 << 31), (0x0000F000, 0x000F0000)),
    *cases("bfe.u32", "u32 u32 u32", "u32", (0xABCD1234, 8, 8, 0x12), (0xFF, 4, 0, 0), (7, 40, 3, 0),
           (0xF0000000, 28, 32, 0xF)),
    *cases("bfe.s32", "s32 u32 u32", "s32", (0xF00, 8, 4, -1), (0x700, 8, 4, 7), (-1, 30, 8, -1)),
    *cases("bfi.b32", "b32 b32 u32 u32", "b32", (0xF, 0, 4, 4, 0xF0), (0xF, 7, 40, 4, 7)),
    *cases("bfi.b64", "b64 b64 u32 u32", "b64", (1, 2**64 - 1, 63, 1, 2**64 - 1), (0, 2**64 - 1, 32, 64, 2**32 - 1)),
    *cases("lop3.b32", "b32 b32 b32", "b32", (0b1100, 0b1010, 0b1111, 0b1111 ^ 0b1100 ^ 0b1010), extra="0x96"),
    *cases("prmt.b32", "b32 b32 b32", "b32", (0x33221100, 0x77665544, 0x7531, 0x77553311), (0x80, 0, 0x8888, 0xFFFFFFFF)),
    # floating point numbers
    *cases("add.f64", "f64 f64", "f64", (0.1, 0.2, 0.1 + 0.2), (INF, -INF, NAN)),
    *cases("add.ftz.f32", "f32 f32", "f32", (SMALL, 0.0, 0.0), (1.0, SMALL, 1.0)),
    *cases("mul.f64", "f64 f64", "f64", (1e200, 1e200, INF), (TINY, 0.5, TINY / 2)),
    *cases("fma.rn.f64", "f64 f64 f64", "f64", (1 + 2**-30, 1 + 2**-30, -1 - 2**-29, 2**-60)),
    *cases("fma.rn.f32", "f32 f32 f32", "f32", (1 + 2**-12, 1 + 2**-12, -1 - 2**-11, 2**-24)),
    *cases("fma.rm.f32", "f32 f32 f32", "f32", (1.0, 1.0, 2**-30, 1.0), (1.0, 1.0, -(2**-30), 1 - 2**-24), (1.0, 1.0, -(2**-100), 1 - 2**-24), (-1.0, 1.0, -(2**-30), -1 - 2**-23), (1e30, 1e30, 0.0, 3.4028234663852886e38), (1.0, 1.0, -1.0, -0.0), (2.0, 3.0, 1.0, 7.0)),
    *cases("div.rn.f64", "f64 f64", "f64", (1.0, 3.0, 1 / 3), (1.0, 0.0, INF), (0.0, 0.0, NAN)),
    *cases("rcp.rn.f64", "f64", "f64", (3.0, 1 / 3), (-0.0, -INF)),
    *cases("sqrt.rn.f64", "f64", "f64", (2.0, math.sqrt(2)), (-1.0, NAN), (-0.0, -0.0)),
    *cases("min.f64", "f64 f64", "f64", (NAN, 1.0, 1.0), (1.0, NAN, 1.0), (NAN, NAN, NAN), (0.0, -0.0, -0.0), (-0.0, 0.0, -0.0)),
    *cases("max.f64", "f64 f64", "f64", (NAN, -INF, -INF), (0.0, -0.0, 0.0), (-0.0, 0.0, 0.0), (2.0, 3.0, 3.0)),
    *cases("max.f32", "f32 f32", "f32", (NAN, 1.0, 1.0), (-1.0, -2.0, -1.0)),
    *cases("abs.f64", "f64", "f64", (-0.0, 0.0), (-INF, INF)),
    *cases("neg.f64", "f64", "f64", (0.0, -0.0)),
    *cases("copysign.f64", "f64 f64", "f64", (-0.0, 3.0, -3.0), (1.0, -2.0, 2.0)),
    *cases("ex2.approx.ftz.f32", "f32", "f32", (3.0, 8.0), (-INF, 0.0), (-130.0, 0.0)),
    *cases("rcp.approx.ftz.f64", "f64", "f64", (4.0, 0.25), (0.0, INF), (-INF, -0.0), (TINY, INF), (1.7e308, 0.0)),
    # comparisons
    *[case for name, row in {
        "eq": (0, 0, 1, 0), "ne": (1, 1, 0, 0), "lt": (1, 0, 0, 0), "le": (1, 0, 1, 0),
        "gt": (0, 1, 0, 0), "ge": (0, 1, 1, 0), "equ": (0, 0, 1, 1), "neu": (1, 1, 0, 1),
        "ltu": (1, 0, 0, 1), "leu": (1, 0, 1, 1), "gtu": (0, 1, 0, 1), "geu": (0, 1, 1, 1),
        "num": (1, 1, 1, 0), "nan": (0, 0, 0, 1),
    }.items() for case in cases(f"setp.{name}.f64", "f64 f64", "pred", (1.0, 2.0, row[0]),
                                (2.0, 1.0, row[1]), (2.0, 2.0, row[2]), (NAN, 2.0, row[3]))],
    *cases("setp.lt.s32", "s32 s32", "pred", (-1, 1, 1), (1, -1, 0)),
    *cases("setp.lt.u32", "u32 u32", "pred", (2**32 - 1, 1, 0)),
    *cases("setp.hi.u64", "u64 u64", "pred", (2**64 - 1, 1, 1)),
    *cases("setp.ne.s16", "s16 s16", "pred", (-1, 1, 1), (3, 3, 0)),
    # conversions
    *cases("cvt.rni.s32.f64", "f64", "s32", (2.5, 2), (3.5, 4), (-2.5, -2), (1e10, 2**31 - 1), (-1e10, -(2**31)), (NAN, -(2**31))),
    *cases("cvt.rzi.s32.f64", "f64", "s32", (-2.7, -2), (2147483647.9, 2**31 - 1), (-2147483648.9, -(2**31))),
    *cases("cvt.rzi.u32.f64", "f64", "u32", (-0.7, 0), (-1.0, 0), (4294967295.5, 2**32 - 1), (NAN, 2**31)),
    *cases("cvt.rzi.s64.f64", "f64", "s64", (1e19, MAX64), (-1e19, MIN64), (NAN, MIN64), (-1.9, -1)),
    *cases("cvt.rzi.u64.f64", "f64", "u64", (2e19, 2**64 - 1), (-5.0, 0), (2.0**63, 2**63)),
    *cases("cvt.rzi.s32.f32", "f32", "s32", (NAN, 0), (3e9, 2**31 - 1), (INF, 2**31 - 1), (-INF, -(2**31))),
    *cases("cvt.rmi.f64.f64", "f64", "f64", (-0.5, -1.0), (2.5, 2.0)),
    *cases("cvt.rpi.f64.f64", "f64", "f64", (-0.5, -0.0), (2.5, 3.0)),
    *cases("cvt.rzi.f64.f64", "f64", "f64", (-2.5, -2.0), (INF, INF)),
    *cases("cvt.rni.f32.f32", "f32", "f32", (0.5, 0.0), (1.5, 2.0)),
    *cases("cvt.rn.f32.f64", "f64", "f32", (1 + 2**-24, 1.0), (1e300, INF)),
    *cases("cvt.f64.f32", "f32", "f64", (1.5, 1.5), (INF, INF)),
    *cases("cvt.rn.f64.s64", "s64", "f64", (2**53 + 1, float(2**53)), (-3, -3.0)),
    *cases("cvt.rn.f64.u64", "u64", "f64", (2**64 - 1, 2.0**64)),
    *cases("cvt.rn.f32.s32", "s32", "f32", (2**24 + 1, float(2**24))),
    *cases("cvt.s64.s32", "s32", "s64", (-1, -1)),
    *cases("cvt.u64.u32", "u32", "u64", (2**32 - 1, 2**32 - 1)),
    *cases("cvt.u32.u64", "u64", "u32", (2**32 + 7, 7)),
    *cases("cvt.s64.s8", "s8", "s64", (-1, -1)),
    *cases("cvt.sat.f32.f32", "f32", "f32", (-0.5, 0.0), (0.25, 0.25), (1.5, 1.0), (INF, 1.0), (NAN, 0.0)),
    *cases("cvt.sat.u8.s32", "s32", "u8", (300, 255), (-1, 0), (7, 7)),
    # moves
    *cases("mov.b64", "f64", "b64", (1.0, 0x3FF0000000000000)),
    *cases("mov.b32", "b32", "f32", (0x3F800000, 1.0)),
]  # fmt: skip


def _register(kind: str) -> str:
    return "pred" if kind == "pred" else kind if kind[0] == "f" else f"b{max(int(kind[1:]), 16)}"


def _text(all_cases: list[Case]) -> tuple[str, bytes]:
    lines, data, registers = [], b"", []
    for number, case in enumerate(all_cases):
        names = []
        for kind, value in zip(case.operands.split(), case.values, strict=True):
            name = f"%v{len(data) // 8}"
            registers.append(f".reg .{_register(kind)} {name};")
            value = value & 0xFFFFFFFF if kind == "b32" else value
            packed = struct.pack(_FORMATS[kind], value)
            lines.append(f"ld.global.{kind} {name}, [in+{len(data)}];")
            data += packed.ljust(8, b"\0")
            names.append(name)
        result = f"%d{number}"
        registers.append(f".reg .{_register(case.result)} {result};")
        extra = f", {case.extra}" if case.extra else ""
        lines.append(f"{case.opcode} {result}, {', '.join(names)}{extra};")
        if case.result == "pred":
            registers.append(f".reg .b32 %s{number};")
            lines.append(f"selp.u32 %s{number}, 1, 0, {result};")
            lines.append(f"st.global.u32 [out+{8 * number}], %s{number};")
        else:
            lines.append(f"st.global.{case.result} [out+{8 * number}], {result};")
    return _program("\n".join([*registers, *lines]), len(data), 8 * len(all_cases)), data


def _program(body: str, n_in: int, n_out: int) -> str:
    return f"""
.version 9.0
.target sm_90
.address_size 64
.visible .global .align 8 .b8 in[{max(n_in, 8)}];
.visible .global .align 8 .b8 out[{max(n_out, 8)}];
.visible .entry run() {{
{body}
ret;
}}
"""


def execute(ptx: str, data: bytes, n_out: int, threads: int = 32) -> bytes:
    """What is in `out` after one block."""
    translation = translate(ptx)
    path = compile_library("ptx-test", translation.text, ptx_driver.FLAGS, ptx_driver.HEADERS)
    driver = ptx_driver.PtxDriver()
    module = ptx_driver.PtxModule(path, set(), translation)
    ctypes.memmove(module.symbol("in"), data, len(data))
    driver.launch([Launch(module.kernel("run"), 1, threads)])
    return ctypes.string_at(module.symbol("out"), n_out)


@pytest.fixture(scope="module")
def results() -> bytes:
    """What all cases give, in one program."""
    ptx, data = _text(CASES)
    return execute(ptx, data, 8 * len(CASES))


@pytest.mark.parametrize("number", range(len(CASES)), ids=map(str, CASES))
def test_instruction(results: bytes, number: int) -> None:
    case = CASES[number]
    kind = "u32" if case.result == "pred" else case.result
    size = struct.calcsize(_FORMATS[kind])
    found = results[8 * number : 8 * number + size]
    (value,) = struct.unpack(_FORMATS[kind], found)
    if isinstance(case.expected, float) and math.isnan(case.expected):
        assert math.isnan(value)
    else:
        assert found == struct.pack(_FORMATS[kind], case.expected), value


def test_carries_pass_through_four_words() -> None:
    body = """
    .reg .b32 %r<5>; .reg .b64 %rd<5>;
    {
    .reg .u32 %r0, %r1, %r2, %a0, %a1;
    mov.b64 {%a0, %a1}, 0xFFFFFFFFFFFFFFFF;
    add.cc.u32 %r0, %a0, 1;
    addc.cc.u32 %r1, %a1, 0;
    addc.u32 %r2, 0, 0;
    mov.b64 %rd1, {%r0, %r1};
    mov.b64 %rd2, {%r2, %r2};
    sub.cc.u32 %r0, %r0, 1;
    subc.cc.u32 %r1, %r1, 0;
    subc.u32 %r2, %r2, 0;
    mov.b64 %rd3, {%r1, %r2};
    mad.lo.cc.u32 %r0, %a0, %a0, %a0;
    madc.hi.u32 %r1, %a0, %a0, 0;
    mov.b64 %rd4, {%r0, %r1};
    }
    st.global.v2.u64 [out], {%rd1, %rd2};
    st.global.v2.u64 [out+16], {%rd3, %rd4};
    """
    found = struct.unpack("<4Q", execute(_program(body, 0, 32), b"", 32))
    most = 2**32 - 1
    assert found == (0, (1 << 32) | 1, most, most * most + most)


def test_lanes_of_a_warp() -> None:
    body = """
    .reg .b32 %r<12>; .reg .b64 %rd<4>; .reg .pred %p<4>;
    mov.u32 %r1, %tid.x;
    mul.lo.s32 %r2, %r1, 10;
    shfl.sync.up.b32 %r3|%p1, %r2, 1, 0, -1;
    shfl.sync.down.b32 %r4|%p2, %r2, 3, 31, -1;
    shfl.sync.bfly.b32 %r5, %r2, 1, 31, -1;
    shfl.sync.idx.b32 %r6, %r2, 5, 31, -1;
    setp.lt.u32 %p3, %r1, 3;
    vote.sync.ballot.b32 %r7, %p3, -1;
    selp.u32 %r8, 1, 0, %p1;
    cvt.u64.u32 %rd1, %r1;
    mul.lo.s64 %rd1, %rd1, 24;
    mov.u64 %rd2, out;
    add.s64 %rd3, %rd2, %rd1;
    st.global.v2.u32 [%rd3], {%r3, %r4};
    st.global.v2.u32 [%rd3+8], {%r5, %r6};
    st.global.v2.u32 [%rd3+16], {%r7, %r8};
    """
    found = np.frombuffer(execute(_program(body, 0, 768), b"", 768), np.uint32).reshape(32, 6)
    lanes = np.arange(32)
    assert list(found[:, 0]) == list(10 * np.maximum(lanes - 1, 0))
    assert list(found[:, 1]) == list(10 * np.where(lanes + 3 < 32, lanes + 3, lanes))
    assert list(found[:, 2]) == list(10 * (lanes ^ 1))
    assert set(found[:, 3]) == {50}
    assert set(found[:, 4]) == {7}
    assert list(found[:, 5]) == [0] + [1] * 31


def test_atomics_and_loops() -> None:
    body = """
    .reg .b32 %r<8>; .reg .b64 %rd<4>; .reg .pred %p<3>; .reg .f64 %fd<3>;
    mov.u32 %r1, %tid.x;
    atom.global.add.u32 %r2, [out], 2;
    red.global.max.u32 [out+4], %r1;
    atom.global.cas.b32 %r3, [out+8], 0, %r1;
    cvt.rn.f64.s32 %fd1, %r1;
    red.global.add.f64 [out+16], %fd1;
    mov.u32 %r4, 0;
$L_again:
    add.s32 %r4, %r4, 1;
    setp.lt.s32 %p1, %r4, %r1;
    @%p1 bra $L_again;
    setp.ne.s32 %p2, %r1, 31;
    @!%p2 st.global.u32 [out+24], %r4;
    """
    found = execute(_program(body, 0, 32), b"", 32)
    assert struct.unpack_from("<II", found) == (64, 31)
    assert struct.unpack_from("<d", found, 16) == (31 * 16.0,)
    assert struct.unpack_from("<I", found, 24) == (31,)


def test_names_belong_to_their_scopes() -> None:
    body = """
    .reg .b32 %r<3>; .reg .b64 %rd<3>;
    mov.u32 %r1, 7;
    mov.u64 %rd1, 0x123456789;
    { .param .b64 argument; st.param.b64 [argument], %rd1; ld.param.u64 %rd2, [argument];
      { .param .b32 argument; st.param.b32 [argument], %r1; ld.param.u32 %r2, [argument]; }
      ld.param.u64 %rd1, [argument];
    }
    st.global.v2.u64 [out], {%rd1, %rd2};
    st.global.u32 [out+16], %r2;
    """
    found = execute(_program(body, 0, 24), b"", 24)
    assert struct.unpack_from("<QQI", found) == (0x123456789, 0x123456789, 7)


@pytest.mark.parametrize(
    "body",
    [
        "tex.2d.v4.f32.f32 {%f1, %f2, %f3, %f4}, [t, {%f5, %f6}];",
        "add.rz.f64 %fd1, %fd2, %fd3;",
        "cvt.rm.f32.f64 %f1, %fd2;",
        "bar.sync 1;",
        "setp.lt.f16 %p1, %h1, %h2;",
        "ld.global.u64 %rd1, [nowhere];",
        "ld.global.u64 %rd1, [out+8];",
        "mul.f64 %fd1, %fd2, 3;",
    ],
)
def test_what_is_not_known_is_refused_with_its_name_and_line(body: str) -> None:
    with pytest.raises(UnknownPtx, match="PTX line 8 ") as refused:
        translate(_program(body, 0, 8))
    assert body.rstrip(";") in str(refused.value)
