"""Compilers and the cache of compiled programs, each case in a process of its own.

What may go wrong with them is in tests/faults.
"""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import brian2genn
from tests import devices

SCRIPT = """
from brian2 import *
import brian2genn
set_device("genn")
group = NeuronGroup(5, "dv/dt = (1.5 - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0",
                    method="exact")
synapses = Synapses(group, group, on_pre="v_post += 0.01", delay=0.3*ms)
synapses.connect()
spikes = SpikeMonitor(group)
Network(group, synapses, spikes).run(30*ms)
print("spikes:", spikes.num_spikes)
"""
#: What the script prints under Brian's runtime, as the first test sees it.
SPIKES = "spikes: 10"


def run_script(script: str = SCRIPT, **environment: str) -> subprocess.CompletedProcess[str]:
    source = str(Path(brian2genn.__file__).parents[1])
    path = os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(script)],
        env={**os.environ, "PYTHONPATH": path, **devices.ON_THE_PROCESSOR, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_runtime_gives_the_same():
    result = run_script(
        SCRIPT.replace('set_device("genn")', 'prefs.codegen.target = "numpy"'),
    )
    assert SPIKES in result.stdout, result.stderr


def test_compiles_once(tmp_path):
    for _ in range(2):
        assert SPIKES in run_script(BRIAN2GENN_CACHE_DIR=str(tmp_path)).stdout
    assert len(list(tmp_path.glob("network-*.so"))) == 1


def test_numbers_are_not_part_of_the_program(tmp_path):
    script = """
    from brian2 import *
    import brian2genn
    set_device("genn")
    group = NeuronGroup(5, "dv/dt = (limit - v)/tau : 1", method="exact")
    network = Network(group)
    for tau, limit in [(10*ms, 1.5), (20*ms, 2.5), (7*ms, -1.0)]:
        network.run(10*ms)
        group.v = 0
        defaultclock.dt = defaultclock.dt/2
    """
    result = run_script(script, BRIAN2GENN_CACHE_DIR=str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert len(list(tmp_path.glob("network-*.so"))) == 1


def path_without_compilers(folder: Path) -> str:
    """A PATH on which no compiler is found."""
    folder.mkdir()
    return str(folder)


def test_without_a_compiler(tmp_path):
    script = SCRIPT + 'print(brian2genn.explain().count("Brian") > 0)\n'
    # the wheel with a compiler must not be found either
    script = "import sys; sys.modules['ziglang'] = None\n" + script.replace(
        "import brian2genn\n",
        "import importlib.util\n"
        "find_spec = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: (\n"
        "    None if name == 'ziglang' else find_spec(name, *rest))\n"
        "import brian2genn\n",
    )
    result = run_script(
        script,
        PATH=path_without_compilers(tmp_path / "empty"),
        BRIAN2GENN_CACHE_DIR=str(tmp_path / "cache"),
    )
    assert SPIKES in result.stdout, result.stderr
    assert "True" in result.stdout
    warnings = [line for line in result.stderr.splitlines() if "No working C compiler" in line]
    assert len(warnings) == 1
    assert "pip install" in warnings[0]
