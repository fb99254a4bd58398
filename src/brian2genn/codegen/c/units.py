"""Two halves of a program, which two processes of a compiler can go through at once.

A program is one text. Where the macro `B2G_UNIT` is 1 or 2, only some of its steps' functions are
there, and the others are declared. The time loop and all that runs once belong to the first unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

#: A function of a step that the time loop calls.
_CALLED = re.compile(r"^B2G_APART static ([^;{}]*\))\n\{", re.MULTILINE)

#: A function of a header that becomes a part of the step.
_INLINED = re.compile(r"\bb2g_(?:\w+_f(?:32|64)|fill_\w+|push)\(")

#: How many characters of text take a compiler as long: each step, each such function, and what the
#: first unit has beside the steps. As gcc 12 takes for four networks; 1,000 characters are 15 ms.
_STEP, _CALL, _LOOP = 700, 1600, 6000

#: Steps that take less than this are compiled as quickly in one piece.
_WORTHWHILE = 10_000


def _effort(text: str) -> int:
    return _STEP + len(text) + _CALL * len(_INLINED.findall(text))


def how_many(texts: Sequence[str]) -> int:
    """In how many units a program with these steps should be compiled."""
    return 2 if len(texts) > 1 and sum(map(_effort, texts)) > _WORTHWHILE else 1


def called(text: str) -> list[str]:
    """The functions in the text of a step that the time loop calls, without what precedes a name.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str
        Such as ``int32_t step(b2g_context *ctx)``.
    """
    return _CALLED.findall(text)


def declarations(texts: Iterable[str]) -> list[str]:
    """Declarations of all functions that the time loop calls."""
    return [f"B2G_STEP {head};" for text in texts for head in called(text)]


def in_units(texts: Sequence[str]) -> list[str]:
    """The texts of steps, each of which is there in one unit, or where there is but one.

    Parameters
    ----------
    texts : sequence of str
        In the order of the program, which stays.

    Returns
    -------
    list of str
    """
    efforts = [_effort(text) for text in texts]
    sums = {1: _LOOP, 2: 0}
    unit_of: dict[int, int] = {}
    for place in sorted(range(len(texts)), key=lambda place: -efforts[place]):
        unit_of[place] = unit = min(sums, key=lambda unit: sums[unit])
        sums[unit] += efforts[place]
    return [
        f"#if B2G_UNIT != {3 - unit_of[place]}\n"
        f"{_CALLED.sub(_apart, text)}\n"
        "#endif"
        for place, text in enumerate(texts)
    ]  # fmt: skip


def _apart(match: re.Match[str]) -> str:
    return f"B2G_APART B2G_STEP {match[1]}\n{{"
