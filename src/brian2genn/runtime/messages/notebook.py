"""What is explained, as a table in a notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from ...backends.notes import Item

#: Brian's time is what people look for; colours that can be read on light and dark ground.
_MARKED = ' style="color: #d9534f; font-weight: bold"'

#: Seen on light and dark ground; as wide as 100 % of what the largest has.
_BAR = (
    '<span style="display: inline-block; height: 0.7em; width: {width:.2f}em;'
    ' background: #3a76af"></span> '
)
_WIDEST = 12

#: How many bars are drawn: what comes after the first is small.
_MOST_BARS = 8


@dataclass(frozen=True)
class Bars:
    """Numbers that are shown as bars.

    Attributes
    ----------
    title : str
    values : mapping
        By the names of objects; nothing is shown if there are none.
    said : callable
        A value for people.
    """

    title: str
    values: Mapping[str, float]
    said: Callable[[float], str]

    def as_html(self) -> str:
        """A table of the largest, each with its bar."""
        largest = sorted(self.values.items(), key=lambda item: -item[1])[:_MOST_BARS]
        if not largest or not largest[0][1] > 0:
            return ""
        rows = "".join(
            f'<tr><td style="text-align: left">{escape(name)}</td><td style="text-align: left">'
            + _BAR.format(width=_WIDEST * value / largest[0][1])
            + f"{escape(self.said(value))}</td></tr>"
            for name, value in largest
        )
        head = f'<tr><th colspan="2" style="text-align: left">{escape(self.title)}</th></tr>'
        return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def as_html(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    notes: Sequence[str],
    bars: Sequence[Bars] = (),
) -> str:
    """A title, a table, and sentences and bars below; rows that Brian runs are marked.

    Parameters
    ----------
    title : str
    columns : sequence of str
        The third says where an object runs.
    rows : sequence of sequence of str
    notes : sequence of str
        The items that follow one another are a list.
    bars : sequence of Bars, optional
    """
    head = "".join(f'<th style="text-align: left">{escape(name)}</th>' for name in columns)
    body = "".join(_row(row) for row in rows)
    below = "".join(
        _list(same) if are_items else "".join(f"<p>{escape(note)}</p>" for note in same if note)
        for are_items, same in groupby(notes, lambda note: isinstance(note, Item))
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    drawn = "".join(group.as_html() for group in bars)
    return f"<div><p><b>{escape(title)}</b></p>{table}{below}{drawn}</div>"


def _list(notes: Iterable[str]) -> str:
    said = (note.said for note in notes if isinstance(note, Item))
    return "<ul>" + "".join(f"<li>{escape(one)}</li>" for one in said) + "</ul>"


def _row(row: Sequence[str]) -> str:
    mark = _MARKED if row[2] == "Brian" else ""
    cells = "".join(f'<td style="text-align: left">{escape(cell)}</td>' for cell in row)
    return f"<tr{mark}>{cells}</tr>"
