"""Ctrl-C that comes more than once ends a sweep as one does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from brian2genn.sweeps.interruption import heard_once

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


def ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_the_second_disturbs_nothing_that_the_first_has_caused():
    before, tidied = signal.getsignal(signal.SIGINT), False

    def tidy() -> str:
        ctrl_c()
        ignored = "import signal; print(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)"
        done = subprocess.run([sys.executable, "-c", ignored], capture_output=True, text=True)
        return done.stdout.strip()

    with pytest.raises(KeyboardInterrupt), heard_once():
        try:
            ctrl_c()
        finally:
            tidied = tidy() == "True"  # nor do processes that help to tidy up hear of it
    assert tidied
    assert signal.getsignal(signal.SIGINT) is before


def test_who_does_not_stop_at_the_first_hears_the_second():
    heard = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        with heard_once():
            ctrl_c()
            ctrl_c()
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(heard) == 2


def test_who_ignores_it_goes_on_doing_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with heard_once():
            ctrl_c()
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
