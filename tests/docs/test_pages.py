"""What the documentation shows runs, and what it links to is there."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests import devices
from tests.docs.pages import DOCS, ROOT, anchors, blocks, links, links_of_text, pages

#: What people read first is executed with every change; `make docs` executes all.
FIRST = [ROOT / "README.md", DOCS / "tutorial.md"]
OTHERS = [page for page in pages() if page not in FIRST and any(True for _ in blocks(page))]

ALL = [*pages(), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]

#: Of headings, those whose names Sphinx knows (``myst_heading_anchors``).
MYST_HEADING_LEVELS = 4


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def run_page(page: Path, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.docs.pages", str(page)],
        cwd=folder,
        env={
            **os.environ,
            **devices.ON_THE_PROCESSOR,
            "MPLBACKEND": "Agg",
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.mark.parametrize("page", FIRST, ids=named)
def test_code_of_the_first_pages_runs(page, tmp_path):
    assert any(True for _ in blocks(page))
    run_page(page, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("page", OTHERS, ids=named)
def test_code_runs(page, tmp_path):
    run_page(page, tmp_path)


def test_most_pages_have_code():
    assert len(OTHERS) > 6


@pytest.mark.parametrize("page", ALL, ids=named)
def test_links_and_anchors_are_there(page):
    wrong = []
    for link in links(page):
        target, _, anchor = unquote(link).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            wrong.append(link)
    assert not wrong


def _not_for_sphinx(page: Path, text: str) -> list[str]:
    """Links of a page of the site that Sphinx does not find: it knows the pages in its folder."""
    spec = importlib.util.spec_from_file_location("outside_links", DOCS / "_ext/outside_links.py")
    assert spec is not None and spec.loader is not None
    outside_links = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(outside_links)
    wrong = []
    for link in links_of_text(outside_links.rewritten(text, page.parent, DOCS)):
        target, _, anchor = unquote(link).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = (page.parent / target).resolve() if target else page
        # pictures may be anywhere
        is_known = path.suffix == ".png" or (path.is_relative_to(DOCS) and path.suffix == ".md")
        if not is_known or (anchor and anchor not in anchors(path, MYST_HEADING_LEVELS)):
            wrong.append(link)
    return wrong


@pytest.mark.parametrize("page", [page for page in pages() if DOCS in page.parents], ids=named)
def test_sphinx_finds_what_pages_link_to(page):
    assert _not_for_sphinx(page, page.read_text("utf-8")) == []


@pytest.mark.parametrize("link", ["howto", "../README.md", "gpu.md#nothing-of-that-name"])
def test_what_sphinx_does_not_find_is_noticed(link):
    outside = "[a](../README.md), [b](../CONTRIBUTING.md#adding-a-test), [c](../examples)"
    page = DOCS / "how_it_is_tested.md"
    assert _not_for_sphinx(page, outside) == []
    # in brackets, the text of a link is none that the extension knows
    assert _not_for_sphinx(page, f"{outside}, [a [b] c]({link})") == [link]


def test_every_page_is_in_the_table_of_contents():
    toc = re.findall(r"^```\{toctree\}\n(.*?)^```", (DOCS / "index.md").read_text("utf-8"),
                     re.MULTILINE | re.DOTALL)  # fmt: skip
    entries = {line.strip() for part in toc for line in part.splitlines() if line.strip()}
    missing = [
        name
        for page in DOCS.rglob("*.md")
        if (name := page.relative_to(DOCS).with_suffix("").as_posix()) != "index"
        and "_build" not in page.parts
        and name not in entries
        and not any(entry.endswith("*") and name.startswith(entry[:-1]) for entry in entries)
    ]
    assert not missing


def test_the_readme_is_short():
    text = re.sub(r"```.*?```", "", (ROOT / "README.md").read_text("utf-8"), flags=re.DOTALL)
    assert len(text.split()) <= 900


def test_arguments_are_in_the_reference():
    from brian2genn.runtime.activation.arguments import _CHECKS, WITHOUT_MEANING

    reference = (DOCS / "reference/set_device.md").read_text("utf-8")
    assert [name for name in _CHECKS if f"## `{name}`" not in reference] == []
    older = (DOCS / "howto/from_other_devices.md").read_text("utf-8")
    assert [name for name in WITHOUT_MEANING if f"`{name}`" not in older] == []


def test_preferences_of_older_versions_are_in_the_table():
    from brian2genn.preferences import _OF_1_X

    older = (DOCS / "howto/from_other_devices.md").read_text("utf-8")
    names = [f"{category}.{name}" for category, entries in _OF_1_X.items() for name, *_ in entries]
    assert "everything that ends in `_blocksize`" in older
    assert [n for n in names if not n.endswith("_blocksize") and f"`{n}`" not in older] == []
