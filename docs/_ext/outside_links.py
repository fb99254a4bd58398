"""Links from a page to files of the repository outside of ``docs`` are downloads of these."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

#: A link's text, its target, and the heading there, which a download has no place for.
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((\.\./[^)#\s]+)(?:#[^)\s]*)?\)")


def rewritten(text: str, folder: Path, inside: Path) -> str:
    """A page with downloads in place of its links to files outside.

    Parameters
    ----------
    text : str
    folder : Path
        Where the page is.
    inside : Path
        The folder that Sphinx knows the pages of.
    """
    inside = inside.resolve()

    def link(found: re.Match[str]) -> str:
        shown, target = found[1], found[2]
        path = (folder / target).resolve()
        if path.is_relative_to(inside):
            return found[0]
        plain = shown.replace("`", "")
        if path.is_dir():
            return f"{plain} (`{path.relative_to(inside.parent)}`)"
        return f"{{download}}`{plain} <{target}>`"

    return _LINK.sub(link, text)


def _rewrite(app: Sphinx, name: str, source: list[str]) -> None:
    inside = Path(app.srcdir)
    source[0] = rewritten(source[0], (inside / name).parent, inside)


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of it."""
    app.connect("source-read", _rewrite)
    return {"parallel_read_safe": True}
