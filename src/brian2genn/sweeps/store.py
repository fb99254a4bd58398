"""The file of a sweep: a database of SQLite, which is whole whenever its writer is killed.

Each result is written in a transaction, by the process that has called `sweep` and by no other.
Any program that reads SQLite can read it: arrays are the bytes of ``.npy`` files, single numbers
are also there as such.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import filelock
from brian2.utils.logger import get_logger

from . import fingerprint
from .grid import Grid, Run
from .values import Stored, decode, encode, number_of
from .work import Answer

logger = get_logger("brian2.devices.genn")

FORMAT = 1

#: The name of a database that is in memory only.
IN_MEMORY = ":memory:"

#: SQLite has a limit for one entry, of a thousand million bytes.
_PIECE = 250_000_000

_SCHEMA = """
CREATE TABLE sweep (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    key TEXT UNIQUE NOT NULL,
    number INTEGER,          -- among the runs of the present sweep; NULL for those of former ones
    place TEXT NOT NULL,     -- on each axis, as JSON
    seed INTEGER NOT NULL,
    state TEXT,              -- NULL until there is something: 'done' or 'failed'
    attempts INTEGER NOT NULL DEFAULT 0,
    seconds REAL,
    worker TEXT,
    finished REAL,           -- seconds since 1970
    error TEXT,
    traceback TEXT
);
CREATE INDEX runs_by_number ON runs (number);
CREATE TABLE entries (
    run INTEGER NOT NULL REFERENCES runs (id),
    role TEXT NOT NULL,      -- 'parameter' or 'result'
    name TEXT NOT NULL,
    piece INTEGER NOT NULL,  -- large values are in several pieces
    kind TEXT NOT NULL,      -- of the data: 'json', 'number' or 'array' (as .npy), 'pickle'
    unit TEXT NOT NULL,
    dimensions TEXT NOT NULL,
    number REAL,             -- the value, if it is a single number
    data BLOB NOT NULL,
    PRIMARY KEY (run, role, name, piece)
);
"""


class ChangedFunction(ValueError):
    """The results in a store are those of another function."""


class CannotBeRead(ValueError):
    """A parameter or a result that was kept, and does not become what it was."""


class NoStore(ValueError):
    """A file that is no store, or that cannot be used as one."""


class Store:
    """All runs of a sweep, with what came of them.

    Parameters
    ----------
    path : Path or None
        None keeps everything in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._lock: filelock.BaseFileLock | None = None
        self._guard = threading.RLock()  # a plot may be drawn by another thread
        self._connection = self._connect()

    # -- opening --------------------------------------------------------------------
    def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self.path or IN_MEMORY, isolation_level=None, check_same_thread=False, timeout=60
            )
        except sqlite3.OperationalError as error:
            raise NoStore(
                f"The store '{self.path}' cannot be opened: {error}. {_remedy(self.path)}"
            ) from error
        try:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            if not tables:
                connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
                connection.execute("INSERT INTO sweep VALUES ('format', ?)", (str(FORMAT),))
            elif "sweep" not in tables:
                raise NoStore(
                    f"'{self.path}' is a database of something else. Choose another file."
                )
            else:
                _check_format(connection, self.path)
        except sqlite3.DatabaseError as error:
            connection.close()
            raise NoStore(
                f"'{self.path}' cannot be used as a store: {error}. Choose another file."
            ) from error
        except NoStore:
            connection.close()
            raise
        return connection

    @classmethod
    def existing(cls, path: Path) -> Store:
        """A store that is there.

        Raises
        ------
        FileNotFoundError, NoStore
        """
        if not path.exists():
            raise FileNotFoundError(f"There is no store '{path}'.")
        return cls(path)

    def __getstate__(self) -> dict[str, Any]:
        # what is in memory goes along; of a file, the others have the path
        content = self._connection.serialize() if self.path is None else None
        path = self.path and self.path.resolve()
        return {"path": path, "content": content}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["path"])  # type: ignore[misc]
        if state["content"] is not None:
            self._connection.deserialize(state["content"])

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep other sweeps away from the file.

        Raises
        ------
        NoStore
            If another one is writing to it.
        """
        if self.path is None:
            yield
            return
        lock = filelock.FileLock(f"{self.path}.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise NoStore(
                f"Another process is running a sweep with the store '{self.path}'. Wait for it, or"
                " choose another file."
            ) from None
        except OSError as error:
            raise NoStore(
                f"The store '{self.path}' cannot be written: {error}. {_remedy(self.path)}"
            ) from error
        try:
            with self._quick_commits():
                yield
        finally:
            # While it is locked: later, it may be that of another process. Windows does not allow
            # it, nor takes away a file that somebody has open.
            if os.name != "nt":
                with suppress(OSError):
                    os.unlink(lock.lock_file)
            lock.release()
            if os.name == "nt":
                with suppress(OSError):
                    os.unlink(lock.lock_file)

    @contextmanager
    def _quick_commits(self) -> Iterator[None]:
        """Append transactions to a log, which needs not wait for the disk; in the end, one file.

        The file is as whole as otherwise; only if the machine itself dies, the last ones may be
        lost. File systems that cannot do it wait for the disk each time.
        """
        with self._guard, suppress(sqlite3.OperationalError):
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
        try:
            yield
        finally:
            with self._guard, suppress(sqlite3.OperationalError):  # somebody is reading
                self._connection.execute("PRAGMA journal_mode = DELETE")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._guard:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:  # no room, no permission, no disk
                self._roll_back()
                raise NoStore(
                    f"The store '{self.path}' cannot be written: {error}. What was there before is"
                    " still there, and the same call goes on when that is mended."
                ) from error
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    # -- what is to be run ------------------------------------------------------------
    def note(self, name: str) -> str | None:
        """What the store notes about its sweep; None if there is no such note."""
        with self._guard:
            row = self._connection.execute(
                "SELECT value FROM sweep WHERE name = ?", (name,)
            ).fetchone()
        return None if row is None else str(row[0])

    def begin(
        self,
        grid: Grid,
        entropy: int,
        function: Callable[..., Any],
        around: Mapping[str, str],
        if_changed: str,
    ) -> list[int]:
        """Make the store that of a sweep; what it has of the same runs stays.

        Parameters
        ----------
        grid : Grid
        entropy : int
            What the seeds are made of.
        function : callable
        around : dict of str to str
            What else results depend on, by what people call it.
        if_changed : {'error', 'keep', 'anew'}
            What to do if the function is another one than that of the results.

        Returns
        -------
        list of int
            What each run is called in the store.

        Raises
        ------
        ChangedFunction
        """
        parts = {**fingerprint.parts_of(function), **around}
        name = getattr(function, "__qualname__", repr(function))
        forget = self._compare_function(parts, name, if_changed)
        keys = _keys(grid.runs)
        with self._transaction() as connection:
            if forget:
                connection.execute("DELETE FROM entries WHERE role = 'result'")
                connection.execute("UPDATE runs SET state = NULL, attempts = 0")
            known = dict(connection.execute("SELECT key, id FROM runs"))
            connection.execute("UPDATE runs SET number = NULL")
            for run, key in zip(grid.runs, keys, strict=True):
                place = json.dumps(run.place)
                if key in known:
                    connection.execute(
                        "UPDATE runs SET number = ?, place = ? WHERE id = ?",
                        (run.number, place, known[key]),
                    )
                    continue
                row = connection.execute(
                    "INSERT INTO runs (key, number, place, seed) VALUES (?, ?, ?, ?)",
                    (key, run.number, place, run.seed),
                )
                known[key] = int(row.lastrowid or 0)
                for parameter, value in run.parameters.items():
                    self._write(known[key], "parameter", parameter, encode(value))
            notes = {
                "format": FORMAT,
                "function": name,
                "parts": json.dumps(parts),
                "python": fingerprint.PYTHON,
                "entropy": entropy,
                "axes": json.dumps(grid.axes),
                "shape": json.dumps(grid.shape),
                "changed": time.time(),
            }
            connection.executemany(
                "INSERT OR REPLACE INTO sweep VALUES (?, ?)",
                [(note, str(value)) for note, value in notes.items()],
            )
        return [known[key] for key in keys]

    def _compare_function(self, parts: Mapping[str, str], name: str, if_changed: str) -> bool:
        """Whether to forget what is there."""
        before: dict[str, str] = json.loads(self.note("parts") or "null")
        if before in (None, parts) or not self._has_results():
            return False
        former, python = self.note("function"), self.note("python")
        if if_changed == "anew":
            return True
        if python != fingerprint.PYTHON:
            logger.warn(
                f"The store '{self.path}' was written with Python {python}, so it cannot be told"
                f" whether '{former}' is still the same function. Its results are kept."
            )
        elif if_changed != "keep":
            raise ChangedFunction(
                f"The store '{self.path}' has results of another function:"
                f" {_what_changed(before, parts, former, name)}. Give another file for new"
                " results, or if_changed='anew' to run everything again, or if_changed='keep' to"
                " keep the results that are there."
            )
        return False

    def _has_results(self) -> bool:
        row = self._connection.execute("SELECT 1 FROM runs WHERE state = 'done' LIMIT 1").fetchone()
        return row is not None

    def ids(self) -> list[int]:
        """The runs of the present sweep in their order."""
        with self._guard:
            rows = self._connection.execute(
                "SELECT id FROM runs WHERE number IS NOT NULL ORDER BY number"
            )
            return [number for (number,) in rows]

    def not_in_sweep(self) -> int:
        """How many runs with results are not among those of the present sweep."""
        row = self._connection.execute(
            "SELECT count(*) FROM runs WHERE number IS NULL AND state = 'done'"
        ).fetchone()
        return int(row[0])

    # -- what came of it ----------------------------------------------------------------
    def record(self, answers: Sequence[tuple[int, Answer, int]]) -> None:
        """Write answers, all or none of them.

        Parameters
        ----------
        answers : sequence of (int, Answer, int)
            Which run, what came of it, and how often it was tried.
        """
        with self._transaction() as connection:
            for run, answer, attempts in answers:
                connection.execute(
                    "UPDATE runs SET state = ?, attempts = ?, seconds = ?, worker = ?,"
                    " finished = ?, error = ?, traceback = ? WHERE id = ?",
                    (
                        "done" if answer.state == "done" else "failed",
                        attempts,
                        answer.seconds,
                        answer.worker,
                        time.time(),
                        answer.error.encode("utf-8", "replace").decode(),
                        answer.traceback.encode("utf-8", "replace").decode(),
                        run,
                    ),
                )
                connection.execute("DELETE FROM entries WHERE run = ? AND role = 'result'", (run,))
                for name, stored in answer.results.items():
                    self._write(run, "result", name, stored)

    def _write(self, run: int, role: str, name: str, stored: Stored) -> None:
        number = number_of(stored)
        for piece, begin in enumerate(range(0, max(len(stored.data), 1), _PIECE)):
            self._connection.execute(
                "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    run,
                    role,
                    name,
                    piece,
                    stored.kind,
                    stored.unit,
                    stored.dimensions,
                    number,
                    memoryview(stored.data)[begin : begin + _PIECE],
                ),
            )

    def states(self) -> dict[int, str | None]:
        """The state of every run."""
        with self._guard:
            return dict(self._connection.execute("SELECT id, state FROM runs"))

    def row(self, run: int) -> Mapping[str, Any]:
        """What is noted about a run, without its results."""
        names = ("place", "seed", "state", "attempts", "seconds", "worker", "error", "traceback")
        with self._guard:
            row = self._connection.execute(
                f"SELECT {', '.join(names)} FROM runs WHERE id = ?", (run,)
            ).fetchone()
        return {**dict(zip(names, row, strict=True)), "place": tuple(json.loads(row[0]))}

    def names(self, role: str, runs: Sequence[int]) -> list[str]:
        """The names of all parameters, or results, of some runs, in their order."""
        query = "SELECT run, name FROM entries WHERE role = ? AND piece = 0"
        wanted = set(runs)
        with self._guard:
            if len(wanted) == 1:  # looked up, not looked for
                rows = self._connection.execute(
                    f"{query} AND run = ? ORDER BY rowid", (role, *wanted)
                )
            else:
                rows = self._connection.execute(f"{query} ORDER BY rowid", (role,))
            return list(dict.fromkeys(name for run, name in rows if run in wanted))

    def value(self, run: int, role: str, name: str) -> Any:
        """A parameter or a result.

        Raises
        ------
        KeyError
            If there is none of this name.
        CannotBeRead
        """
        with self._guard:
            rows = self._connection.execute(
                "SELECT kind, dimensions, unit, data FROM entries WHERE run = ? AND role = ?"
                " AND name = ? ORDER BY piece",
                (run, role, name),
            ).fetchall()
        if not rows:
            raise KeyError(name)
        kind, dimensions, unit, _ = rows[0]
        data = rows[0][3] if len(rows) == 1 else b"".join(row[3] for row in rows)
        try:
            return decode(Stored(kind, dimensions, unit, data))
        except Exception as error:  # pickles may do anything
            raise CannotBeRead(
                f"The {role} '{name}' is of a class that cannot be made again:"
                f" {type(error).__name__}: {error}. Pickles need the modules, and the script, that"
                " their classes are from."
            ) from error


def _what_changed(
    before: Mapping[str, str], parts: Mapping[str, str], former: str | None, name: str
) -> str:
    """What of a function is not what it was, in a sentence."""
    if former != name:
        return f"'{name}' is not '{former}'"
    changed = [
        f"'{part or name}'" if part == fingerprint.ITSELF or part.isidentifier() else part
        for part in {**before, **parts}
        if before.get(part) != parts.get(part)
    ]
    used = [part for part in changed if part != f"'{name}'"]
    if len(used) == len(changed):
        return f"{' and '.join(used)}, which '{name}' uses, changed since then"
    return f"{' and '.join(changed)} changed since then"


def _remedy(path: Path | None) -> str:
    """What to do about a place where a file cannot be made."""
    place = Path(path or "")
    if place.is_dir():
        return "It is a folder: give the name of a file."
    if not place.parent.is_dir():
        return f"There is no folder '{place.parent}': make it, or choose another one."
    return f"A file in a folder that you may write to is needed; '{place.parent}' may not be one."


def _check_format(connection: sqlite3.Connection, path: Path | None) -> None:
    row = connection.execute("SELECT value FROM sweep WHERE name = 'format'").fetchone()
    if row is not None and row[0] != str(FORMAT):
        raise NoStore(
            f"The store '{path}' is of format {row[0]}, and this version knows format {FORMAT}."
            " Use the version of Brian2GeNN that wrote it, or another file."
        )


def _keys(runs: Sequence[Run]) -> list[str]:
    """What makes a run the same as one of an earlier call: its parameters and its seed."""
    keys: list[str] = []
    seen: dict[str, int] = {}
    for run in runs:
        key = fingerprint.of_values({**run.parameters, "": run.seed})
        seen[key] = seen.get(key, 0) + 1
        keys.append(key if seen[key] == 1 else f"{key}-{seen[key]}")
    return keys
