"""Scripts over the stand-in for NVIDIA's driver, each in a Python of its own."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.cuda_driver import standin

_PRELUDE = "from tests.cuda_driver.prelude import *\n"


@pytest.fixture(scope="session", autouse=True)
def _needed():
    if missing := standin.what_is_missing():
        pytest.skip(missing)


class Over:
    """Runs Python over the stand-in; nothing that it notes may remain unread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "mistakes"
        #: what the last script has written there
        self.stderr = ""

    def environment(self, **settings: str) -> dict[str, str]:
        """The environment of these Pythons."""
        return standin.environment(self._log, **settings)

    def python(self, *arguments: str, timeout: float = 600, **settings: str):
        """Run Python; its result, whatever it is."""
        return subprocess.run(
            [sys.executable, *arguments],
            env=self.environment(**settings),
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def script(self, text: str, **settings: str) -> str:
        """What a script prints; it has to end well, and without a word on stderr of a finalizer."""
        path = self._folder / "script.py"
        path.write_text(_PRELUDE + textwrap.dedent(text))
        result = self.python(str(path), **settings)
        self.stderr = result.stderr
        assert result.returncode == 0, result.stderr
        assert "Traceback" not in result.stderr, result.stderr
        assert "Exception ignored" not in result.stderr, result.stderr
        return result.stdout

    def mistakes(self) -> list[str]:
        """What the stand-in has noted, which is forgotten now."""
        found = self._log.read_text().splitlines() if self._log.exists() else []
        self._log.unlink(missing_ok=True)
        return found


@pytest.fixture
def over(tmp_path):
    """Runs Python over the stand-in."""
    pythons = Over(tmp_path)
    yield pythons
    assert pythons.mistakes() == []
