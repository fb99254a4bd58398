"""Two halves of a program, which two processes of a compiler can go through at once.

A program is one text. Where the macro `B2G_UNIT` is 1 or 2, only some of its steps' functions are
there, and the others are declared. The time loop and all that runs once belong to the first unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: How many characters of text take a compiler as long: each step, each function of a header that
#: becomes a part of it, and what the first unit has beside the steps. As gcc 12 takes for four
#: networks; 1,000 characters are 15 ms.
_STEP, _CALL, _LOOP = 700, 1600, 6000

#: Steps that take less than this are compiled as quickly in one piece.
_WORTHWHILE = 10_000


@dataclass(frozen=True)
class Functions:
    """The functions of a step.

    Attributes
    ----------
    text : str
    called : list of str
        Those that the time loop calls, such as ``int32_t step(b2g_context *ctx)``.
    inlined : int
        How many functions of headers become a part of them.
    """

    text: str
    called: list[str]
    inlined: int = 0

    @property
    def effort(self) -> int:
        """How long a compiler takes, in characters."""
        return _STEP + len(self.text) + _CALL * self.inlined


def how_many(functions: Sequence[Functions]) -> int:
    """In how many units a program with these steps should be compiled."""
    effort = sum(one.effort for one in functions)
    return 2 if len(functions) > 1 and effort > _WORTHWHILE else 1


def declarations(functions: Iterable[Functions]) -> list[str]:
    """Declarations of all functions that the time loop calls."""
    return [f"B2G_STEP {head};" for one in functions for head in one.called]


def in_units(functions: Sequence[Functions]) -> list[str]:
    """The texts of steps, each of which is there in one unit, or where there is but one.

    Parameters
    ----------
    functions : sequence of Functions
        In the order of the program, which stays.

    Returns
    -------
    list of str
    """
    sums = {1: _LOOP, 2: 0}
    unit_of: dict[int, int] = {}
    for place in sorted(range(len(functions)), key=lambda place: -functions[place].effort):
        unit_of[place] = unit = min(sums, key=lambda unit: sums[unit])
        sums[unit] += functions[place].effort
    return [
        f"#if B2G_UNIT != {3 - unit_of[place]}\n{one.text}\n#endif"
        for place, one in enumerate(functions)
    ]
