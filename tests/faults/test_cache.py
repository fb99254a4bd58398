"""The folder of compiled libraries: damaged, forbidden, full, shared, gone."""

import logging
import os
import resource
import shutil
import stat
import threading

import pytest

from brian2genn.backends.cache import files, folder
from brian2genn.backends.host import toolchain
from tests.faults.processes import in_fork, run_script


@pytest.fixture
def count_compiles(monkeypatch):
    """How often a library was made."""
    made = []
    compile_ = toolchain._compile

    def counted(*arguments):
        made.append(arguments)
        compile_(*arguments)

    monkeypatch.setattr(toolchain, "_compile", counted)
    return made


def replace(path, contents: bytes) -> None:
    """Put another file in the place of one that this process may have mapped."""
    path.unlink()
    path.write_bytes(contents)


def for_another_processor(contents: bytes) -> bytes:
    """An ELF file whose header names a processor that nobody has."""
    return contents[:18] + b"\x01\x7f" + contents[20:]


DAMAGES = {
    "empty": lambda contents: b"",
    "no library": lambda contents: b"no library at all",
    "cut off": lambda contents: contents[: len(contents) // 2],
    "cut off by a byte": lambda contents: contents[:-1],
    "zeros": lambda contents: bytes(len(contents)),
    "zeros at the end": lambda contents: contents[:-4096] + bytes(4096),
    "another processor's": for_another_processor,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=list(DAMAGES))
def test_a_damaged_library_is_made_anew(fresh, damage, count_compiles):
    assert fresh.answer() == 42
    (library,) = fresh.libraries()
    whole = library.read_bytes()
    fresh.forget()
    replace(library, damage(whole))
    count_compiles.clear()
    assert fresh.answer() == 42
    assert len(count_compiles) == 1
    assert library.stat().st_size == len(whole)
    fresh.forget()
    assert fresh.answer() == 42
    assert len(count_compiles) == 1


@pytest.mark.parametrize("contents", [b"", b"\xff\xfe", None])
def test_a_damaged_seal(fresh, contents, count_compiles):
    assert fresh.answer() == 42
    seal = fresh.libraries()[0].with_suffix(".sha256")
    seal.unlink()
    if contents is not None:
        seal.write_bytes(contents)
    fresh.forget()
    count_compiles.clear()
    assert fresh.answer() == 42
    assert len(count_compiles) == 1


def test_a_whole_library_that_cannot_be_loaded(fresh, caplog):
    """From a folder without permission to run code, for example: the process makes its own."""
    assert fresh.answer() == 42
    (library,) = fresh.libraries()
    fresh.forget()
    replace(library, for_another_processor(library.read_bytes()))
    library.with_suffix(".sha256").write_bytes(files._hash(library))
    with caplog.at_level(logging.WARNING, "brian2"):
        assert fresh.answer() == 42


def test_nothing_unfinished_remains(fresh):
    fresh.answer()
    kinds = {path.suffix for path in fresh.folder.iterdir()}
    assert kinds <= {".c", ".so", ".sha256", ".lock", ""}


def test_another_version_or_other_flags_make_their_own(fresh, monkeypatch, count_compiles):
    """The headers and the flags are part of a library's name."""
    fresh.answer()
    monkeypatch.setenv(toolchain.FLAGS_VARIABLE, "-DANYTHING='1 + 1'")
    fresh.forget()
    fresh.answer()
    assert len(fresh.libraries()) == 2
    monkeypatch.delenv(toolchain.FLAGS_VARIABLE)
    monkeypatch.setattr(toolchain, "_headers", lambda: b"/* of another version */")
    fresh.forget()
    fresh.answer()
    assert len(fresh.libraries()) == 3


def test_the_cache_is_deleted_while_libraries_are_loaded(fresh):
    assert fresh.answer() == 42
    shutil.rmtree(fresh.folder)
    assert fresh.answer() == 42
    assert fresh.answer(43) == 43
    fresh.forget()
    assert fresh.answer() == 42


def test_a_cache_that_can_only_be_read_is_read(fresh, caplog, monkeypatch, count_compiles):
    """What is in it is used; what is not is made elsewhere, which is said once."""
    assert fresh.answer() == 42
    fresh.forget()
    count_compiles.clear()

    make_unwritable(fresh.folder, monkeypatch)
    with caplog.at_level(logging.WARNING, "brian2"):
        assert fresh.answer() == 42
        assert not count_compiles and not caplog.records
        assert [fresh.answer(43), fresh.answer(44)] == [43, 44]
    (record,) = caplog.records
    assert str(fresh.folder) in record.getMessage()
    assert folder.CACHE_VARIABLE in record.getMessage()


def make_unwritable(cache, monkeypatch) -> None:
    """Locks and folders cannot be made there: permissions do not stop the root user."""
    lock = files.filelock.FileLock

    def refusing(path, **options):
        if str(path).startswith(str(cache)):
            raise PermissionError(13, "Permission denied", path)
        return lock(path, **options)

    monkeypatch.setattr(files.filelock, "FileLock", refusing)


def test_a_cache_that_is_no_folder(fresh, tmp_path, caplog):
    file = tmp_path / "file"
    file.write_text("")
    fresh.use(file / "cache")
    with caplog.at_level(logging.WARNING, "brian2"):
        assert fresh.answer() == 42
    assert "Compiled programs cannot be kept" in caplog.text


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not stop the root user")
def test_a_cache_without_permission(fresh, caplog):
    fresh.folder.mkdir()
    fresh.folder.chmod(0)
    with caplog.at_level(logging.WARNING, "brian2"):
        assert fresh.answer() == 42
    fresh.folder.chmod(stat.S_IRWXU)
    assert "Compiled programs cannot be kept" in caplog.text


def test_nowhere_to_write(fresh, tmp_path, monkeypatch):
    """Neither the cache nor the temporary folder: an error that says what to do."""
    file = tmp_path / "file"
    file.write_text("")
    fresh.use(file / "cache")
    toolchain_ = toolchain.Toolchain(("cc",), ("c++",), (), "no matter")
    with monkeypatch.context() as patch, pytest.raises(toolchain.ToolchainError) as info:
        patch.setattr(folder.tempfile, "mkdtemp", lambda *_, **__: str(file / "own"))
        toolchain.compile_library(toolchain_, "", "answer")
    assert str(file / "cache") in str(info.value)
    assert folder.CACHE_VARIABLE in str(info.value)
    fresh.use(tmp_path / "cache")
    assert fresh.answer() == 42


@pytest.mark.parametrize("room", [100, 6000], ids=["for nothing", "for the text"])
def test_a_full_disk(fresh, room):
    """No file of more than `room` bytes can be written, by Python or by the compiler."""

    def compile_with_little_room():
        try:
            fresh.answer()
        except toolchain.ToolchainError as error:
            return str(error)

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        said = compile_with_little_room()
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        return said, fresh.answer()

    said, answer = in_fork(limited)
    assert "No folder can take compiled programs" in said
    assert answer == 42
    assert fresh.answer() == 42


def test_a_full_disk_beside_one_with_room(fresh, caplog, monkeypatch):
    """A compiler that fails because its folder is full is not at fault."""
    check = toolchain._check_room

    def check_room(place):
        if fresh.folder in place.parents:
            raise OSError(28, "No space left on device", str(place))
        check(place)

    monkeypatch.setattr(toolchain, "_check_room", check_room)
    run = toolchain._run

    def failing(command, patience, **environment):
        result = run(command, patience, **environment)
        if str(fresh.folder) in environment.get("TMPDIR", ""):
            result.returncode = 1
        return result

    monkeypatch.setattr(toolchain, "_run", failing)
    with caplog.at_level(logging.WARNING, "brian2"):
        assert fresh.answer() == 42
    assert "No space left on device" in caplog.text


@pytest.mark.parametrize("home", ["unknown", "no folder"])
def test_no_home(fresh, home, monkeypatch, tmp_path):
    """Without a home folder (in a container, say) nothing is written into the working folder."""
    monkeypatch.delenv(folder.CACHE_VARIABLE)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if home == "unknown":
        monkeypatch.setattr(
            folder.platformdirs, "user_cache_dir", lambda name: os.path.join("~", ".cache", name)
        )
    else:
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("HOME", str(tmp_path / "file"))
    monkeypatch.chdir(tmp_path)
    fresh.forget()
    assert fresh.answer() == 42
    assert not list(tmp_path.glob("~*"))


def test_files_of_a_strict_umask(fresh):
    """Nobody else can read them, and this user can use them again."""
    before = os.umask(0o077)
    try:
        assert fresh.answer() == 42
    finally:
        os.umask(before)
    assert not fresh.libraries()[0].stat().st_mode & 0o077
    fresh.forget()
    assert fresh.answer() == 42


def test_a_library_that_cannot_be_read(fresh, monkeypatch, caplog):
    """Another user's, in a shared cache: this process makes its own."""
    assert fresh.answer() == 42
    fresh.forget()
    read = files._hash

    def unreadable(path):
        if path in fresh.libraries():
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(files, "_hash", unreadable)
    with caplog.at_level(logging.WARNING, "brian2"):
        assert fresh.answer() == 42
    assert "Permission denied" in caplog.text


def test_threads_compile_once(fresh, count_compiles):
    fresh.answer(1)  # the compiler has been found
    count_compiles.clear()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(fresh.answer())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [42] * 4
    assert len(count_compiles) == 1


def test_processes_compile_once(fresh, tmp_path):
    """Several processes want the same library while none has it."""
    log = tmp_path / "compiles"

    def one() -> int:
        compile_ = toolchain._compile

        def logged(*arguments):
            with log.open("a") as file:
                file.write("x")
            compile_(*arguments)

        toolchain._compile = logged
        return fresh.answer()

    fresh.answer(1)
    answers = in_fork(one, one, one)
    assert answers == [42] * 3
    assert log.read_text() == "x"


def test_a_process_that_ends_while_it_compiles_locks_nobody_out(fresh):
    fresh.answer(1)

    def die():
        toolchain._compile = lambda *arguments: os._exit(3)
        fresh.answer()

    with pytest.raises(EOFError):
        in_fork(die)
    assert fresh.answer() == 42


def test_a_folder_of_ones_own_goes_with_its_process(fresh, tmp_path):
    """And not with a forked one that ends first."""
    file = tmp_path / "file"
    file.write_text("")
    script = """
import os
from brian2genn.backends.cache.folder import own_directory
folder = own_directory()
if os.fork() == 0:
    raise SystemExit
os.wait()
assert folder.exists()
print(folder)
"""
    result = run_script(script)
    assert result.returncode == 0, result.stderr
    assert not os.path.exists(result.stdout.strip())
