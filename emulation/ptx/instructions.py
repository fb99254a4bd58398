"""What each PTX instruction does, as a C++ statement.

Only what NVRTC makes of this project's programs is here. Anything else raises `UnknownPtx`: a
result that might be wrong is worth less than none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .operands import CTYPES, is_float, local_name, size_of, value, vector
from .parse import Instruction, UnknownPtx


@dataclass(frozen=True)
class Parts:
    """An instruction with its opcode taken apart."""

    instruction: Instruction
    name: str
    modifiers: tuple[str, ...]
    kind: str
    shared: frozenset[str]

    @property
    def operands(self) -> tuple[str, ...]:
        """The operands as they are written."""
        return self.instruction.operands

    def only(self, *allowed: str) -> None:
        """Refuse modifiers that are not among these."""
        if not set(self.modifiers) <= set(allowed):
            raise UnknownPtx("a modifier that is not known here")

    def values(self, first: int = 1, last: int | None = None, kind: str = "") -> list[str]:
        """Operands from `first` on as expressions, of the instruction's type if none is given."""
        return [value(operand, kind or self.kind) for operand in self.operands[first:last]]

    def result(self, expression: str, kind: str = "") -> str:
        """Put an expression into the first operand."""
        return put(self.operands[0], expression, kind or self.kind)


def put(register: str, expression: str, kind: str) -> str:
    """Put an expression of a type into a register; ``_`` takes nothing."""
    if register == "_":
        return f"(void)({expression});"
    return f"ptx_put({local_name(register)}, ({CTYPES[kind]})({expression}));"


def take_apart(instruction: Instruction, shared: frozenset[str]) -> Parts:
    """The name, the modifiers and the last type of an opcode; `shared` are variables."""
    name, *rest = instruction.opcode.split(".")
    kind = rest.pop() if rest and rest[-1] in CTYPES else ""
    return Parts(instruction, name, tuple(rest), kind, shared)


_Printer = Callable[[Parts], str]
_PRINTERS: dict[str, _Printer] = {}


def _for(*names: str) -> Callable[[_Printer], _Printer]:
    def register(printer: _Printer) -> _Printer:
        _PRINTERS.update(dict.fromkeys(names, printer))
        return printer

    return register


def statement(parts: Parts) -> str:
    """What an instruction does, as a C++ statement; memory and control flow are not here."""
    printer = _PRINTERS.get(parts.name)
    if printer is None:
        raise UnknownPtx("an instruction that is not known here")
    return printer(parts)


def _flushed(parts: Parts, function: str, arguments: list[str]) -> str:
    """A call, with subnormal numbers as zero if the instruction says so."""
    if "ftz" in parts.modifiers:
        if parts.kind != "f32":
            raise UnknownPtx("'.ftz' of another type than f32")
        arguments = [f"ptx_flush({argument})" for argument in arguments]
        return parts.result(f"ptx_flush({function}({', '.join(arguments)}))")
    return parts.result(f"{function}({', '.join(arguments)})")


@_for("add", "sub")
def _add(parts: Parts) -> str:
    if "cc" in parts.modifiers:
        return _carry(parts)
    parts.only("rn", "ftz")
    return _flushed(parts, f"ptx_{parts.name}<{CTYPES[parts.kind]}>", parts.values())


@_for("addc", "subc")
def _carry(parts: Parts) -> str:
    parts.only("cc")
    if parts.kind not in ("u32", "s32", "b32"):
        raise UnknownPtx("a carry of another type than 32-bit integers")
    a, b = parts.values(kind="u32")
    carry_in = "cc" if parts.name.endswith("c") else "false"
    out = "cc" if "cc" in parts.modifiers else "ignored"
    call = f"ptx_{parts.name[:3]}_cc({a}, {b}, {carry_in}, {out})"
    return f"{{ bool ignored = false; (void)ignored; {parts.result(call, 'u32')} }}"


@_for("mul", "mad", "madc")
def _multiply(parts: Parts) -> str:
    ctype = CTYPES[parts.kind]
    if is_float(parts.kind):
        if parts.name != "mul":
            raise UnknownPtx("'mad' of floating point numbers")
        parts.only("rn", "ftz")
        return _flushed(parts, f"ptx_mul<{ctype}>", parts.values())
    parts.only("lo", "hi", "wide", "cc")
    (part,) = set(parts.modifiers) - {"cc"}
    if part == "wide":
        wider = f"{parts.kind[0]}{2 * int(parts.kind[1:])}"
        a, b = parts.values(1, 3)
        if parts.name == "mul":
            return parts.result(f"ptx_mul_wide<{ctype}>({a}, {b})", wider)
        (c,) = parts.values(3, kind=wider)
        return parts.result(f"ptx_mad_wide<{ctype}>({a}, {b}, {c})", wider)
    a, b = parts.values(1, 3)
    product = f"{'ptx_mul' if part == 'lo' else 'ptx_mul_hi'}<{ctype}>({a}, {b})"
    if parts.name == "mul":
        return parts.result(product)
    (c,) = parts.values(3)
    if parts.name == "mad" and "cc" not in parts.modifiers:
        return parts.result(f"ptx_add<{ctype}>({product}, {c})")
    if parts.kind not in ("u32", "s32"):
        raise UnknownPtx("a carry of another type than 32-bit integers")
    carry_in = "cc" if parts.name == "madc" else "false"
    out = "cc" if "cc" in parts.modifiers else "ignored"
    call = f"ptx_add_cc((uint32_t)({product}), (uint32_t)({c}), {carry_in}, {out})"
    return f"{{ bool ignored = false; (void)ignored; {parts.result(call, 'u32')} }}"


@_for("fma")
def _fma(parts: Parts) -> str:
    if "rm" in parts.modifiers and parts.kind == "f32":
        parts.only("rm", "ftz")
        return _flushed(parts, "ptx_fma_down", parts.values())
    parts.only("rn", "ftz")
    return _flushed(parts, f"ptx_fma<{CTYPES[parts.kind]}>", parts.values())


@_for("div", "rem", "min", "max", "neg", "abs", "copysign")
def _plain(parts: Parts) -> str:
    parts.only("rn", "ftz") if parts.name == "div" else parts.only("ftz")
    if parts.name == "div" and is_float(parts.kind) and "rn" not in parts.modifiers:
        raise UnknownPtx("a division that is not rounded to nearest")
    return _flushed(parts, f"ptx_{parts.name}<{CTYPES[parts.kind]}>", parts.values())


@_for("rcp", "sqrt")
def _root(parts: Parts) -> str:
    if parts.name == "rcp" and parts.modifiers == ("approx", "ftz") and parts.kind == "f64":
        return parts.result(f"ptx_rcp_approx_ftz({parts.values()[0]})")
    if parts.name == "rcp" and parts.modifiers == ("approx", "ftz") and parts.kind == "f32":
        return _flushed(parts, "ptx_rcp<float>", parts.values())
    parts.only("rn", "ftz")
    if "rn" not in parts.modifiers:
        raise UnknownPtx("an approximation that is not known here")
    return _flushed(parts, f"ptx_{parts.name}<{CTYPES[parts.kind]}>", parts.values())


@_for("ex2", "lg2", "sin", "cos", "tanh", "rsqrt")
def _approximation(parts: Parts) -> str:
    parts.only("approx", "ftz")
    if parts.name == "rsqrt" and parts.kind == "f64" and "ftz" in parts.modifiers:
        return parts.result(f"ptx_rsqrt_approx_ftz({parts.values()[0]})")
    if parts.kind != "f32" or "approx" not in parts.modifiers:
        raise UnknownPtx("an approximation that is not known here")
    return _flushed(parts, f"ptx_{parts.name}_approx", parts.values())


@_for("and", "or", "xor", "not")
def _bitwise(parts: Parts) -> str:
    parts.only()
    if parts.name == "not":
        (a,) = parts.values()
        return parts.result(f"!{a}" if parts.kind == "pred" else f"~{a}")
    a, b = parts.values()
    return parts.result(f"{a} { {'and': '&', 'or': '|', 'xor': '^'}[parts.name] } {b}")


@_for("shl", "shr")
def _shift(parts: Parts) -> str:
    parts.only()
    (a,) = parts.values(1, 2)
    (n,) = parts.values(2, kind="u32")
    return parts.result(f"ptx_{parts.name}<{CTYPES[parts.kind]}>({a}, {n})")


@_for("shf")
def _funnel(parts: Parts) -> str:
    parts.only("l", "r", "wrap", "clamp")
    direction, mode = parts.modifiers
    wrap = "true" if mode == "wrap" else "false"
    return parts.result(f"ptx_shf_{direction}({', '.join(parts.values())}, {wrap})")


@_for("popc", "clz")
def _counting(parts: Parts) -> str:
    parts.only()
    kind = parts.kind.replace("b", "u")
    call = f"ptx_{parts.name}<{CTYPES[kind]}>({parts.values(kind=kind)[0]})"
    return parts.result(call, "u32")


@_for("bfind")
def _highest_bit(parts: Parts) -> str:
    parts.only("shiftamt")
    if "shiftamt" not in parts.modifiers or parts.kind != "u32":
        raise UnknownPtx("a search for a bit that is not known here")
    (a,) = parts.values()
    return parts.result(f"{a} ? ptx_clz<uint32_t>({a}) : 0xFFFFFFFFu")


@_for("brev")
def _reverse(parts: Parts) -> str:
    parts.only()
    return parts.result(f"ptx_brev<{CTYPES[parts.kind]}>({parts.values()[0]})")


@_for("bfe", "bfi")
def _field(parts: Parts) -> str:
    parts.only()
    values = parts.values(1, -2) + parts.values(kind="u32")[-2:]
    return parts.result(f"ptx_{parts.name}<{CTYPES[parts.kind]}>({', '.join(values)})")


@_for("lop3", "prmt")
def _bits(parts: Parts) -> str:
    parts.only()
    return parts.result(f"ptx_{parts.name}({', '.join(parts.values())})")


@_for("selp")
def _select(parts: Parts) -> str:
    parts.only()
    a, b = parts.values(1, 3)
    (condition,) = parts.values(3, kind="pred")
    return parts.result(f"{condition} ? {a} : {b}")


_COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_UNSIGNED = {"lo": "<", "ls": "<=", "hi": ">", "hs": ">="}


def comparison(name: str, kind: str, a: str, b: str) -> str:
    """A comparison as a C++ expression."""
    unordered = f"ptx_unordered<{CTYPES[kind]}>({a}, {b})"
    if is_float(kind):
        if name == "num":
            return f"!{unordered}"
        if name == "nan":
            return unordered
        if name == "ne":
            return f"(!{unordered} && {a} != {b})"
        if name in _COMPARISONS:
            return f"({a} {_COMPARISONS[name]} {b})"
        if name.removesuffix("u") in _COMPARISONS:
            return f"({unordered} || {a} {_COMPARISONS[name.removesuffix('u')]} {b})"
    elif name in _COMPARISONS:
        return f"({a} {_COMPARISONS[name]} {b})"
    elif name in _UNSIGNED and kind[0] == "u":
        return f"({a} {_UNSIGNED[name]} {b})"
    raise UnknownPtx("a comparison that is not known here")


@_for("setp")
def _set_predicate(parts: Parts) -> str:
    modifiers = [one for one in parts.modifiers if one != "ftz"]
    a, b = parts.values(1, 3)
    if "ftz" in parts.modifiers:
        a, b = f"ptx_flush({a})", f"ptx_flush({b})"
    test = comparison(modifiers[0], parts.kind, a, b)
    inverse = f"!{test}"
    if len(modifiers) > 1:
        (c,) = parts.values(3, kind="pred")
        operator = {"and": "&", "or": "|", "xor": "^"}.get(modifiers[1])
        if operator is None or len(modifiers) > 2:
            raise UnknownPtx("a modifier that is not known here")
        test, inverse = f"({test} {operator} {c})", f"({inverse} {operator} {c})"
    targets = parts.operands[0].split("|")
    text = f"const bool yes = {test}, no = {inverse}; (void)no; {put(targets[0], 'yes', 'pred')}"
    if len(targets) > 1:
        text += f" {put(targets[1], 'no', 'pred')}"
    return f"{{ {text} }}"


@_for("mov")
def _move(parts: Parts) -> str:
    parts.only()
    target, source = parts.operands
    if target.startswith("{") or source.startswith("{"):
        return _pack(parts, vector(target), vector(source))
    return parts.result(value(source, parts.kind, parts.shared))


def _pack(parts: Parts, targets: list[str], sources: list[str]) -> str:
    width = int(parts.kind[1:]) // max(len(targets), len(sources))
    part = f"b{width}"
    if len(targets) > 1:
        lines = [f"const uint64_t whole = {value(sources[0], parts.kind)};"]
        lines += [put(one, f"whole >> {width * k}", part) for k, one in enumerate(targets)]
    else:
        pieces = [f"(uint64_t){value(s, part)} << {width * k}" for k, s in enumerate(sources)]
        lines = [put(targets[0], " | ".join(pieces), parts.kind)]
    return f"{{ {' '.join(lines)} }}"


@_for("cvta")
def _address(parts: Parts) -> str:
    parts.only("to", "global", "shared", "local", "const")
    place = value(parts.operands[1], parts.kind, parts.shared)
    if "shared" in parts.modifiers:
        place += f" {'-' if 'to' in parts.modifiers else '+'} PTX_SHARED_BEGIN"
    return parts.result(place)


_ROUNDINGS = {
    "rni": "PTX_NEAREST_EVEN",
    "rzi": "PTX_TO_ZERO",
    "rmi": "PTX_DOWN",
    "rpi": "PTX_UP",
}


@_for("cvt")
def _convert(parts: Parts) -> str:
    *modifiers, to = parts.modifiers
    source = parts.kind
    if to not in CTYPES:
        raise UnknownPtx("a type that is not known here")
    ftz, saturates = "ftz" in modifiers, "sat" in modifiers
    rest = [one for one in modifiers if one not in ("ftz", "sat")]
    rounding = rest[0] if rest else ""
    (a,) = parts.values()
    if ftz and source == "f32":
        a = f"ptx_flush({a})"
    ctype, from_ctype = CTYPES[to], CTYPES[source]
    if is_float(to) and to == source and saturates and not rounding:
        return parts.result(f"ptx_to_unit_interval({a})", to)
    if len(rest) > 1 or (saturates and (is_float(to) or is_float(source))):
        raise UnknownPtx("a modifier that is not known here")
    if is_float(source) and rounding in _ROUNDINGS:
        how = _ROUNDINGS[rounding]
        if is_float(to):
            if to != source:
                raise UnknownPtx("a rounding to another type")
            return parts.result(f"ptx_round<{ctype}>({a}, {how})", to)
        return parts.result(f"ptx_to_integer<{ctype}, {from_ctype}>({a}, {how})", to)
    if is_float(to):
        exact = source == "f32" and to == "f64" and rounding == ""
        if not exact and rounding != "rn":
            raise UnknownPtx("a rounding that is not known here")
        result = f"({ctype}){a}"
        return parts.result(f"ptx_flush({result})" if ftz and to == "f32" else result, to)
    if is_float(source) or rounding:
        raise UnknownPtx("a rounding that is not known here")
    if saturates:
        return parts.result(f"ptx_saturate<{ctype}, {from_ctype}>({a})", to)
    return parts.result(f"({ctype}){a}", to)


@_for("shfl")
def _shuffle(parts: Parts) -> str:
    if parts.modifiers[0] != "sync" or parts.kind != "b32":
        raise UnknownPtx("a modifier that is not known here")
    how = f"PTX_SHFL_{parts.modifiers[1].upper()}"
    target, *valid = parts.operands[0].split("|")
    values = ", ".join([*parts.values(1, 2), *parts.values(2, kind="u32")])
    text = f"bool valid; {put(target, f'ptx_shfl({how}, {values}, valid)', 'b32')}"
    if valid:
        text += f" {put(valid[0], 'valid', 'pred')}"
    return f"{{ {text} }}"


@_for("vote")
def _vote(parts: Parts) -> str:
    sync, how = parts.modifiers
    condition, members = value(parts.operands[1], "pred"), value(parts.operands[2], "u32")
    ballot = f"ptx_ballot({condition}, {members})"
    if sync != "sync":
        raise UnknownPtx("a modifier that is not known here")
    if how == "ballot":
        return parts.result(ballot, "b32")
    tests = {"any": f"{ballot} != 0", "all": f"{ballot} == 0xFFFFFFFFu"}
    if how not in tests:
        raise UnknownPtx("a vote that is not known here")
    return parts.result(tests[how], "pred")


@_for("bar")
def _barrier(parts: Parts) -> str:
    if parts.modifiers == ("warp", "sync"):
        return f"ptx_ballot(true, {value(parts.operands[0], 'u32')});"
    if parts.modifiers != ("sync",) or parts.operands != ("0",):
        raise UnknownPtx("a barrier that is not the block's")
    return "PTX_SYNC(); ptx_barrier();"


@_for("barrier")
def _cluster_barrier(parts: Parts) -> str:
    if parts.modifiers == ("cluster", "arrive"):
        return "PTX_SYNC(); PTX_ARRIVES(); ptx_cluster_arrive();"
    if parts.modifiers == ("cluster", "wait"):
        return "PTX_SYNC(); ptx_cluster_await();"
    raise UnknownPtx("a barrier that is not known here")


@_for("mapa")
def _map(parts: Parts) -> str:
    if parts.modifiers != ("shared::cluster",) or parts.kind != "u32":
        raise UnknownPtx("an address in another block that is not known here")
    return parts.result(f"ptx_map({', '.join(parts.values())})")


@_for("membar", "fence")
def _fence(parts: Parts) -> str:
    known = {("gl",), ("sys",), ("acq_rel", "gpu"), ("sc", "gpu"), ("sc", "sys")}
    if parts.modifiers in {("cta",), ("acq_rel", "cta"), ("sc", "cta")}:
        return "/* orders nothing beyond what a barrier does */;"
    if parts.modifiers not in known:
        raise UnknownPtx("a fence that is not known here")
    return "ptx_fence(); PTX_SETTLE();"


@_for("nanosleep")
def _sleep(parts: Parts) -> str:
    return "shim_pause();"


@_for("trap")
def _trap(parts: Parts) -> str:
    return "ptx_trap();"


def width_of(kind: str) -> int:
    """Bytes of a value of a type in memory."""
    return size_of(kind)
