"""Links and anchors of the built pages."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.browser import SITE, pages

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (SITE / "index.html").exists(), reason="make docs builds it"),
]


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and name in ("href", "src"):
                self.links.append(value)
            elif value and (name == "id" or (tag == "a" and name == "name")):
                self.anchors.add(value)


@cache
def parsed(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text("utf-8"))
    return page


def broken(path: Path) -> Iterator[str]:
    for link in parsed(path).links:
        where = urlsplit(link)
        if where.scheme or where.netloc:
            continue
        target = (path.parent / unquote(where.path)).resolve() if where.path else path
        anchor = unquote(where.fragment)
        is_page = target.suffix == ".html" and target.exists()
        if not target.exists() or (is_page and anchor and anchor not in parsed(target).anchors):
            yield link


def test_links_and_anchors_of_the_built_pages_resolve():
    found = {
        page: wrong for page in pages() if (wrong := sorted(set(broken(SITE / page.strip("/")))))
    }
    assert found == {}
