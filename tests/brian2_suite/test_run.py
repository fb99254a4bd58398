"""That the runner of Brian's own suite works: one of its tests, and what is counted of it."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_test_of_brian_passes_and_its_code_is_counted():
    command = [sys.executable, "-m", "tests.brian2_suite.run", "--standalone", "-n", "0"]
    command += ["-k", "test_transmission_simple"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\s+passed +[1-9]", done.stdout, re.MULTILINE), done.stdout
    for what in ("Objects that do something in a time step", "Pieces of set-up code"):
        assert re.search(rf"^{what}: [1-9]", done.stdout, re.MULTILINE), done.stdout
