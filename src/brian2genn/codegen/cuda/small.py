"""Small CUDA programs beside that of a network."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.user_code import UserCode
from ..templating import environment
from ..user_code import print_user_code

#: Threads in a block where there are users' functions: random numbers of theirs take shared memory.
MOST_USER_THREADS = 256


def print_user_functions(codes: Sequence[UserCode]) -> str:
    """Users' functions alone, to find out whether CUDA takes them."""
    arrays = sorted({name for code in codes for name in code.pointers})
    template = environment.get_template("cuda/userfunctions.j2")
    known = "\n".join(f"static double *{name};" for name in arrays)
    functions = template.render(
        user_code=print_user_code(codes, pragmas=False),
        user_arrays=[],
        most_threads=MOST_USER_THREADS,
    )
    return f'#include "brian2genn_math.h"\n#include "brian2genn_device.h"\n{known}\n{functions}'


def print_value_check(most: int, limit: float) -> str:
    """A program that finds arrays with values that are not finite or above `limit`."""
    return environment.get_template("cuda/check.cu.j2").render(most=most, limit=limit)
