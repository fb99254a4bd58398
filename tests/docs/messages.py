"""The errors and warnings of the package, found in its source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import brian2genn

PACKAGE = Path(brian2genn.__file__).parent

#: What stands for a value in a message, here and in the documentation.
GAP = "…"

#: How many words of a message are its first ones.
WORDS = 6

_LOGGED = ("logger.warn", "logger.error", "logger.info", "warnings.warn")

#: Says why Brian, or GeNN, gets or does not get an object; shown by `explain`, one table for all.
REASONS = ("Unsupported", "NotInGenn")


@dataclass(frozen=True)
class Message:
    """A text that people may see, and where it comes from."""

    place: str
    kind: str
    text: str

    @property
    def first_words(self) -> str:
        """By which it is known: from its first constant words on."""
        words = self.text.lstrip(f"{GAP} .,:;'\"(").split()
        return " ".join(words[:WORDS]).rstrip(f"{GAP} .,:;'\"(")


def normal(text: str) -> str:
    """Without line breaks and double spaces, and with one gap where there are several."""
    text = re.sub(r"\s+", " ", text)
    return re.sub(rf"{GAP}(\s*{GAP})+", GAP, text)


def messages(package: Path = PACKAGE) -> list[Message]:
    """All texts that are raised or logged; without those that only hand on another text."""
    return [
        message
        for path in sorted(package.rglob("*.py"))
        for message in _of(path, package)
        if re.search(r"\w{2}", message.text)
    ]


def _of(path: Path, package: Path) -> Iterator[Message]:
    tree = ast.parse(path.read_text("utf-8"))
    names = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            call, kind = node.exc, ast.unparse(node.exc.func).rpartition(".")[2]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in _LOGGED:
            call, kind = node, ast.unparse(node.func)
        else:
            continue
        if call.args:
            text = normal(_text(call.args[0], names))
            yield Message(f"{path.relative_to(package)}:{node.lineno}", kind, text)


def _text(node: ast.expr, names: dict[str, ast.expr]) -> str:
    """A message with gaps for its values; constants of the module are spelled out."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(value, names) for value in node.values)
    if isinstance(node, ast.FormattedValue):
        return _text(node.value, names)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left, names) + _text(node.right, names)
    if isinstance(node, ast.Name) and isinstance(names.get(node.id), ast.Constant | ast.JoinedStr):
        return _text(names[node.id], names)
    return GAP
