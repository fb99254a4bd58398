"""The line that moves while something takes long, and where the time of a run went."""

from __future__ import annotations

import io
import re
import time
from types import SimpleNamespace

import pytest
from brian2 import NeuronGroup, PreferenceError, StateMonitor, Synapses, ms, prefs, run, set_device

import brian2genn
from brian2genn.backends import progress
from brian2genn.runtime.run import loop


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Notebook(io.StringIO):
    """As the stream of a notebook says that it is no terminal."""


Notebook.__module__ = "ipykernel.iostream"


@pytest.fixture(params=[Terminal, Notebook, io.StringIO])
def stream(request, monkeypatch):
    made = request.param()
    # not the module itself: pytest exchanges the streams between set-up and test
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=made))
    monkeypatch.setattr(progress, "_AFTER", 0.0)
    monkeypatch.setattr(progress, "_EVERY", 0.0)
    monkeypatch.setattr(loop, "_LONGEST_STAY", 0.0)
    monkeypatch.setattr(loop, "_LONGEST_STAY_AMONG_THREADS", 0.0)
    set_device("genn", backend="cpu")
    yield made
    prefs.devices.genn.progress = True


def _lines(stream) -> list[str]:
    return [part.strip() for part in stream.getvalue().split("\r") if part.strip()]


def _work() -> None:
    cells = NeuronGroup(3, "dv/dt = -v/(10*ms) : 1", method="euler", threshold="v > 1")
    synapses = Synapses(cells, cells, on_pre="v += 1")
    synapses.connect(j="k for k in range(N_post) if k != i")
    run(100 * ms)


def test_it_is_seen_where_a_line_can_move(stream):
    _work()
    lines = _lines(stream)
    if type(stream) is io.StringIO:
        assert not lines
        return
    assert any(re.fullmatch(r"running \s*\d+% \|[# ]{20}\| \d+ s, about \d+ s left", line)
               or line.startswith("running 0 s") for line in lines)  # fmt: skip
    assert any("set-up code" in line for line in lines)
    assert stream.getvalue().endswith(f"\r{' ' * 79}\r")  # nothing is left
    assert max(map(len, stream.getvalue().split("\r"))) <= 79


def test_it_can_be_switched_off(stream):
    prefs.devices.genn.progress = False
    _work()
    assert not _lines(stream)


def test_a_report_is_enough(stream):
    cells = NeuronGroup(3, "dv/dt = -v/(10*ms) : 1", method="euler")
    run(1 * ms, report=lambda *_: None)
    assert len(cells) == 3
    assert not any("running" in line for line in _lines(stream))


def test_what_is_short_is_not_shown(stream, monkeypatch):
    monkeypatch.setattr(progress, "_AFTER", 60.0)
    _work()
    assert not stream.getvalue()


def test_something_that_tells_nothing_of_itself(stream):
    with progress.watched("waiting"):
        for _ in range(100):
            time.sleep(0.02)
            if "waiting" in stream.getvalue():
                break
    assert ("waiting" in stream.getvalue()) == (type(stream) is not io.StringIO)


def test_how_much_is_done():
    assert progress._seconds(59.4) == "59 s"
    assert progress._seconds(125) == "2 min 5 s"


def test_a_closed_stream_does_no_harm(monkeypatch):
    for stream in (None, io.StringIO()):
        if stream is not None:
            stream.close()
        monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=stream))
        monkeypatch.setattr(progress, "_AFTER", 0.0)
        line = progress.Line("waiting")
        line.show(0.5)
        line.close()


def test_the_preference_is_checked():
    with pytest.raises(PreferenceError, match="neither True nor False"):
        prefs.devices.genn.progress = "yes"


def test_where_the_time_went():
    set_device("genn", backend="cpu")
    cells = NeuronGroup(3, "dv/dt = -v/(10*ms) : 1", method="euler")
    monitor = StateMonitor(cells, "v", record=True)
    run(100 * ms)
    found = brian2genn.explain()
    times = found.times
    assert times.loop == pytest.approx(brian2genn.genn_device._last_run_time)
    assert times.preparing > 0
    assert times.compiling >= 0
    before = times.fetching
    assert len(monitor.t) == 1000
    assert times.fetching >= before
    assert re.search(
        r"Last run: \S+ s preparing, \S+ s compiling, \S+ s in the loop, \S+ s fetching what was"
        r" recorded\.",
        repr(found),
    )
