"""Archives of peers' programs: where they are, and how they are made."""

from __future__ import annotations

import tarfile
from pathlib import Path


def program(folder: Path, peer: str, network: str) -> Path:
    """Where a peer's program for a network is, if there is one."""
    return folder / f"{peer.lower()}-{network}.tar.xz"


def pack(folder: Path, archive: Path) -> None:
    """Make an archive of what is in a folder; it is there when it is whole."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    unfinished = archive.with_suffix(".unfinished")
    with tarfile.open(unfinished, "w:xz") as packed:
        packed.add(folder, ".")
    unfinished.replace(archive)


def unpack(archive: Path, folder: Path) -> None:
    """Put what is in an archive into a folder."""
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
