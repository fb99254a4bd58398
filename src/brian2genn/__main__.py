"""``python -m brian2genn``: commands for the shell."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from .backends.cache import tidying
from .backends.cache.folder import CACHE_VARIABLE, cache_directory, check
from .preferences import cache_size
from .runtime.messages.machine import describe_machine
from .runtime.messages.sizes import said
from .runtime.selfcheck import compare_with_brian


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process if not given.

    Returns
    -------
    int
        0 if all went well.
    """
    parser = argparse.ArgumentParser(
        prog="python -m brian2genn",
        description="Tell what is on this machine, and what a script would run on.",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="also run a small network here and with Brian, and compare; a GPU shows before that"
        " it computes right",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_cache(commands)
    options = parser.parse_args(arguments)
    if "function" not in options:
        return _machine(options.check)
    result: int = options.function(options)
    return result


# -- the machine -----------------------------------------------------------------------


def _machine(check_it: bool) -> int:
    for title, text in describe_machine(metadata.version("brian2genn")):
        _tell(title, text)
    folder = cache_directory()
    try:
        found = tidying.contents(folder)
        _tell("cache", f"{folder}: {_programs(found)}, {_size(found)}")
    except OSError as error:
        _tell("cache", f"{folder} cannot be looked through: {error}")
    if not check_it:
        print("With --check, a small network is run and compared with Brian.")
        return 0
    differences = compare_with_brian()
    for difference in differences:
        _tell("differs", difference)
    if not differences:
        _tell("check", "A small network gives the same as with Brian's NumPy runtime.")
    return int(bool(differences))


def _tell(title: str, text: str) -> None:
    print(f"{title:20}{text}", flush=True)


# -- cache -----------------------------------------------------------------------------


def _add_cache(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "Show what is kept on the disk of compiled programs, or remove it."
    more = (
        f"The environment variable {CACHE_VARIABLE} names another folder. How much may be kept"
        " there is the preference devices.genn.cache_size, in bytes."
    )
    command = commands.add_parser("cache", help=text, description=text, epilog=more)
    command.add_argument("--clear", action="store_true", help="remove all compiled programs")
    command.set_defaults(function=_cache)


def _cache(options: argparse.Namespace) -> int:
    folder = cache_directory()
    try:
        if options.clear:
            print(_cleared(folder))
        else:
            print("\n".join(_shown(folder)))
    except OSError as error:
        print(f"The cache {folder} cannot be looked through: {error}", file=sys.stderr)
        return 1
    return 0


def _cleared(folder: Path) -> str:
    check(folder)
    removed = tidying.clear(folder)
    text = f"{_programs(removed)} removed from {folder}, {said(removed.nbytes)}."
    left = tidying.contents(folder).entries
    if left:
        text += f" {len(left)} could not be removed: other processes make or use them just now."
    return text


def _shown(folder: Path) -> list[str]:
    found = tidying.contents(folder)
    lines = [
        f"folder    {folder}",
        f"holds     {_programs(found)}",
        f"size      {_size(found)}",
    ]
    used = [entry.used for entry in found.entries if entry.is_program]
    if used:
        oldest = time.strftime("%Y-%m-%d %H:%M", time.localtime(used[0]))
        lines.append(f"oldest    last used {oldest}")
    try:
        check(folder)
    except OSError as error:
        lines.append(f"It is not used: {error}.")
    return lines


def _size(found: tidying.Contents) -> str:
    limit = cache_size()
    most = "of any size" if limit is None else f"of at most {said(limit)}"
    return f"{said(found.nbytes)} {most} (preference devices.genn.cache_size)"


def _programs(found: tidying.Contents) -> str:
    number = sum(entry.is_program for entry in found.entries)
    return f"{number} program{'' if number == 1 else 's'}"


if __name__ == "__main__":
    sys.exit(main())
