"""Functions in forked processes and scripts in new ones: what they do leaves the tests alone."""

import multiprocessing
import os
import subprocess
import sys
import textwrap
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brian2genn
from tests import devices

_fork = multiprocessing.get_context("fork")


def in_fork(*functions: Callable[[], Any], timeout: float = 120) -> Any:
    """Run functions at the same time, each in a fork of this process.

    Returns what the function returns, or a list if there are several. Raises EOFError if a process
    ends without an answer, RuntimeError with the traceback if a function fails.
    """
    ends = []
    for function in functions:
        here, there = _fork.Pipe(duplex=False)
        process = _fork.Process(target=_answer, args=(there, function))
        with warnings.catch_warnings():
            # of forking with threads: pytest-xdist has some, which the functions do not touch
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        there.close()
        ends.append((process, here))
    answers = []
    try:
        for _, here in ends:
            if not here.poll(timeout):
                raise TimeoutError(f"no answer in {timeout} seconds")
            answers.append(here.recv())
    finally:
        for process, here in ends:
            here.close()
            process.join(5)
            if process.is_alive():
                process.kill()
                process.join()
    for answer in answers:
        if isinstance(answer, _Failure):
            raise RuntimeError(answer.text)
    return answers[0] if len(answers) == 1 else answers


class _Failure:
    def __init__(self, text: str) -> None:
        self.text = text


def _answer(there: Any, function: Callable[[], Any]) -> None:
    try:
        there.send(function())
    except BaseException:
        there.send(_Failure(traceback.format_exc()))


def environment(**more: str) -> dict[str, str]:
    """Variables with which another Python finds the package and these tests."""
    here = [str(Path(brian2genn.__file__).parents[1]), str(Path(__file__).parents[2])]
    path = os.pathsep.join([*here, os.environ.get("PYTHONPATH", "")])
    variables = {"PYTHONPATH": path, "PYTHONWARNINGS": "ignore", **devices.ON_THE_PROCESSOR}
    return {**os.environ, **variables, **more}


def run_script(script: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a new Python, with more environment variables."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
