"""Workers run on the device of the process that has started them.

A process that has chosen the device ``genn`` says so in an environment variable. When Python
starts, ``brian2genn_inherit.pth`` looks for it and, if it is there, calls `watch`. That does
nothing but in workers of `multiprocessing` and of what stands on it (joblib,
``concurrent.futures``, Dask). There, the device is chosen as soon as Brian has been imported, and
not before: a worker that does not use Brian pays nothing for it.

Any other program that a script starts is a program of its own.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

#: What tells a worker by its command line: spawned, of a fork server, of joblib.
_SIGNS = ("--multiprocessing-fork", "multiprocessing.forkserver", "loky.backend")


#: Whether this process is a worker that has something to inherit.
is_heir = False


def watch() -> None:
    """Choose the device when Brian is imported, if this is a worker."""
    global is_heir
    command = sys.orig_argv[1:]
    if any(sign in part for part in command for sign in _SIGNS):
        is_heir = True
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds nothing itself, but sees when Brian is about to be imported."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "brian2":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Then(spec.loader)
        return spec


class _Then(Loader):
    """Imports Brian as its own loader does, and then this package, which chooses the device.

    If it is this package that imports Brian, it does so when it comes to its own end.
    """

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:  # resources, source texts
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        importlib.import_module("brian2genn")
