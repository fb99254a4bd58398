"""Who may put programs into the cache: folders and files of others are not used."""

import logging
import os
import stat

import pytest

from brian2genn.backends.cache import files, folder
from brian2genn.backends.cuda.device import bindings, compiler
from brian2genn.backends.cuda.device.driver import CudaError, CudaUnavailable
from tests.faults.processes import in_fork, run_script

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no modes of files")

#: Somebody else, whoever runs the tests.
STRANGER = 54321


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def strange(monkeypatch):
    """Have some folders and files belong to somebody else."""
    paths = set()

    def of_strangers(status):
        return (status.st_dev, status.st_ino) not in paths

    monkeypatch.setattr(folder, "_belongs_to_us", of_strangers)

    def give(path):
        status = path.lstat()
        paths.add((status.st_dev, status.st_ino))

    return give


@pytest.mark.parametrize("umask", [0o002, 0o022, 0o000])
def test_folders_and_files_are_closed_to_others(fresh, tmp_path, umask):
    fresh.use(tmp_path / "deep" / "below" / "cache")
    before = os.umask(umask)
    try:
        assert fresh.answer() == 42
    finally:
        os.umask(before)
    for made in ("deep", "deep/below", "deep/below/cache"):
        assert mode(tmp_path / made) == 0o700
    kept = [path for path in (tmp_path / "deep/below/cache").iterdir() if path.suffix != ".lock"]
    assert len(kept) >= 4
    assert not any(mode(path) & 0o022 for path in kept)


def test_ones_own_cache_of_a_generous_umask_is_closed(fresh, caplog):
    """An older version made it, with umask 002; its files could have been changed."""
    fresh.answer()
    fresh.folder.chmod(0o775)
    (library,) = fresh.libraries()
    library.chmod(0o775)
    first = library.stat().st_ino
    fresh.forget()
    with caplog.at_level(logging.WARNING, "brian2"):
        assert fresh.answer() == 42
    assert not caplog.records
    assert mode(fresh.folder) == 0o755
    assert library.stat().st_ino != first, "it is made anew"
    assert not mode(library) & 0o022


def test_an_empty_folder_of_ones_own_is_closed(fresh, caplog):
    fresh.folder.mkdir()
    fresh.folder.chmod(0o2775)
    with caplog.at_level(logging.WARNING, "brian2"):
        assert fresh.answer() == 42
    assert not caplog.records
    assert mode(fresh.folder) == 0o2755


def test_the_users_cache_folder_is_closed_whatever_it_holds(fresh, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(folder.CACHE_VARIABLE)
    fresh.forget()
    default = folder.cache_directory()
    default.mkdir(parents=True)
    default.chmod(0o777)
    (default / "results").mkdir()
    assert fresh.answer() == 42
    assert mode(default) == 0o755
    assert fresh.libraries(default)


@pytest.mark.parametrize(("bits", "file"), [(0o775, "notes.txt"), (0o1777, None), (0o777, None)])
def test_a_folder_that_others_may_write_to(fresh, caplog, bits, file):
    """A project's, or one like /tmp: neither used nor changed."""
    fresh.folder.mkdir()
    if file:
        (fresh.folder / file).write_text("")
    fresh.folder.chmod(bits)
    with caplog.at_level(logging.WARNING, "brian2"):
        assert fresh.answer() == 42
        assert fresh.answer(43) == 43
    (record,) = caplog.records
    said = record.getMessage()
    assert f"others may write to it (mode {bits:04o})" in said
    assert f"chmod go-w {fresh.folder}" in said and folder.CACHE_VARIABLE in said
    assert mode(fresh.folder) == bits
    assert not fresh.libraries()


def test_a_file_system_without_modes(fresh, caplog, monkeypatch):
    """There, everybody may write to everything, and chmod does nothing."""
    fresh.folder.mkdir()
    fresh.folder.chmod(0o775)
    monkeypatch.setattr(type(fresh.folder), "chmod", lambda self, bits: None)
    with caplog.at_level(logging.WARNING, "brian2"):
        assert fresh.answer() == 42
    assert "others may write to it" in caplog.text


def test_somebody_elses_folder(fresh, strange, caplog):
    """With a library that is whole: who put it there could have put anything."""
    fresh.answer()
    (library,) = fresh.libraries()
    fresh.forget()
    strange(fresh.folder)
    with caplog.at_level(logging.WARNING, "brian2"):
        assert fresh.answer() == 42
    (record,) = caplog.records
    assert f"{fresh.folder}: it belongs to" in record.getMessage()
    assert "a folder of your own" in record.getMessage()
    assert fresh.libraries() == [library]


def test_somebody_elses_link(fresh, strange, tmp_path, caplog):
    """It leads where its owner likes, today to a folder of this user."""
    (tmp_path / "mine").mkdir()
    fresh.folder.symlink_to(tmp_path / "mine")
    strange(fresh.folder)
    with caplog.at_level(logging.WARNING, "brian2"):
        assert fresh.answer() == 42
    assert "it belongs to" in caplog.text
    assert not list((tmp_path / "mine").iterdir())


def test_a_link_of_ones_own(fresh, tmp_path, caplog):
    (tmp_path / "elsewhere").mkdir()
    fresh.folder.symlink_to(tmp_path / "elsewhere")
    with caplog.at_level(logging.WARNING, "brian2"):
        assert fresh.answer() == 42
    assert not caplog.records and len(fresh.libraries()) == 1


@pytest.mark.parametrize("suffix", [".so", ".sha256"])
def test_somebody_elses_file(fresh, strange, suffix):
    """Put into the folder before it was closed: made anew."""
    fresh.answer()
    (library,) = fresh.libraries()
    fresh.forget()
    file = library.with_suffix(suffix)
    before = file.stat().st_ino
    strange(file)
    assert fresh.answer() == 42
    assert file.stat().st_ino != before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may chown")
def test_owners_as_the_system_knows_them(fresh, caplog):
    """Root takes nothing from others; others take what root has made for them."""

    def as_stranger():
        os.setgroups([])
        os.setgid(STRANGER)
        os.setuid(STRANGER)
        try:
            folder.check(fresh.folder)
        except folder.UntrustedFolder as error:
            return str(error)
        return ""

    fresh.folder.mkdir(mode=0o755)
    for parent in fresh.folder.parents[:-2]:  # below /tmp
        parent.chmod(0o755)
    assert in_fork(as_stranger) == ""
    os.chown(fresh.folder, STRANGER, STRANGER)
    assert in_fork(as_stranger) == ""
    with caplog.at_level(logging.WARNING, "brian2"):
        assert fresh.answer() == 42
    assert f"it belongs to another user (number {STRANGER})" in caplog.text
    os.chown(fresh.folder, STRANGER + 1, STRANGER)
    assert f"number {STRANGER + 1}" in in_fork(as_stranger)


# -- what is kept beside libraries ------------------------------------------------------


def test_notes_are_not_read_from_a_folder_of_others(fresh, strange):
    note = fresh.folder / f"gpu-{'0' * 32}.json"
    assert files.write_somewhere(note, b"{}") == note
    assert files.read(note) == b"{}"
    strange(fresh.folder)
    assert files.read(note) is None
    elsewhere = files.write_somewhere(note, b"{1}")
    assert elsewhere.parent == folder.own_directory()
    assert elsewhere.read_bytes() == b"{1}"
    assert note.read_bytes() == b"{}"


def test_nothing_is_half_written(fresh, monkeypatch):
    note = fresh.folder / f"gpu-{'0' * 32}.json"
    files.write_somewhere(note, b"first")

    def full(source, target):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(folder.os, "replace", full)
        with pytest.raises(OSError, match="No space left"):
            folder.write(note, b"second")
    assert note.read_bytes() == b"first"
    assert [path.name for path in fresh.folder.iterdir()] == [note.name]


# -- what NVRTC makes -------------------------------------------------------------------

KERNEL = 'extern "C" __global__ void k(float *x) { x[threadIdx.x] = 2.0f; }'


@pytest.fixture
def nvrtc(fresh, monkeypatch):
    """How often NVRTC compiled, with a cache of this test's own."""
    try:
        bindings.bindings()
    except CudaUnavailable as missing:
        pytest.skip(str(missing))
    made = []
    compiled = compiler._compiled

    def counted(*arguments):
        made.append(arguments)
        return compiled(*arguments)

    monkeypatch.setattr(compiler, "_compiled", counted)
    return made


@pytest.mark.parametrize("suffix", [".cubin", ".log", ".sha256"])
@pytest.mark.parametrize("damage", [lambda whole: whole[:-1], lambda whole: b"", None])
def test_a_damaged_cubin_is_made_anew(fresh, nvrtc, suffix, damage):
    """A driver given half of one would fail, or take the process with it."""
    first, log = compiler.compile_cubin(KERNEL, 90)
    assert compiler.compile_cubin(KERNEL, 90) == (first, log)
    assert len(nvrtc) == 1
    (path,) = fresh.folder.glob(f"cuda-*{suffix}")
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage(path.read_bytes()))
    for _ in range(2):
        again, log = compiler.compile_cubin(KERNEL, 90)
        assert again == first and compiler.resources(log)["k"].registers > 0
        assert len(nvrtc) == 2


def test_cubins_without_a_place(fresh, nvrtc, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    fresh.use(tmp_path / "file" / "cache")
    with monkeypatch.context() as patch:
        patch.setattr(folder.tempfile, "mkdtemp", lambda *_, **__: str(tmp_path / "file" / "own"))
        cubin, log = compiler.compile_cubin(KERNEL, 90)
    assert cubin and "Used" in log


def test_a_text_that_nvrtc_refuses_is_kept_for_people(fresh, nvrtc):
    with pytest.raises(CudaError) as info:
        compiler.compile_cubin("__global__ void k() { µ; }", 90)
    (source,) = fresh.folder.glob("cuda-*.cu")
    assert str(source) in str(info.value)
    assert "µ" in source.read_text("utf-8")


# -- the command ------------------------------------------------------------------------


def test_the_command_says_why_a_folder_is_not_used(fresh):
    fresh.folder.mkdir()
    (fresh.folder / "notes.txt").write_text("")
    fresh.folder.chmod(0o777)
    script = "import brian2genn.__main__ as m; raise SystemExit(m.main(['cache', {!r}][:{}]))"
    shown = run_script(script.format("--clear", 1), **{folder.CACHE_VARIABLE: str(fresh.folder)})
    assert shown.returncode == 0, shown.stderr
    assert "It is not used: others may write to it" in shown.stdout
    cleared = run_script(script.format("--clear", 2), **{folder.CACHE_VARIABLE: str(fresh.folder)})
    assert cleared.returncode == 1
    assert "others may write to it" in cleared.stderr
    assert (fresh.folder / "notes.txt").exists()
