"""Work in a process that may die: a fork for each piece of it."""

import faulthandler
import os
import pickle
import resource
import select
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

#: Bytes of memory that a child may have: a queue for an absurd delay is to fail, not to take what
#: others need. A sanitizer reserves more than any machine has.
MEMORY = None if "-fsanitize" in os.environ.get("BRIAN2GENN_CFLAGS", "") else 8 << 30

#: How many lines of what a child has printed belong in a report.
PRINTED = 8


@dataclass(frozen=True)
class Ending:
    """How a piece of work ended."""

    #: what the function returned, if it did
    value: Any = None
    #: how the process died, if it did
    death: str | None = None
    #: the last that the function said it was at
    stage: str = ""
    #: what the process has printed, if it died
    printed: str = ""


def apart(work: Callable[[Callable[[str], None]], Any], seconds: float) -> Ending:
    """Call a function in a child process and return its value, or how the child died of it.

    The function is given a function that tells its stages. Its value has to be picklable. An
    exception of it is a death, too: it should not have one. The child is a group of processes, all
    of which end with it.
    """
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as printed:
        with warnings.catch_warnings():
            # other threads of this process (pytest-xdist has one) hold nothing that a child needs
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            os.close(reading)
            _be_the_child(work, writing, printed)
        os.close(writing)
        ended = False
        try:
            messages, ended = _received(reading, time.monotonic() + seconds)
        finally:
            os.close(reading)
            if not ended:
                _end_group(child)
            _, status = os.waitpid(child, 0)
        stages = [text for kind, text in messages if kind == "stage"]
        stage = stages[-1] if stages else ""
        values = [value for kind, value in messages if kind == "value"]
        if values:
            return Ending(value=values[0], stage=stage)
        printed.seek(0)
        lines = printed.read().decode(errors="replace").splitlines()
        text = "\n".join(lines[:PRINTED])
        return Ending(death=_death(status, ended, seconds), stage=stage, printed=text)


def _be_the_child(work: Callable, writing: int, printed: BinaryIO) -> None:
    """Do the work and end, without anything that the parent would do at its end."""
    code = 1
    try:
        os.setpgid(0, 0)
        for stream in (1, 2):
            os.dup2(printed.fileno(), stream)
        # pytest has put something else in their places
        sys.stdout = sys.stderr = os.fdopen(os.dup(1), "w", buffering=1)
        faulthandler.enable(sys.stderr)
        if MEMORY is not None:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        value = work(lambda stage: _send(writing, ("stage", stage)))
        _send(writing, ("value", value))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _send(writing: int, message: tuple[str, Any]) -> None:
    data = pickle.dumps(message)
    data = struct.pack("q", len(data)) + data
    while data:
        data = data[os.write(writing, data) :]


def _received(reading: int, until: float) -> tuple[list[tuple[str, Any]], bool]:
    """All messages of the child, and whether it has ended (or else has taken too long)."""
    data = b""
    ended = False
    while not ended:
        left = until - time.monotonic()
        if left <= 0 or not select.select([reading], [], [], left)[0]:
            break
        some = os.read(reading, 1 << 16)
        ended = not some
        data += some
    messages = []
    while len(data) >= 8:
        (size,) = struct.unpack("q", data[:8])
        if len(data) < 8 + size:
            break
        messages.append(pickle.loads(data[8 : 8 + size]))
        data = data[8 + size :]
    return messages, ended


def _end_group(child: int) -> None:
    """End a child and what it has started (a compiler).

    It is not reaped yet, so that its number is its own.
    """
    try:
        os.killpg(child, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # it has not made its group yet
        os.kill(child, signal.SIGKILL)


def _death(status: int, ended: bool, seconds: float) -> str:
    if not ended:
        return f"did not end within {seconds:g} s"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return f"died of signal {number} ({signal.strsignal(number)})"
    return f"ended with status {os.waitstatus_to_exitcode(status)}, without a result"
