"""Where Brian's example scripts come from: the source distribution of the installed version."""

import subprocess
import sys
import tarfile
from pathlib import Path

import brian2
from platformdirs import user_cache_path


def cache() -> Path:
    """The folder in which the source distribution and results are kept."""
    return user_cache_path("brian2genn") / "brian2_examples" / brian2.__version__


def examples(folder: Path) -> Path:
    """Fetch Brian's source distribution, unless it is there, and unpack its examples.

    Parameters
    ----------
    folder : Path
        Where the archive is kept.

    Returns
    -------
    Path
        The folder of the example scripts.
    """
    version = brian2.__version__
    unpacked = folder / f"brian2-{version}" / "examples"
    if not unpacked.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        archive = folder / f"brian2-{version}.tar.gz"
        if not archive.exists():
            # Only Brian as source: pip asks it for its metadata, for which it needs Brian's
            # build requirements, and these come as wheels.
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            command += ["--no-binary", "brian2", "--dest", str(folder), f"brian2=={version}"]
            subprocess.run(command, check=True)
        with tarfile.open(archive) as tar:
            members = [m for m in tar.getmembers() if "/examples/" in m.name]
            tar.extractall(folder, members, filter="data")
    return unpacked


def scripts(folder: Path) -> list[str]:
    """The names of all Python files among the examples, relative to their folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py"))
