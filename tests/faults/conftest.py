"""A toolchain that knows of nothing compiled so far."""

import _ctypes

import pytest

from brian2genn.backends.cache import folder as cache
from brian2genn.backends.host import toolchain


def forget_choices() -> None:
    """Look for a compiler and for folders anew."""
    for function in (toolchain.find, cache.cache_directory, cache.own_directory):
        function.cache_clear()


class Fresh:
    """The toolchain of this test: its cache folder, and how to make it forget."""

    def __init__(self, folder, monkeypatch) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self.use(folder)

    def use(self, folder) -> None:
        """Take another cache folder."""
        self._monkeypatch.setenv(cache.CACHE_VARIABLE, str(folder))
        self.forget()

    def forget(self) -> None:
        """Be as a new process: no compiler was looked for, no library is loaded."""
        forget_choices()
        for library in toolchain._loaded.values():
            _ctypes.dlclose(library._handle)
        toolchain._loaded.clear()

    def answer(self, number: int = 42) -> int:
        """What a library that is compiled, or taken from the cache, says."""
        text = f"int answer(void) {{ return {number}; }}\n"
        return toolchain.compile_library(toolchain.find(), text, "answer").answer()

    def libraries(self, folder=None) -> list:
        """The files of `answer` in the cache."""
        return sorted((folder or self.folder).glob("answer-*.so"))


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """The toolchain of a new process; what other tests have compiled stays with them."""
    monkeypatch.setattr(toolchain, "_loaded", {})
    yield Fresh(tmp_path / "cache", monkeypatch)
    monkeypatch.undo()
    forget_choices()
