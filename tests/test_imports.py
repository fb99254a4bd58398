"""Modules of the package import each other in no circle."""

import ast
from collections.abc import Iterator
from pathlib import Path

import brian2genn

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


def test_no_circles():
    known = modules()
    left = {name: {*imported(name, path, known)} & known.keys() for name, path in known.items()}
    # take away what imports nothing that is left, until only circles remain
    while free := [name for name, others in left.items() if not others & left.keys()]:
        for name in free:
            del left[name]
    assert not left
