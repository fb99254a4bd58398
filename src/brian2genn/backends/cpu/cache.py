"""Compiled libraries on the disk, shared with other processes: make one, or take it from there.

What may go wrong with a folder is taken care of here. A library that is damaged is made anew; in
place of a folder that cannot be used (read-only, full, without permission to run code from it)
comes one of this process's own.
"""

from __future__ import annotations

import atexit
import ctypes
import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import filelock
import platformdirs

#: Names this package's cache folder; the default is the user's cache folder.
CACHE_VARIABLE = "BRIAN2GENN_CACHE_DIR"

#: Seconds to wait for another process that makes the same library.
_PATIENCE = 600

logger = logging.getLogger("brian2.devices.genn")


class CacheError(Exception):
    """There is no place for compiled libraries."""


def library(key: str, make: Callable[[Path, Path], None]) -> ctypes.CDLL:
    """Load a library; make it if it is not in the cache, or not whole.

    Parameters
    ----------
    key : str
        Name of the library's file; has to change whenever the library does.
    make : callable
        Called with the path (without suffix) for texts, which are kept, and with the path of the
        library to make. Raises OSError if the folder is the reason why it cannot.

    Raises
    ------
    CacheError
        If neither the cache nor a temporary folder can be used.
    """
    folder = cache_directory()
    try:
        return _from_folder(folder, key, make)
    except OSError as error:
        reason = f"{folder}: {error}"
    if not _own_directory.cache_info().currsize:
        logger.warning(
            "Compiled programs cannot be kept (%s). They will be compiled again next time. To"
            " change that, set the environment variable %s to a folder that can be written and has"
            " room.",
            reason,
            CACHE_VARIABLE,
        )
    try:
        return _from_folder(_own_directory(), key, make)
    except OSError as error:
        raise CacheError(
            f"No folder can take compiled programs ({reason}; and instead of it {error}). Make"
            f" room, or set the environment variable {CACHE_VARIABLE} to a folder that can be"
            " written."
        ) from error


@cache
def cache_directory() -> Path:
    """Where compiled libraries are kept."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named).absolute() if named else Path(platformdirs.user_cache_dir("brian2genn"))


@cache
def _own_directory() -> Path:
    """A folder of this process."""
    directory = Path(tempfile.mkdtemp(prefix="brian2genn-"))
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # not when a forked process ends
            shutil.rmtree(directory, ignore_errors=True)

    atexit.register(remove)
    return directory


def _from_folder(folder: Path, key: str, make: Callable[[Path, Path], None]) -> ctypes.CDLL:
    if not folder.is_absolute():
        raise OSError("there is no home folder")  # where no one knows what "~" is
    path = folder / f"{key}.so"
    if not _is_whole(path):
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(str(path.with_suffix(".lock")), timeout=_PATIENCE):
            if not _is_whole(path):  # nobody made it while we waited
                _make(path, make)
    return ctypes.CDLL(str(path))


def _seal(path: Path) -> Path:
    """The file that holds a library's hash."""
    return path.with_suffix(".sha256")


def _hash(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).hexdigest().encode()


def _is_whole(path: Path) -> bool:
    """Whether a library is there and as it was made: to load another one may end the process."""
    try:
        return _seal(path).read_bytes() == _hash(path)
    except FileNotFoundError:
        return False


def _make(path: Path, make: Callable[[Path, Path], None]) -> None:
    """Make a library under another name, so that the cache never holds half of one."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="making-") as workshop:
        unfinished = Path(workshop, path.name)
        make(path.with_suffix(""), unfinished)
        seal = _seal(unfinished)
        seal.write_bytes(_hash(unfinished))
        os.replace(unfinished, path)
        os.replace(seal, _seal(path))
