"""Texts that are kept on the disk by what they were made of."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from .files import CacheError, keep

#: Ends what a text was made of; in no text.
_END = "\0\n"


class _AnotherText(Exception):
    """What is kept was made of something else."""


def text(kind: str, ingredients: str, make: Callable[[], str]) -> str:
    """A text that is kept; made if it is not there.

    What it was made of is kept with it and compared, so that it is never taken for another one.

    Parameters
    ----------
    kind : str
        What it is, in small letters.
    ingredients : str
        All that the text depends on.
    make : callable
        Makes the text. What it raises is raised here, and nothing is kept.

    Returns
    -------
    str
    """
    made: list[str] = []

    def once() -> str:
        if not made:
            made.append(make())
        return made[0]

    def write(stem: Path, unfinished: Path) -> None:
        content = f"{ingredients}{_END}{once()}"
        unfinished.with_suffix(".txt").write_bytes(content.encode("utf-8", "surrogatepass"))

    def read(stem: Path) -> str:
        content = stem.with_suffix(".txt").read_bytes().decode("utf-8", "surrogatepass")
        of_what, end, found = content.partition(_END)
        if not end or of_what != ingredients:
            raise _AnotherText
        return found

    if _END in ingredients:
        return make()
    digest = hashlib.sha256(ingredients.encode("utf-8", "surrogatepass")).hexdigest()
    try:
        return keep(f"{kind}-{digest[:32]}", (".txt",), write, read)
    except (CacheError, _AnotherText):
        return once()
