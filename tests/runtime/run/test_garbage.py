"""What a script has imported is no concern of collections; what it has made is."""

import subprocess
import sys

import pytest

from tests.paths import ROOT

SCRIPT = """
import gc
from brian2 import NeuronGroup, Network, ms, set_device, start_scope
import brian2genn

def make():
    group = NeuronGroup(2, "v : 1")
    return Network(group)

{before}
frozen = gc.get_freeze_count()
set_device("genn", backend="cpu", threads=1)
print(gc.get_freeze_count() > frozen + 10_000)
for _ in range(3):
    make().run(1*ms)
    set_device("genn", backend="cpu", threads=1)
gc.collect()
print(len([one for one in NeuronGroup.__instances__() if one() is not None]))
"""


@pytest.mark.parametrize(
    ("before", "aside"),
    [("", True), ("made = make()", False)],
    ids=["nothing made", "made before"],
)
def test_imports_are_set_aside_once(before, aside):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(before=before)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told, left = done.stdout.split()
    assert told == str(aside)
    # the script's own network, where it holds one: whatever else was made is collected
    assert int(left) == (before == "made = make()")
