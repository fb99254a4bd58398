"""What is explained, as a table in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

#: Brian's time is what people look for; colours that can be read on light and dark ground.
_MARKED = ' style="color: #d9534f; font-weight: bold"'


def as_html(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str]
) -> str:
    """A title, a table, and sentences below; rows that Brian runs are marked.

    Parameters
    ----------
    title : str
    columns : sequence of str
        The third says where an object runs.
    rows : sequence of sequence of str
    notes : sequence of str
        Those that begin with a hyphen are a list.
    """
    head = "".join(f'<th style="text-align: left">{escape(name)}</th>' for name in columns)
    body = "".join(_row(row) for row in rows)
    below = "".join(
        f"<li>{escape(note[2:])}</li>" if note.startswith("- ") else f"<p>{escape(note)}</p>"
        for note in notes
        if note
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<div><p><b>{escape(title)}</b></p>{table}{below}</div>"


def _row(row: Sequence[str]) -> str:
    mark = _MARKED if row[2] == "Brian" else ""
    cells = "".join(f'<td style="text-align: left">{escape(cell)}</td>' for cell in row)
    return f"<tr{mark}>{cells}</tr>"
