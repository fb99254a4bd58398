"""Modules of the package import each other in no circle, nor do headers include each other so."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import brian2genn
from tests.paths import ROOT

PACKAGE = Path(brian2genn.__file__).parent


def modules() -> dict[str, Path]:
    """All modules, by name."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(name: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    """The modules of the package that a module imports when it is imported itself."""
    package = name.split(".")[: None if path.stem == "__init__" else -1]
    for statement in ast.parse(path.read_text("utf-8")).body:
        if isinstance(statement, ast.ImportFrom) and statement.level:
            above = package[: len(package) - statement.level + 1]
            source = ".".join([*above, *(statement.module.split(".") if statement.module else [])])
            for one in statement.names:
                whole = f"{source}.{one.name}"
                yield whole if whole in known else source


def circular(others: dict[str, set[str]]) -> set[str]:
    """Those that are in a circle, or need one that is."""
    left = {name: set(needs) & others.keys() for name, needs in others.items()}
    # take away what needs nothing that is left, until only circles remain
    while free := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in free:
            del left[name]
    return set(left)


def test_no_circles():
    known = modules()
    assert not circular({name: {*imported(name, path, known)} for name, path in known.items()})


def test_headers_include_each_other_in_no_circle():
    folders = (PACKAGE / "codegen/include", ROOT / "emulation", ROOT / "emulation/ptx")
    for folder in folders:
        includes = {
            path.name: set(re.findall(r'#\s*include\s*"([^"]+)"', path.read_text("utf-8")))
            for path in folder.glob("*.h")
        }
        assert includes
        assert not circular(includes)
