"""Packages of extras: imported when they are needed, and named where they are missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def need(name: str, what_for: str) -> Any:
    """Import a package of an extra.

    Raises
    ------
    ImportError
        With what to install.
    """
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise ImportError(
            f"{what_for} needs the package '{package}', which cannot be imported ({error})."
            f" Install it: pip install {package}."
        ) from error


def cloudpickle() -> Any:
    """What pickles functions that are defined in a script, a notebook or another function."""
    try:
        return import_module("cloudpickle")
    except ImportError:
        return need("joblib.externals.cloudpickle", "Sending functions to workers")
