"""How Sphinx makes the documentation: ``make docs``. Needs no network."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "Brian2GeNN 2"
author = "The Brian2GeNN 2 developers"
copyright = "The Brian2GeNN 2 developers; MIT licence"
release = version = installed("brian2genn")

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_gallery.gen_gallery",
    "outside_links",
    "preference_table",
]
exclude_patterns = ["_build", "_ext", "jupyter_execute", "gallery/*.ipynb"]
root_doc = "index"

html_theme = "furo"
html_title = f"Brian2GeNN {version}"
html_show_sphinx = False
# nothing is loaded from elsewhere; no page has formulas, which would need this
mathjax_path = "not-needed.js"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

# the tutorial is executed whenever the site is built, and what fails fails the build
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True

autodoc_typehints = "none"
numpydoc_show_class_members = False

# so is every script of the gallery, each as if it were the first
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "ignore_pattern": r"(^|/)(demo|sweep)\.py$",  # many processes, and other packages
    "filename_pattern": r"\.py$",
    "abort_on_example_error": True,
    "run_stale_examples": True,
    "reset_modules": ("matplotlib", "fresh_start.fresh_start"),
    "download_all_examples": False,
    "write_computation_times": False,
    "show_signature": False,
}
