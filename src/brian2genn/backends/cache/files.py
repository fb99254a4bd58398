"""The files of the cache: everything that is kept on the disk is written and read here.

What may go wrong with a folder is taken care of here. What is damaged is made anew; in place of a
folder that cannot be used (read-only, full, another user's, without permission to run code from it)
comes one of this process's own.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import filelock

from . import tidying
from .folder import (
    CACHE_VARIABLE,
    UNFINISHED,
    UntrustedFolder,
    cache_directory,
    check,
    has_own_directory,
    is_private,
    make_private,
    own_directory,
    prepare,
    write,
)

#: Seconds to wait for another process that makes the same.
_PATIENCE = 600

logger = logging.getLogger("brian2.devices.genn")

T = TypeVar("T")


class CacheError(Exception):
    """There is no place for compiled programs."""


def library(key: str, make: Callable[[Path, Path], None]) -> ctypes.CDLL:
    """Load a library; make it if it is not in the cache, or not whole.

    Arguments and errors are those of `keep`, but `make` is called with the path of the library.
    """

    def make_file(stem: Path, unfinished: Path) -> None:
        make(stem, unfinished.with_suffix(".so"))

    return keep(key, (".so",), make_file, lambda stem: ctypes.CDLL(str(stem.with_suffix(".so"))))


def keep(
    key: str,
    suffixes: Sequence[str],
    make: Callable[[Path, Path], None],
    load: Callable[[Path], T],
) -> T:
    """Load what is in some files of one name; make them if they are not in the cache, or not whole.

    Parameters
    ----------
    key : str
        Name of the files; has to change whenever what is in them does.
    suffixes : sequence of str
        What the files end with.
    make : callable
        Called with the path (without suffix) for texts, which are kept, and with the path (without
        suffix) of the files to make. Raises OSError if the folder is the reason why it cannot.
    load : callable
        Called with the path (without suffix) of the files. Raises OSError if it cannot.

    Returns
    -------
    object
        What `load` returns.

    Raises
    ------
    CacheError
        If neither the cache nor a temporary folder can be used.
    """
    folder = cache_directory()
    try:
        return _from_folder(folder, key, suffixes, make, load)
    except OSError as error:
        reason = _said(folder, error)
    try:
        return _from_folder(own_directory(), key, suffixes, make, load)
    except OSError as error:
        raise CacheError(
            f"No folder can take compiled programs ({reason}; and instead of it {error}). Make"
            f" room, or set the environment variable {CACHE_VARIABLE} to a folder that can be"
            " written."
        ) from error


def is_kept(key: str) -> bool:
    """Whether `keep` would find it in the cache; what has been damaged counts as found."""
    folders = [cache_directory(), *([own_directory()] if has_own_directory() else [])]
    return any(_seal(folder / key).exists() for folder in folders)


def folder_for(name: str) -> Path:
    """A folder in the cache, or in a folder of this process's own, for who writes there himself.

    Raises
    ------
    OSError
        If neither can be used.
    """
    folder = cache_directory()
    try:
        prepare(folder)
        prepare(folder / name)
    except OSError as error:
        _said(folder, error)
        folder = own_directory()
        prepare(folder / name)
    return folder / name


def _said(folder: Path, error: OSError) -> str:
    """Why the cache cannot be used; said once."""
    reason = f"{folder}: {error}"
    if not has_own_directory():
        wanted = "of your own" if isinstance(error, UntrustedFolder) else "that has room"
        logger.warning(
            "Compiled programs cannot be kept (%s). They will be compiled again next time. To"
            " change that, set the environment variable %s to a folder %s and that can be written.",
            reason,
            CACHE_VARIABLE,
            wanted,
        )
    return reason


def write_somewhere(path: Path, content: bytes) -> Path:
    """Write a file of the cache; where that cannot be, into a folder of this process's own.

    There it is for people; nobody reads it from there.

    Returns
    -------
    Path
        Where it is. If it could not be written at all, it is not there.
    """
    for candidate in (lambda: path, lambda: own_directory() / path.name):
        with suppress(OSError):
            prepare(candidate().parent)
            write(candidate(), content)
            return candidate()
    return path


def read(path: Path) -> bytes | None:
    """A file of the cache; None if it is not there, or not to be trusted."""
    try:
        check(path.parent)
        content = _read_private(path)
    except OSError:
        return None
    _touch(path)
    return content


def _from_folder(
    folder: Path,
    key: str,
    suffixes: Sequence[str],
    make: Callable[[Path, Path], None],
    load: Callable[[Path], T],
) -> T:
    check(folder)
    stem = folder / key
    if _is_whole(stem, suffixes):
        try:
            found = load(stem)
        except OSError:
            if _is_whole(stem, suffixes):
                raise
            # another process has removed it meanwhile
        else:
            _touch(_seal(stem))
            return found
    prepare(folder)
    with filelock.FileLock(str(stem.with_suffix(".lock")), timeout=_PATIENCE):
        make_it = not _is_whole(stem, suffixes)  # nobody made it while we waited
        if make_it:
            _make(stem, suffixes, make)
        # nobody removes it as long as the lock is held
        found = load(stem)
    if make_it:
        tidying.after_making(folder)
    return found


def _seal(stem: Path) -> Path:
    """The file that holds the hashes of others; its time is when they were used last."""
    return stem.with_suffix(".sha256")


def _touch(path: Path) -> None:
    """Note that something was used; in a folder that can only be read, nobody removes it."""
    with suppress(OSError):
        os.utime(path)


def _read_private(path: Path) -> bytes:
    with path.open("rb") as file:
        if not is_private(os.fstat(file.fileno())):
            raise UntrustedFolder(f"others may have written {path}")
        return file.read()


def _hash(path: Path) -> bytes:
    return hashlib.sha256(_read_private(path)).hexdigest().encode()


def _hashes(stem: Path, suffixes: Sequence[str]) -> bytes:
    return b"\n".join(_hash(stem.with_suffix(suffix)) for suffix in suffixes)


def _is_whole(stem: Path, suffixes: Sequence[str]) -> bool:
    """Whether files are there and as they were made: to load others may end the process."""
    try:
        return _read_private(_seal(stem)) == _hashes(stem, suffixes)
    except (FileNotFoundError, UntrustedFolder):
        return False


def _make(stem: Path, suffixes: Sequence[str], make: Callable[[Path, Path], None]) -> None:
    """Make files under other names, so that the cache never holds half of one."""
    prefix = f"{UNFINISHED}{stem.name}-"
    with tempfile.TemporaryDirectory(dir=stem.parent, prefix=prefix) as workshop:
        unfinished = Path(workshop, stem.name)
        make(stem, unfinished)
        paths = [unfinished.with_suffix(suffix) for suffix in suffixes]
        for path in paths:
            make_private(path)
        seal = _seal(unfinished)
        seal.write_bytes(_hashes(unfinished, suffixes))
        make_private(seal)
        for path in (*paths, seal):
            os.replace(path, stem.with_suffix(path.suffix))
