"""Compilers that are missing, refuse, crash, are killed, or never end."""

import os
import signal
import stat
import sys
import threading
import time
from pathlib import Path

import pytest
from brian2 import Network, NeuronGroup, StateMonitor, ms, prefs, set_device

from brian2genn.backends.cache import folder as cache
from brian2genn.backends.host import toolchain
from tests import devices

#: A gcc in front of the real one: says its version, then does what the test wants.
WRAPPER = """#!/bin/sh
case "$*" in
*--version*|*works-*|*support-*) exec {compiler} "$@" ;;
esac
[ -e {switch} ] || exec {compiler} "$@"
{action}
"""


@pytest.fixture
def wrapped(fresh, tmp_path, monkeypatch):
    """Put a compiler in front; its switch is on."""

    def wrap(action: str):
        compiler = toolchain.find().c[0]
        script, switch = tmp_path / "compiler", tmp_path / "switch"
        switch.write_text("")
        script.write_text(WRAPPER.format(compiler=compiler, action=action, switch=switch))
        script.chmod(stat.S_IRWXU)
        monkeypatch.setenv("CC", str(script))
        fresh.forget()
        assert toolchain.find().c == (str(script),)
        return switch

    return wrap


CRASHES = {
    "killed": ("kill -9 $$", "Killed"),
    "crashed": ("kill -SEGV $$", "Segmentation fault"),
    "child killed": (
        "echo 'fatal error: Killed signal terminated program cc1' >&2; exit 1",
        "Killed signal terminated program cc1",
    ),
    "no message": ("exit 4", "The command was"),
    "not text": (r"printf 'caf\351 \377' >&2; exit 1", "The command was"),
}


@pytest.mark.parametrize("action, said", CRASHES.values(), ids=list(CRASHES))
def test_a_compiler_that_comes_to_a_bad_end(fresh, wrapped, action, said):
    """The error says which text, what command, and what happened; the next call works."""
    switch = wrapped(action)
    with pytest.raises(toolchain.CompileError) as info:
        fresh.answer()
    assert said in str(info.value)
    text = str(info.value).split("could not compile ")[1].split(": ")[0]
    assert "int answer" in Path(text).read_text()
    assert not fresh.libraries()
    switch.unlink()
    assert fresh.answer() == 42


def test_a_compiler_that_leaves_half_a_library(fresh, wrapped):
    switch = wrapped('while [ "$1" != "-o" ]; do shift; done; echo half > "$2"; kill -9 $$')
    with pytest.raises(toolchain.CompileError):
        fresh.answer()
    assert not fresh.libraries()
    assert not list(fresh.folder.glob("making-*"))
    switch.unlink()
    assert fresh.answer() == 42


def test_a_compiler_that_hangs(fresh, wrapped, monkeypatch, tmp_path):
    """It is ended after a while, with all that it has started."""
    pid = tmp_path / "pid"
    switch = wrapped(f"sleep 1000 & echo $! > {pid}; wait")
    monkeypatch.setattr(toolchain, "_PATIENCE", 2)
    with pytest.raises(toolchain.CompileError, match="had not finished after 2 seconds"):
        fresh.answer()
    assert has_ended(int(pid.read_text()))
    switch.unlink()
    monkeypatch.setattr(toolchain, "_PATIENCE", 600)
    assert fresh.answer() == 42


def has_ended(pid: int) -> bool:
    """Whether a process has ended; one that nobody has asked about yet has."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def is_in_main_thread(function: str) -> bool:
    """Whether the main thread is inside a function, by name."""
    frame = sys._current_frames()[threading.main_thread().ident]
    while frame is not None and frame.f_code.co_name != function:
        frame = frame.f_back
    return frame is not None


def test_ctrl_c_while_compiling(fresh, wrapped, tmp_path):
    """Nobody compiles on, and the next call works."""
    pid = tmp_path / "pid"
    switch = wrapped(f"sleep 1000 & echo $! > {pid}; wait")

    def interrupt():
        while not pid.exists() or not pid.read_text() or not is_in_main_thread("communicate"):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        fresh.answer()
    thread.join()
    assert has_ended(int(pid.read_text()))
    switch.unlink()
    assert fresh.answer() == 42


def test_a_compiler_that_disappears(fresh, wrapped):
    wrapped("true")
    toolchain.find()
    os.remove(os.environ["CC"])
    with pytest.raises(toolchain.CompileError, match="could not be started"):
        fresh.answer()


def test_a_compiler_that_reads_the_terminal(fresh, wrapped):
    """It gets nothing, and does not wait."""
    wrapped("cat >&2; echo end of input >&2; exit 1")
    with pytest.raises(toolchain.CompileError, match="end of input"):
        fresh.answer()


@pytest.mark.parametrize("command", ["/no/such/compiler", "false", "true", "cat"])
def test_the_next_compiler_is_taken(fresh, monkeypatch, command):
    monkeypatch.setenv("CC", command)
    assert fresh.answer() == 42
    assert toolchain.find().c[0] != command


def test_no_compiler(fresh, monkeypatch):
    """All that was tried is in the error, with a way out."""
    monkeypatch.setattr(toolchain, "_candidates", lambda: [(("/no/such/cc",), ("c++",))])
    with pytest.raises(toolchain.ToolchainError) as info:
        fresh.answer()
    assert "/no/such/cc" in str(info.value)
    assert "pip install" in str(info.value)


@pytest.mark.skipif(devices.DEVICE == "plain", reason="compiles nothing")
def test_a_network_whose_compiler_is_killed(fresh, wrapped, device):
    """The run fails before it begins; state and time are as before, and the next run works."""
    set_device(device)
    prefs.codegen.target = "numpy"
    switch = wrapped("kill -9 $$")
    group = NeuronGroup(3, "dv/dt = (1 - v)/(10*ms) : 1", method="exact")
    states = StateMonitor(group, "v", record=True)
    network = Network(group, states)
    with pytest.raises(toolchain.CompileError, match="Killed"):
        network.run(1 * ms)
    assert network.t_ == 0
    assert len(states.t) == 0
    switch.unlink()
    network.run(1 * ms)
    assert len(states.t) == 10
    assert network.t_ == pytest.approx(0.001)


def test_temporary_files_lie_with_the_library(fresh, wrapped):
    """So that what the check for room sees is the disk that the compiler fills."""
    wrapped('echo "TMPDIR is $TMPDIR" >&2; exit 1')
    with pytest.raises(toolchain.CompileError) as info:
        fresh.answer()
    assert f"TMPDIR is {cache.cache_directory()}" in str(info.value)
