"""The built pages in a real browser, narrow and wide, light and dark."""

from __future__ import annotations

import pytest

from tests.docs import browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (browser.SITE / "index.html").exists(), reason="make docs builds it"),
    pytest.mark.skipif(browser.chromium() is None, reason="there is no Chromium"),
    pytest.mark.xdist_group("browser"),
]

WIDTHS = [390, 1280]
THEMES = ["light", "dark"]

#: Shown in pictures, to be looked at by people.
SHOWN = ["/index.html", "/tutorial.html", "/gallery/index.html", "/troubleshooting.html"]
PICTURES = browser.SITE.parent / "screenshots"


def test_pages_fit_load_and_can_be_read(tmp_path):
    pages = browser.pages()
    assert len(pages) > 30
    found = browser.look(tmp_path, pages=pages, widths=WIDTHS, themes=THEMES)
    assert len(found) == len(pages) * len(WIDTHS) * len(THEMES), found
    assert {place: wrong for place, wrong in found.items() if wrong} == {}


def test_pictures_of_pages(tmp_path):
    PICTURES.mkdir(parents=True, exist_ok=True)
    for page in SHOWN:
        for width in WIDTHS:
            for theme in THEMES:
                name = page.strip("/").removesuffix(".html").replace("/", "_")
                picture = PICTURES / f"{name}_{width}_{theme}.png"
                browser.screenshot(page, width, theme, picture, tmp_path)
                assert picture.stat().st_size > 10_000
    print("Pictures of the pages:", PICTURES)
