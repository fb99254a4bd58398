"""The pages of the documentation: their code, and their links."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

#: Says in front of a block why it is not executed.
NOT_RUN = re.compile(r"<!-- not run: (.+?) -->\s*$")

_FENCE = re.compile(r"^(```+|:::+)\s*(\S*)[^\n]*\n(.*?)^\1\s*$", re.MULTILINE | re.DOTALL)
#: Of a cell, as what is hidden of it.
_OPTION = re.compile(r"^:\w+:.*$", re.MULTILINE)
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$", re.MULTILINE)


def pages() -> list[Path]:
    """All pages, and the README."""
    found = [path for path in DOCS.rglob("*.md") if "_build" not in path.parts]
    return [ROOT / "README.md", *sorted(found)]


def blocks(page: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every block of Python that is to be executed."""
    text = page.read_text("utf-8")
    for found in _FENCE.finditer(text):
        language = found[2].strip("{}")
        if language not in ("python", "code-cell", "py"):
            continue
        if NOT_RUN.search(text[: found.start()]) or found[3].startswith("%"):
            continue  # a command of IPython's is executed where the site is built
        # options stand for empty lines
        code = _OPTION.sub("", found[3])
        yield text.count("\n", 0, found.start()) + 2, code


def links(page: Path) -> list[str]:
    """What the page links to, outside of code."""
    return links_of_text(page.read_text("utf-8"))


def links_of_text(text: str) -> list[str]:
    """What a page of this text links to, outside of code."""
    return _LINK.findall(re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text)))


def anchors(page: Path, levels: int = 6) -> set[str]:
    """The anchors of a page's headings, as GitHub and MyST make them, down to some level."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    found: set[str] = set()
    for hashes, heading in _HEADING.findall(text):
        if len(hashes) > levels:
            continue
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number = 0
        while (name := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(name)
    return found


def execute(page: Path) -> None:
    """Execute the blocks of a page in this process, one after the other, as a notebook would."""
    # Brian finds `run`'s names, and objects, in a frame of its caller: a module's
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for line, text in blocks(page):
        code = "\n" * (line - 1) + text
        exec(compile(ast.parse(code, str(page)), str(page), "exec", dont_inherit=True), namespace)


if __name__ == "__main__":
    import matplotlib

    matplotlib.use("Agg")
    execute(Path(sys.argv[1]))
