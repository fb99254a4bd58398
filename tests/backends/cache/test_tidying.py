"""Room in the cache: what was not used for long goes, and nothing that somebody needs."""

import os
import time

import filelock
import pytest
from brian2 import PreferenceError, prefs

import brian2genn.__main__ as command
from brian2genn import preferences
from brian2genn.backends.cache import files, folder, tidying
from tests.faults.processes import in_fork

DAY = 86400


def key(number: int, name: str = "network") -> str:
    return f"{name}-{number:032x}"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty cache."""
    cache = tmp_path / "cache"
    monkeypatch.setenv(folder.CACHE_VARIABLE, str(cache))
    folder.cache_directory.cache_clear()
    yield cache
    folder.cache_directory.cache_clear()


def keep(number: int, nbytes: int = 1000, suffix: str = ".cubin") -> bytes:
    """A program of so many bytes, and what becomes of it."""

    def make(stem, unfinished):
        unfinished.with_suffix(suffix).write_bytes(bytes([number % 256]) * nbytes)

    return files.keep(
        key(number), (suffix,), make, lambda stem: stem.with_suffix(suffix).read_bytes()
    )


def age(place, number: int, seconds: float) -> None:
    """Have a program be used for the last time so long ago."""
    for path in place.glob(f"*{number:032x}*"):
        os.utime(path, (time.time() - seconds,) * 2)


def programs(place) -> list[int]:
    return sorted(int(path.stem.rpartition("-")[2], 16) for path in place.glob("*.cubin"))


# -- what is removed --------------------------------------------------------------------


def test_the_least_recently_used_are_removed(place):
    for number in range(10):
        keep(number)
        age(place, number, 1000 - number)
    keep(2)  # is used
    tidying.tidy(place, 5000)
    assert programs(place) == [2, 7, 8, 9]
    assert sorted({path.suffix for path in place.iterdir()}) == ["", ".cubin", ".lock", ".sha256"]
    assert not list(place.glob(f"*{0:032x}*"))


def test_nothing_is_removed_as_long_as_there_is_room(place):
    for number in range(10):
        keep(number)
    before = {path.name for path in place.iterdir()}
    tidying.tidy(place, 10 * 1100)
    assert {path.name for path in place.iterdir()} == before


def test_what_is_being_made_stays(place):
    for number in range(3):
        keep(number)
        age(place, number, 1000)
    with filelock.FileLock(str(place / f"{key(1)}.lock")):
        tidying.tidy(place, 0)
    assert programs(place) == [1]
    tidying.tidy(place, 0)
    assert programs(place) == []


def test_files_of_others_stay(place):
    """A folder that was named for the cache may hold anything."""
    keep(1)
    others = ["notes.txt", "network.c", "network-1234.so", "data-0123.json", "making", "results"]
    for name in others[:-1]:
        (place / name).write_text("x")
    (place / "results").mkdir()
    (place / "results" / f"{key(1)}.so").write_text("x")
    tidying.tidy(place, 0)
    tidying.clear(place)
    assert {path.name for path in place.iterdir()} == set(others)
    assert (place / "results" / f"{key(1)}.so").exists()


def test_what_processes_have_left_behind(place):
    """Those that were killed; what may be going on is left alone."""
    keep(1)
    left = [f"making-{key(1)}-abcd_123", "making-xyz", f"{key(2)}.4242.tmp", f"{key(3)}.lock"]
    for name, is_folder in zip(left, (True, True, False, False), strict=True):
        if is_folder:
            (place / name).mkdir()
            (place / name / "half").write_text("x")
        else:
            (place / name).write_text("x" * (name.endswith(".tmp")))
    tidying.tidy(place, 10**9)
    assert all((place / name).exists() for name in left)
    for name in left:
        os.utime(place / name, (time.time() - 2 * DAY,) * 2)
    with filelock.FileLock(str(place / f"{key(1)}.lock")):
        tidying.tidy(place, 10**9)
        assert [name for name in left if (place / name).exists()] == left[:1]
    tidying.tidy(place, 10**9)
    assert not any((place / name).exists() for name in left)
    assert programs(place) == [1]


def test_programs_of_genn_are_folders(place):
    genn = place / folder.GENN
    for name in ("old", "new"):
        (genn / f"{name}_CODE").mkdir(parents=True)
        (genn / f"{name}_CODE" / "librunner.so").write_bytes(bytes(5000))
        (genn / f"{name}.lock").write_text("")
    for path in (genn / "old_CODE", genn / "old.lock"):
        os.utime(path, (time.time() - DAY,) * 2)
    (found,) = [entry for entry in tidying.contents(place).entries if "old" in entry.key]
    assert found.is_program and found.nbytes == 5000
    tidying.tidy(place, 8000)
    assert sorted(path.name for path in genn.iterdir()) == ["new.lock", "new_CODE"]
    tidying.clear(place)
    assert not genn.exists()


# -- when -------------------------------------------------------------------------------


@pytest.fixture
def scans(monkeypatch):
    """How often a folder was looked through."""
    made = []
    contents = tidying.contents

    def counted(place):
        made.append(place)
        return contents(place)

    monkeypatch.setattr(tidying, "contents", counted)
    return made


def test_the_limit_is_the_preferences(place):
    prefs.devices.genn.cache_size = 3000
    for number in range(5):
        keep(number)
        age(place, number, 100 - number)
    (place / folder.TIDIED).unlink()
    keep(9)
    assert programs(place) == [4, 9]
    prefs.devices.genn.cache_size = None
    (place / folder.TIDIED).unlink()
    keep(10)
    assert programs(place) == [4, 9, 10]


def test_nothing_is_looked_through_if_nothing_is_new(place, scans):
    keep(1)
    assert len(scans) == 1
    (place / folder.TIDIED).unlink()
    for _ in range(5):
        keep(1)
    assert len(scans) == 1


def test_looking_through_takes_a_hundredth_of_the_time(place, scans):
    keep(1)
    note = place / folder.TIDIED
    note.write_text("0.5")  # seconds that it took
    keep(2)
    assert len(scans) == 1
    os.utime(note, (time.time() - 49,) * 2)
    keep(3)
    assert len(scans) == 1
    os.utime(note, (time.time() - 51,) * 2)
    keep(4)
    assert len(scans) == 2
    for damage in (b"", b"\xff", b"nan", b"-1"):
        note.write_bytes(damage)
        number = len(scans)
        keep(10 + number)
        assert len(scans) == number + 1


def test_what_goes_wrong_with_tidying_is_no_matter(place, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tidying, "tidy", refuse)
    assert keep(1) == b"\1" * 1000


@pytest.mark.parametrize("value", [0, 1, 10**12, 1e9, float("inf"), None])
def test_sizes(value):
    prefs.devices.genn.cache_size = value
    assert preferences.cache_size() == value


@pytest.mark.parametrize("value", [-1, float("nan"), "1 GB", True])
def test_what_is_no_size(value):
    with pytest.raises(PreferenceError):
        prefs.devices.genn.cache_size = value


# -- several at once --------------------------------------------------------------------


def test_a_program_that_is_removed_while_it_is_loaded(place):
    """By a process that tidies at the worst time: it is made anew, without a word."""
    keep(1)
    removed = []

    def load(stem):
        if not removed:
            removed.append(stem)
            for entry in tidying.contents(place).entries:
                tidying.remove(entry)
        return stem.with_suffix(".cubin").read_bytes()

    def make(stem, unfinished):
        unfinished.with_suffix(".cubin").write_bytes(b"again")

    assert files.keep(key(1), (".cubin",), make, load) == b"again"
    assert not folder.has_own_directory()


def test_a_loaded_library_is_removed(fresh):
    """Its memory stays with who has it."""
    assert fresh.answer() == 42
    tidying.clear(fresh.folder)
    assert not fresh.libraries()
    assert fresh.answer() == 42
    fresh.forget()
    assert fresh.answer() == 42


def test_processes_that_make_and_remove(place):
    """Four processes use eight programs of a cache that has room for two; one clears it."""

    def user(seed: int):
        def use():
            tidying.set_limit(lambda: 2200)
            for turn in range(60):
                number = (turn * 7 + seed) % 8
                if keep(number) != bytes([number]) * 1000:
                    return f"{number} is wrong"
            return "own folder" if folder.has_own_directory() else ""

        return use

    def clearer():
        for _ in range(40):
            tidying.clear(place)
            time.sleep(0.005)
        return ""

    assert in_fork(user(0), user(1), user(2), user(3), clearer) == [""] * 5
    tidying.tidy(place, 2200)
    assert len(programs(place)) <= 2
    assert not [path for path in place.iterdir() if folder.is_unfinished(path.name)]


def test_processes_that_compile_and_remove(fresh):
    """The same with libraries, which are loaded and called."""

    def user():
        tidying.set_limit(lambda: 0)
        for number in (1, 2, 3):
            if fresh.answer(number) != number:
                return "wrong"
            fresh.forget()
        return "own folder" if folder.has_own_directory() else ""

    assert in_fork(user, user, user) == [""] * 3


# -- the command ------------------------------------------------------------------------


def test_the_command_shows_and_clears(place, capsys):
    assert command.main(["cache"]) == 0
    said = capsys.readouterr().out
    assert str(place) in said and "0 programs" in said and "of at most 1 GB" in said
    for number in range(3):
        keep(number, 10**6)
    age(place, 1, 10 * DAY)
    assert command.main(["cache"]) == 0
    said = capsys.readouterr().out
    assert "3 programs" in said and "3 MB" in said
    assert time.strftime("%Y-%m-%d", time.localtime(time.time() - 10 * DAY)) in said
    prefs.devices.genn.cache_size = None
    command.main(["cache"])
    assert "of any size" in capsys.readouterr().out
    with filelock.FileLock(str(place / f"{key(2)}.lock")):
        assert command.main(["cache", "--clear"]) == 0
    said = capsys.readouterr().out
    assert "2 programs removed" in said and "1 could not be removed" in said
    assert command.main(["cache", "--clear"]) == 0
    assert "1 program removed" in capsys.readouterr().out
    assert list(place.iterdir()) == []


def test_the_command_without_a_command(capsys):
    assert command.main([]) == 0
    said = capsys.readouterr().out
    assert "C compiler" in said and "--check" in said
