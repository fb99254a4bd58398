"""Users' C++ functions as part of a program.

Each text is in a namespace of its own, so that its names meet neither those of another text nor
those of the program; its macros are gone where the program's own text begins.  The program
calls a function through an entry that follows the text and has a name of ours: so the function
may itself be a macro, or be called `malloc` or `ctx`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..model.user_code import UserCode, entry

_COMMENT_OR_STRING = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL
)
_DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.MULTILINE)
_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include\b.*$", re.MULTILINE)
#: what is global whatever surrounds it
_GLOBAL = re.compile(r"(?<![\w>])::\s*\w|\bextern\b|\bnamespace\s+[\w:]+\s*\{")
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.)*", re.MULTILINE | re.DOTALL)


def print_user_code(codes: Sequence[UserCode], *, pragmas: bool = True) -> list[str]:
    """The texts of users' functions as a program has them, and the lines that follow them all.

    Parameters
    ----------
    codes : sequence of UserCode
        What they depend on comes first.
    pragmas : bool, optional
        Whether the compiler can put macros aside. If not, a macro that means something already
        is an error.
    """
    by_name = {code.c_name: code for code in codes}
    printed: list[str] = []
    put_aside = _put_aside if pragmas else _must_be_new
    end = '#pragma pop_macro("{}")' if pragmas else "#undef {}"
    #: macros that texts have defined, and whose text each is
    owners: dict[str, str] = {}
    for code in codes:
        lines = []
        for macro in _macros(code) if pragmas else _unguarded(code, _macros(code)):
            owner = owners.pop(macro, None)
            if owner is None:
                lines += put_aside(macro)
            elif owner not in code.dependencies:
                lines += [end.format(macro), *put_aside(macro)]
            if macro == code.c_name or owner in code.dependencies:
                lines.append(f"#undef {macro}")
            owners[macro] = code.c_name
        lines.append(_in_namespace(code, by_name))
        printed.append("\n".join(lines))
    if owners:
        printed.append("\n".join(end.format(macro) for macro in owners))
    return printed


def _put_aside(macro: str) -> list[str]:
    return [f'#pragma push_macro("{macro}")']


def _must_be_new(macro: str) -> list[str]:
    return [f"#ifdef {macro}", f'#error "{macro} is a macro that the program needs"', "#endif"]


def _unguarded(code: UserCode, macros: list[str]) -> list[str]:
    """Macros without those that a text defines only where there is none of the name."""
    return [macro for macro in macros if not re.search(rf"#\s*ifndef\s+{macro}\b", code.text)]


def _macros(code: UserCode) -> list[str]:
    """The macros that a text defines, and those that its function must not be."""
    macros = _DEFINE.findall(_plain(code.text))
    return list(dict.fromkeys([code.c_name, *macros] if _has(code) else macros))


def _plain(text: str) -> str:
    """C++ text without comments and strings, but with as many lines."""
    return _COMMENT_OR_STRING.sub(lambda found: "\n" * found[0].count("\n") + " ", text)


def _has(code: UserCode) -> bool:
    """Whether the function is in the text: it may be one of a header."""
    return re.search(rf"\b{re.escape(code.c_name)}\s*\(", _plain(code.text)) is not None


def _space(c_name: str) -> str:
    return f"b2g_of_{c_name}"


def _in_namespace(code: UserCode, by_name: dict[str, UserCode]) -> str:
    """The text with the entries to its function, in a namespace if that can be."""
    name, space = code.c_name, _space(code.c_name)
    entries = [_entry(name, arity) for arity in code.arities]
    above = [by_name[other] for other in code.dependencies if not must_be_global(by_name[other])]
    using = [f"using namespace {_space(other.c_name)};" for other in above]
    if must_be_global(code):
        return "\n".join([*using, code.text, *entries])
    # closer than a function of C that has this name
    using += [
        f"using {_space(other.c_name)}::{other.c_name};"
        for other in above
        if _has(other) and other.c_name not in _DEFINE.findall(_plain(other.text))
    ]
    begin, end = f"namespace {space} {{", "}"
    # headers are for all
    text = _INCLUDE.sub(lambda found: f"{end}\n{found[0]}\n{begin}", code.text)
    reach = [f"using {space}::{entry(name)};"] if entries else []
    return "\n".join([begin, *using, text, *entries, end, *reach])


def _entry(c_name: str, arity: int) -> str:
    types = ", ".join(f"typename B2G_T{k}" for k in range(arity))
    template = f"template <{types}> " if arity else ""
    parameters = ", ".join(f"B2G_T{k} b2g_{k}" for k in range(arity))
    arguments = ", ".join(f"b2g_{k}" for k in range(arity))
    head = f"{template}static inline auto {entry(c_name)}({parameters})"
    return f'{head} {{ B2G_CATCH({c_name}({arguments}), "{c_name}"); }}'


def must_be_global(code: UserCode) -> bool:
    """Whether a text says something about names that are everybody's.

    It declares what is defined elsewhere, in a file or a library, names what is global, adds to
    another namespace, or includes a header within a block.
    """
    plain = _plain(code.text)
    if _GLOBAL.search(plain):
        return True
    depth, outer = 0, []
    for character in _DIRECTIVE.sub(_only_includes, plain):
        if character == "@" and depth:
            return True
        depth += (character == "{") - (character == "}")
        if depth == 0:
            outer.append(character)
    # 'double f(double);', and no body
    declared = re.findall(r"(\w+)\s*\([^(){};]*\)\s*;", "".join(outer))
    return any(not re.search(rf"\b{name}\s*\([^(){{}};]*\)\s*{{", plain) for name in declared)


def _only_includes(directive: re.Match[str]) -> str:
    return "@" if _INCLUDE.match(directive[0]) else ""
