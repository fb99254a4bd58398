"""The documentation in a browser without a window: Chromium, and a server of the built pages."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.paths import ROOT

SITE = ROOT / "build/docs"
_LOOK = Path(__file__).with_name("look.html")

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def chromium() -> str | None:
    """The browser, if there is one."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def pages() -> list[str]:
    """All pages that people read, as the server calls them."""
    names = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))
    generated = ("_", "genindex", "search", "py-modindex")
    return [f"/{name}" for name in names if not name.startswith(generated)]


class _Handler(SimpleHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if self.path.startswith("/_look"):
            self._send(_LOOK.read_bytes(), "text/html")
        elif self.path == "/_asked":
            self._send(json.dumps(self.server.asked).encode(), "application/json")
        else:
            super().do_GET()

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.found = json.loads(text)
        self._send(b"", "text/plain")
        self.server.done.set()

    def _send(self, content: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Serves the site, what the browser is asked, and takes what it has found."""

    daemon_threads = True

    def __init__(self, **asked: list[Any]) -> None:
        super().__init__(("127.0.0.1", 0), partial(_Handler, directory=str(SITE)))
        self.asked = asked
        self.found: dict[str, list[str]] = {}
        self.done = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving(**asked: list[Any]) -> Iterator[Server]:
    """A server that runs within this."""
    with Server(**asked) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def _command(profile: Path, *arguments: str) -> list[str]:
    browser = chromium()
    assert browser is not None
    # in containers there is neither a sandbox nor much shared memory
    return [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--no-first-run", "--hide-scrollbars", f"--user-data-dir={profile}", *arguments,
    ]  # fmt: skip


def look(folder: Path, *, patience: float = 600, **asked: list[Any]) -> dict[str, list[str]]:
    """What is wrong, for every page, width and theme."""
    with serving(**asked) as server:
        process = subprocess.Popen(
            _command(folder, "--window-size=1400,1000", "--remote-debugging-port=0",
                     f"{server.address}/_look.html"),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            assert server.done.wait(patience), "the browser has told nothing"
        finally:
            process.terminate()
            process.wait(30)
        return server.found


def screenshot(page: str, width: int, theme: str, picture: Path, folder: Path) -> None:
    """A picture of the top of a page."""
    with serving() as server:
        subprocess.run(
            _command(
                folder, f"--window-size={max(width, 500)},1400", "--virtual-time-budget=4000",
                f"--screenshot={picture}",
                f"{server.address}/_look.html?page={page}&width={width}&theme={theme}",
            ),
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, timeout=300,
        )  # fmt: skip
