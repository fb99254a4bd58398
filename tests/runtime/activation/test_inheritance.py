"""Workers run on the device of the process that started them, with no line in their function.

The scripts have a folder on the path that does what installing the package does: Python looks at
the file ``brian2genn_inherit.pth`` when it starts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
import timeit
from pathlib import Path

import brian2
import pytest
from brian2 import prefs, set_device
from brian2.devices.device import reset_device
from brian2.utils.logger import catch_logs

import brian2genn
from brian2genn.runtime.activation.inheritance import VARIABLE, hand_down
from tests import devices

SOURCES = Path(brian2genn.__file__).parents[1]
PTH = SOURCES / "brian2genn_inherit.pth"

SITE = """
import sysconfig, sys
from pathlib import Path
# where the package is installed, Python has seen the file already
if not Path(sysconfig.get_path("purelib"), "brian2genn_inherit.pth").exists():
    exec(Path({pth!r}).read_text())
"""

#: A module with a function as in scripts of others: it knows nothing of the device.
THEIRS = """
import os

def simulate(number):
    from brian2 import NeuronGroup, defaultclock, get_device, ms, run
    cells = NeuronGroup(2, "dv/dt = 1/ms : 1", method="euler")
    run(1*ms)
    device = get_device()
    options = {name: getattr(device, name, None) for name in ("build_on_run", "build_options")}
    name = "genn" if hasattr(device, "explain") else "runtime"
    return os.getpid(), name, options, float(cells.v[0])
"""


def run_script(folder: Path, text: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    (folder / "theirs.py").write_text(THEIRS)
    (folder / "sitecustomize.py").write_text(SITE.format(pth=str(PTH)))
    (folder / "script.py").write_text(textwrap.dedent(text))
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{SOURCES}"}
    environment.pop(VARIABLE, None)
    return subprocess.run(
        [sys.executable, "script.py"],
        cwd=folder,
        env={**environment, **devices.ON_THE_PROCESSOR},
        capture_output=True,
        text=True,
        timeout=timeout,
    )


POOLS = {
    "spawn": """
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            found = pool.map(simulate, [1])
    """,
    "forkserver": """
        with multiprocessing.get_context("forkserver").Pool(1) as pool:
            found = pool.map(simulate, [1])
    """,
    "fork": """
        with multiprocessing.get_context("fork").Pool(1) as pool:
            found = pool.map(simulate, [1])
    """,
    "concurrent.futures": """
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            found = [pool.submit(simulate, 1).result()]
    """,
    "joblib": """
        found = joblib.Parallel(2)(joblib.delayed(simulate)(i) for i in range(2))[:1]
    """,
}


def script(pool: str, before: str = "", after: str = "") -> str:
    return textwrap.dedent("""
        import concurrent.futures, json, multiprocessing, os
        import joblib
        from theirs import simulate
        if __name__ == "__main__":
            from brian2 import prefs, set_device
            import brian2genn
    """) + textwrap.indent(
        textwrap.dedent(before)
        + 'set_device("genn", backend="cpu", threads=1)\n'
        + textwrap.dedent(after)
        + textwrap.dedent(pool)
        + "assert found[0][0] != os.getpid()\nprint(json.dumps(found[0][1:]))\n",
        "    ",
    )


@pytest.mark.parametrize(
    "pool",
    [pytest.param(pool, marks=[] if pool == "joblib" else pytest.mark.slow) for pool in POOLS],
)
def test_a_worker_has_the_device_and_its_arguments(pool: str, tmp_path: Path) -> None:
    done = run_script(tmp_path, script(POOLS[pool]))
    assert done.returncode == 0, done.stderr
    device, options, value = json.loads(done.stdout.splitlines()[-1])
    assert device == "genn", done.stderr
    assert options == {"build_on_run": True, "build_options": {"backend": "cpu", "threads": 1}}
    assert value == pytest.approx(1)
    if pool not in ("fork", "joblib"):  # a fork has nothing to take; joblib has two workers
        assert done.stderr.count("inherits the device") == 1, done.stderr
        assert "set_device(\"genn\", backend='cpu', threads=1)" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "after",
    ["prefs.devices.genn.inherit = False\n", 'set_device("runtime")\n'],
    ids=["switched off", "another device"],
)
def test_a_worker_has_brians_device(after: str, tmp_path: Path) -> None:
    done = run_script(tmp_path, script(POOLS["spawn"], after=after))
    assert done.returncode == 0, done.stderr
    device, *_ = json.loads(done.stdout.splitlines()[-1])
    assert device == "runtime"
    assert "inherits" not in done.stderr


@pytest.mark.slow
def test_a_worker_may_import_this_package_first(tmp_path: Path) -> None:
    """Which imports Brian, which is when the device is to be chosen."""
    pool = """
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            found = [[0, pool.apply(theirs_too.simulate)]]
    """
    (tmp_path / "theirs_too.py").write_text(
        "import brian2genn\nfrom theirs import simulate as other\n"
        "def simulate():\n    return other(1)[1]\n"
    )
    text = script(pool).replace("import joblib\n", "import joblib\nimport theirs_too\n", 1)
    done = run_script(tmp_path, text)
    assert json.loads(done.stdout.splitlines()[-1]) == ["genn"], done.stderr
    assert done.stderr.count("inherits the device") == 1


@pytest.mark.slow
def test_a_program_of_its_own_inherits_nothing(tmp_path: Path) -> None:
    program = """
        import subprocess, sys
        command = [sys.executable, "-c", "from theirs import simulate; print(simulate(1)[1])"]
        found = [[0, subprocess.run(command, capture_output=True, text=True).stdout]]
    """
    done = run_script(tmp_path, script(program))
    assert json.loads(done.stdout.splitlines()[-1]) == ["runtime\n"], done.stderr


@pytest.mark.slow
def test_an_error_of_the_device_says_where_it_comes_from(tmp_path: Path) -> None:
    wrong = """os.environ["BRIAN2GENN_INHERIT"] = json.dumps({"threads": 0})\n"""
    pool = """
        process = multiprocessing.get_context("spawn").Process(target=simulate, args=(1,))
        process.start()
        process.join()
        found = [[0, process.exitcode]]
    """
    done = run_script(tmp_path, script(pool, after=wrong))
    assert json.loads(done.stdout.splitlines()[-1]) == [1]
    assert 'set_device("genn", threads=0), as the one that has started it did' in done.stderr


def told() -> dict | None:
    text = os.environ.get(VARIABLE)
    return None if text is None else json.loads(text)


def test_the_variable_follows_the_device() -> None:
    import numpy as np

    assert told() is None
    set_device("genn", backend="cpu", threads=np.int64(2))
    assert told() == {"backend": "cpu", "threads": 2}
    set_device("runtime")
    assert told() is None
    reset_device()
    assert told() == {"backend": "cpu", "threads": 2}
    with pytest.raises(ValueError, match="threads"):
        set_device("genn", threads=0)
    assert told() == {"backend": "cpu", "threads": 2}
    prefs.devices.genn.inherit = False
    assert told() is None
    set_device("genn", build_on_run=False)
    assert told() is None
    prefs.devices.genn.inherit = True
    assert told() == {"build_on_run": False}
    with pytest.raises(brian2.core.preferences.PreferenceError, match="inherit"):
        prefs.devices.genn.inherit = 1


def test_arguments_that_cannot_be_told_are_said() -> None:
    with catch_logs() as logs:
        hand_down({"genn_preferences": {"callback": print}})
    assert any("do not inherit" in text for _, _, text in logs)
    assert told() is None


def test_python_starts_as_fast_as_ever() -> None:
    """What every Python program on the machine pays, where nothing is inherited."""
    assert os.environ.get(VARIABLE) is None
    lines = PTH.read_text().splitlines()
    assert len(lines) == 1  # Python executes each line that begins with "import"
    times = timeit.repeat(lambda: exec(lines[0]), number=100, repeat=50, timer=time.process_time)
    assert min(times) / 100 < 50e-6
