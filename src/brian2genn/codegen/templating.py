"""Templates, headers, and the tidy text of programs: what all dialects share."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from pathlib import Path

import jinja2

#: Where the headers that generated programs include lie.
INCLUDE_DIRECTORY = Path(str(resources.files(__package__) / "include"))

#: Finds the templates of all backends.
environment = jinja2.Environment(
    loader=jinja2.PackageLoader(__package__, "templates"),
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    undefined=jinja2.StrictUndefined,
)


def _lines(statements: Iterable[object], indent: int = 4) -> str:
    """Statements one a line, indented."""
    return "\n".join(f"{' ' * indent}{line}" for line in statements)


environment.filters["lines"] = _lines


def tidy(text: str) -> str:
    """Keep empty lines only between the parts of a program."""
    lines = [line.rstrip() for line in text.splitlines()]
    kept: list[str] = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        between_parts = following and not following[0].isspace() and following[0] != "}"
        if line or (between_parts and kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept) + "\n"
