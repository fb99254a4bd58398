"""What was wrong first, where one error has led to another: Brian's last one says "see above"."""

from __future__ import annotations

import re
import traceback


def what_was_wrong(error: BaseException) -> str:
    """Type and text of the innermost cause, and in lines below what it has led to.

    Parameters
    ----------
    error : exception
    """
    causes = [error]
    while (cause := causes[-1].__cause__) is not None and cause not in causes:
        if type(cause).__name__ == "_RemoteTraceback":
            break  # the same once more, as text from another process
        causes.append(cause)
    first, *others = map(told, reversed(causes))
    return "\n".join([first, *(other.partition("\n")[0] for other in others)])


def told(error: BaseException) -> str:
    """Type, without its module, and text of an error; some have none, or fail to tell it."""
    text = "".join(traceback.format_exception_only(error)).strip()
    return re.sub(r"^(\w+\.)+(?=\w+(:|$))", "", text)
