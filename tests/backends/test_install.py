"""What people are told to install: lines that work, and bring what the extras bring."""

import re
import tomllib
from pathlib import Path

import pytest

import brian2genn
from brian2genn.backends import install
from tests.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.mark.parametrize("extra", ["compiler", "cuda12", "cuda13"])
def test_advice_is_what_the_extra_brings(extra):
    assert list(install.packages(extra)) == PROJECT["optional-dependencies"][extra]
    assert install.line(extra).startswith("pip install '")
    assert install.line(extra, upgrade=True).startswith("pip install --upgrade '")


def test_nobody_is_sent_to_the_older_package_of_this_name():
    """Indexes hold Brian2GeNN 1: its extras would be ignored, and it would take our place."""
    texts = [
        *Path(brian2genn.__file__).parent.rglob("*.py"),
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").glob("*.py"),
    ]
    wrong = re.compile(r"pip install[^\n]*['\" ]brian2genn(?!/)['\"\[]")
    found = [str(path) for path in texts if wrong.search(path.read_text("utf-8"))]
    assert not found
