"""A wheel and an sdist, as people would get them: built, checked, installed and run.

``python -m tests.wheel [python ...]`` installs the wheel into a new environment of each interpreter
that is named (by default ``python3.11``, ``python3.12`` and ``python3.13``, as far as they are
there) and runs the demo's network in it, away from the clone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_DEFAULT = ("python3.11", "python3.12", "python3.13")

_SCRIPT = """
from brian2 import *
import brian2genn

set_device("genn", backend="cpu")
area = 20000*umetre**2
eqs = Equations('''
dv/dt = (gl*(El-v)+ge*(Ee-v)+gi*(Ei-v)-g_na*(m*m*m)*h*(v-ENa)-g_kd*(n*n*n*n)*(v-EK))/Cm : volt
dm/dt = alpham*(1-m)-betam*m : 1
dn/dt = alphan*(1-n)-betan*n : 1
dh/dt = alphah*(1-h)-betah*h : 1
dge/dt = -ge/(5*ms) : siemens
dgi/dt = -gi/(10*ms) : siemens
alpham = 0.32*mV**-1*4*mV/exprel((13*mV-v+VT)/(4*mV))/ms : Hz
betam = 0.28*mV**-1*5*mV/exprel((v-VT-40*mV)/(5*mV))/ms : Hz
alphah = 0.128*exp((17*mV-v+VT)/(18*mV))/ms : Hz
betah = 4./(1+exp((40*mV-v+VT)/(5*mV)))/ms : Hz
alphan = 0.032*mV**-1*5*mV/exprel((15*mV-v+VT)/(5*mV))/ms : Hz
betan = .5*exp((10*mV-v+VT)/(40*mV))/ms : Hz
''')
Cm, gl, El, EK, ENa = 1*uF*cm**-2*area, 5e-5*siemens*cm**-2*area, -60*mV, -90*mV, 50*mV
g_na, g_kd, VT = 100*msiemens*cm**-2*area, 30*msiemens*cm**-2*area, -63*mV
Ee, Ei, we, wi = 0*mV, -80*mV, 6*nS, 67*nS
P = NeuronGroup(1000, eqs, threshold="v>-20*mV", refractory=3*ms, method="exponential_euler")
Ce = Synapses(P[:800], P, on_pre="ge+=we"); Ce.connect(p=0.08)
Ci = Synapses(P[800:], P, on_pre="gi+=wi"); Ci.connect(p=0.08)
P.v, P.ge, P.gi = "El + (randn()*5 - 5)*mV", "(randn()*1.5 + 4)*10.*nS", "(randn()*12 + 20)*10.*nS"
spikes = SpikeMonitor(P)
run(100*ms)
assert spikes.num_spikes > 100
assert brian2genn.explain().count("Brian") == 0, brian2genn.explain()
print(spikes.num_spikes, "spikes,", brian2genn.__file__)
"""


def run(*command: str | Path, folder: Path) -> None:
    """Run a command away from the clone, and from what it has in PYTHONPATH."""
    print("+", *command, flush=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([str(part) for part in command], check=True, cwd=folder, env=environment)


def main() -> int:
    """Build, check, install, run."""
    parser = argparse.ArgumentParser(prog="python -m tests.wheel")
    parser.add_argument("pythons", nargs="*")
    named = parser.parse_args().pythons
    found = named or [name for name in _DEFAULT if shutil.which(name)]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        run(sys.executable, "-m", "build", "--outdir", folder / "dist", ROOT, folder=folder)
        made = sorted((folder / "dist").iterdir())
        assert [one.suffix for one in made] == [".whl", ".gz"] or len(made) == 2, made
        run(sys.executable, "-m", "twine", "check", "--strict", *made, folder=folder)
        wheel = next(one for one in made if one.suffix == ".whl")
        (folder / "script.py").write_text(_SCRIPT)
        for python in found:
            place = folder / Path(python).name
            run(python, "-m", "venv", place, folder=folder)
            inside = place / ("Scripts" if os.name == "nt" else "bin") / "python"
            run(inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel,
                folder=folder)  # fmt: skip
            run(inside, "script.py", folder=folder)
            run(inside, "-m", "brian2genn", folder=folder)
    print(f"Built, checked, and run with {', '.join(found) or 'no interpreter: none is here'}.")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
