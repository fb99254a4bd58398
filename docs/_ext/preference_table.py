"""The directive ``preferences``: what Brian knows of a category, as a table."""

from __future__ import annotations

from brian2 import prefs
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import brian2genn  # noqa: F401  (registers its preferences)

_OLD = "Without effect. "


class Preferences(SphinxDirective):
    """A table of the preferences of a category; those without effect with the option ``old``."""

    required_arguments = 1
    option_spec = {"old": directives.flag}  # noqa: RUF012  (docutils' own way)

    def run(self) -> list[nodes.Node]:
        """The table."""
        category = self.arguments[0]
        entries, _ = prefs.pref_register[category]
        rows = []
        for name, preference in entries.items():
            is_old = preference.docs.startswith(_OLD)
            if is_old == ("old" in self.options):
                text = preference.docs.removeprefix(_OLD)
                rows.append(f"| `{category}.{name}` | `{preference.default!r}` | {text} |")
        table = ["| preference | default | meaning |", "|---|---|---|", *rows]
        node = nodes.container()
        self.state.nested_parse(StringList(table, "preferences"), self.content_offset, node)
        return node.children


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of the directive."""
    app.add_directive("preferences", Preferences)
    return {"parallel_read_safe": True}
