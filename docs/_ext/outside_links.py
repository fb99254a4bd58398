"""Links from a page to files of the repository outside of ``docs`` are downloads of these."""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx

_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((\.\./[^)#\s]+)\)")


def _rewrite(app: Sphinx, name: str, source: list[str]) -> None:
    folder = (Path(app.srcdir) / name).parent
    inside = Path(app.srcdir).resolve()

    def link(found: re.Match[str]) -> str:
        text, target = found[1], found[2]
        path = (folder / target).resolve()
        if path.is_relative_to(inside):
            return found[0]
        plain = text.replace("`", "")
        if path.is_dir():
            return f"{plain} (`{path.relative_to(inside.parent)}`)"
        return f"{{download}}`{plain} <{target}>`"

    source[0] = _LINK.sub(link, source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of it."""
    app.connect("source-read", _rewrite)
    return {"parallel_read_safe": True}
