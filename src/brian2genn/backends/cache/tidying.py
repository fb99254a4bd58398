"""Room in the cache: what was not used for long is removed, and what was left behind.

Looking through a folder takes time, so it is done only after something new was made, and not so
often that it would take more than a hundredth of the time.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import filelock

from .folder import GENN, KEPT, TIDIED, TIDYING, UNFINISHED, is_unfinished, write

#: Part of the time that may be used for looking through the folder.
_SHARE = 0.01

#: As much of the limit is left when something had to be removed, so that it is not at once again.
_LEFT = 0.9

#: Seconds after which nobody can be about to finish something: with a lock that tells, without.
_STALE_IF_UNLOCKED, _STALE = 3600.0, 86400.0

_limit: Callable[[], float | None] = lambda: None  # noqa: E731


def set_limit(limit: Callable[[], float | None]) -> None:
    """Say who knows how many bytes may be kept; None for any number.

    Parameters
    ----------
    limit : callable
        Asked whenever it matters: the script may change it.
    """
    global _limit
    _limit = limit


@dataclass
class Entry:
    """What belongs together and is removed together.

    Attributes
    ----------
    key : str
        The name without suffix.
    lock : Path
        Held by who makes it or removes it.
    files : list of Path
        A folder among them is one of GeNN's.
    nbytes : int
    used : float
        When it was used last, in seconds since 1970.
    """

    key: str
    lock: Path
    files: list[Path] = field(default_factory=list)
    nbytes: int = 0
    used: float = 0.0

    @property
    def is_program(self) -> bool:
        """Whether it is something compiled, not only a text, a note or a lock."""
        return any(path.is_dir() or path.suffix in (".so", ".cubin") for path in self.files)


@dataclass(frozen=True)
class Contents:
    """What a folder holds that is ours, the least recently used first; other files are not."""

    entries: list[Entry]
    leftovers: list[Path]

    @property
    def nbytes(self) -> int:
        """All together."""
        return sum(entry.nbytes for entry in self.entries)


def contents(folder: Path) -> Contents:
    """Look through a folder of the cache.

    Raises
    ------
    OSError
        If that cannot be; a folder that is not there is empty.
    """
    entries: dict[str, Entry] = {}
    leftovers: list[Path] = []
    for item in _items(folder):
        match = KEPT.fullmatch(item.name)
        if match:
            key = match["key"]
            entry = entries.setdefault(key, Entry(key, folder / f"{key}.lock"))
            _add(entry, item)
        elif is_unfinished(item.name):
            leftovers.append(Path(item))
    for item in _items(folder / GENN):
        name = item.name.removesuffix(".lock").removesuffix("_CODE")
        if name != item.name:
            lock = folder / GENN / f"{name}.lock"
            _add(entries.setdefault(f"{GENN}/{name}", Entry(f"{GENN}/{name}", lock)), item)
        elif is_unfinished(item.name):
            leftovers.append(Path(item))
    return Contents(sorted(entries.values(), key=lambda entry: entry.used), leftovers)


def after_making(folder: Path) -> None:
    """Tidy a folder into which something new was put, if it is time; nothing goes wrong."""
    with suppress(OSError, ValueError):
        if _is_due(folder / TIDIED):
            limit = _limit()
            tidy(folder, float("inf") if limit is None else limit)


def tidy(folder: Path, limit: float) -> None:
    """Remove what was left behind, and the least recently used until there is room.

    What another process is making, or removing, stays.

    Parameters
    ----------
    folder : Path
    limit : float
        How many bytes may be kept.

    Raises
    ------
    OSError
        If the folder cannot be looked through, or another process is at it.
    """
    with filelock.FileLock(str(folder / TIDYING), timeout=0):
        began = time.perf_counter()
        found = contents(folder)
        now = time.time()
        for path in found.leftovers:
            _remove_leftover(folder, path, now)
        left = found.nbytes
        most = limit * _LEFT if left > limit else limit
        for entry in found.entries:
            only_lock = entry.files == [entry.lock] and now - entry.used > _STALE
            if (left > most or only_lock) and remove(entry):
                left -= entry.nbytes
        write(folder / TIDIED, repr(time.perf_counter() - began).encode())


def clear(folder: Path) -> Contents:
    """Remove everything that is ours; what processes are making just now stays.

    Returns
    -------
    Contents
        What was removed.

    Raises
    ------
    OSError
        If the folder cannot be looked through.
    """
    found = contents(folder)
    now = time.time() + _STALE - 60  # nothing is too young but what is written just now
    leftovers = [path for path in found.leftovers if _remove_leftover(folder, path, now)]
    removed = Contents([entry for entry in found.entries if remove(entry)], leftovers)
    for name in (TIDIED, TIDYING):
        with suppress(OSError):
            (folder / name).unlink()
    with suppress(OSError):
        (folder / GENN).rmdir()
    return removed


def remove(entry: Entry) -> bool:
    """Remove an entry unless somebody is about to make it.

    Those who have loaded it keep what they have, except where a system (Windows) does not let files
    be removed that are in use; there it stays.

    Returns
    -------
    bool
        Whether it was removed.
    """
    try:
        with filelock.FileLock(str(entry.lock), timeout=0):
            # who meets half of it makes it anew: the seal is the last to go
            for path in sorted(entry.files, key=lambda path: path.suffix == ".sha256"):
                if path == entry.lock:
                    continue
                if path.is_dir():
                    # under another name first: nobody must take half of a folder for a whole one
                    aside = path.with_name(f"{UNFINISHED}{path.name}-{time.time_ns()}")
                    path.rename(aside)
                    shutil.rmtree(aside, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
            # Who waits for this very file may think to be alone while another is, too. Both would
            # make the same, each in a place of its own.
            with suppress(OSError):
                entry.lock.unlink()
    except OSError:
        return False
    return True


def _items(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as items:
            return list(items)
    except FileNotFoundError:
        return []


def _add(entry: Entry, item: os.DirEntry[str]) -> None:
    with suppress(FileNotFoundError):  # removed just now
        status = item.stat(follow_symlinks=False)
        entry.nbytes += _size(Path(item)) if item.is_dir(follow_symlinks=False) else status.st_size
        entry.used = max(entry.used, status.st_mtime)
        entry.files.append(Path(item))


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_size
    return total


def _is_due(note: Path) -> bool:
    """Whether looking through the folder is worth its time."""
    try:
        seconds = float(note.read_text(encoding="ascii"))
        age = time.time() - note.stat().st_mtime
    except (OSError, ValueError):
        return True
    return not 0 <= age < seconds / _SHARE


def _remove_leftover(folder: Path, path: Path, now: float) -> bool:
    """Remove something unfinished, if nobody is going to finish it."""
    key = path.name.removeprefix(UNFINISHED).rpartition("-")[0]
    try:
        age = now - path.lstat().st_mtime
        if KEPT.fullmatch(f"{key}.lock") and age > _STALE_IF_UNLOCKED:
            with filelock.FileLock(str(folder / f"{key}.lock"), timeout=0):
                shutil.rmtree(path, ignore_errors=True)
        elif age > _STALE:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
    except OSError:
        return False
    return not path.exists()
