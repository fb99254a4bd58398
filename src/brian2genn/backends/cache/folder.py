"""The folder of the cache: where it is, who may use it, and what in it is ours.

A program is loaded into the process, so who can put a file there can make this user run anything.
A folder is used only if it, and each file in it, belongs to this user (or to root, who can do
anything as it is) and nobody else may write to it.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import stat
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import platformdirs

#: Names this package's cache folder; the default is the user's cache folder.
CACHE_VARIABLE = "BRIAN2GENN_CACHE_DIR"

#: Files that are kept: what they are of, and of which kind.
KEPT = re.compile(r"(?P<key>[a-z_]+-[0-9a-f]{32})(?P<suffix>\.[a-z0-9]+)")

#: Files and folders while they are made. Old versions had others.
UNFINISHED = "making-"
_UNFINISHED_BEFORE = re.compile(r"[a-z_]+-[0-9a-f]{32}\.\d+\.tmp")

#: Where GeNN's own programs are, when the folder was last tidied, and whose turn it is.
GENN, TIDIED, TIDYING = "pygenn", "tidied", "tidying.lock"

_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class UntrustedFolder(OSError):
    """Others could put programs into a folder, or files into the place of programs."""


@cache
def cache_directory() -> Path:
    """Where compiled libraries are kept."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named).absolute() if named else _default()


def _default() -> Path:
    return Path(platformdirs.user_cache_dir("brian2genn"))


@cache
def own_directory() -> Path:
    """A folder of this process, for what the cache cannot take."""
    directory = Path(tempfile.mkdtemp(prefix="brian2genn-"))
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # not when a forked process ends
            shutil.rmtree(directory, ignore_errors=True)

    atexit.register(remove)
    return directory


def has_own_directory() -> bool:
    """Whether there was something that the cache could not take."""
    return bool(own_directory.cache_info().currsize)


def prepare(folder: Path) -> None:
    """Make a folder if it is not there, for this user only, and check it.

    Raises
    ------
    OSError
        If it cannot be used.
    """
    check(folder)
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
    if missing:
        check(folder)  # somebody else may have been faster


def check(folder: Path) -> None:
    """See whether a folder can be trusted; one that is not there can be.

    One of this user's own to which others may write (older versions made such under a generous
    umask) is closed to them, if it holds nothing but a cache.

    Raises
    ------
    UntrustedFolder
        With the reason, and what to do.
    OSError
        If it cannot be looked at.
    """
    if not folder.is_absolute():
        raise OSError("there is no home folder")  # where no one knows what "~" is
    if os.name == "nt":
        return  # no modes; folders of a user's profile are closed to others
    try:
        found = [folder.lstat(), folder.stat()]  # a link, and where it leads
    except FileNotFoundError:
        return
    for status in found:
        if not _belongs_to_us(status):
            raise UntrustedFolder(
                f"it belongs to {_owner(status)}, and programs that others have made, or could"
                " exchange, are not run"
            )
    if not found[1].st_mode & _WRITABLE_BY_OTHERS:
        return
    if _may_be_closed(folder, found[1]):
        with suppress(OSError):
            folder.chmod(stat.S_IMODE(found[1].st_mode) & ~_WRITABLE_BY_OTHERS)
        if not folder.stat().st_mode & _WRITABLE_BY_OTHERS:
            return
    raise UntrustedFolder(
        f"others may write to it (mode {stat.S_IMODE(found[1].st_mode):04o}), and programs that"
        f" others have made, or could exchange, are not run. If nobody else needs it, 'chmod go-w"
        f" {folder}' mends that"
    )


def is_private(status: os.stat_result) -> bool:
    """Whether a file is as this user (or root) has made it, and nobody else could change it."""
    if os.name == "nt":
        return True
    return _belongs_to_us(status) and not status.st_mode & _WRITABLE_BY_OTHERS


def make_private(path: Path) -> None:
    """Let nobody else change a file that is new, whatever the umask."""
    if os.name != "nt":
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_WRITABLE_BY_OTHERS)


def write(path: Path, content: bytes) -> None:
    """Write a file so that nobody ever sees half of it, and nobody else can change it.

    Raises
    ------
    OSError
        If that cannot be.
    """
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        os.replace(unfinished, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(unfinished)
        raise


def is_unfinished(name: str) -> bool:
    """Whether a name is one of files and folders that are about to be made."""
    return name.startswith(UNFINISHED) or bool(_UNFINISHED_BEFORE.fullmatch(name))


def _belongs_to_us(status: os.stat_result) -> bool:
    return status.st_uid in (os.geteuid(), 0)


def _owner(status: os.stat_result) -> str:
    try:
        import pwd

        return f"the user '{pwd.getpwuid(status.st_uid).pw_name}'"
    except (ImportError, KeyError):
        return f"another user (number {status.st_uid})"


def _may_be_closed(folder: Path, status: os.stat_result) -> bool:
    """Whether it is for us to take a permission away that others may have been given on purpose."""
    if status.st_uid != os.geteuid() or status.st_mode & stat.S_ISVTX:
        return False  # not ours, or a folder like /tmp
    if folder == _default():
        return True
    names = [path.name for path in folder.iterdir()]
    if not names:
        return not status.st_mode & stat.S_IWOTH
    return all(
        KEPT.fullmatch(name) or is_unfinished(name) or name in (GENN, TIDIED, TIDYING)
        for name in names
    )
