"""Several processes have the results of one, bit by bit."""

import shutil

import numpy as np
import pytest

from tests.runtime.ranks import networks
from tests.runtime.ranks.launch import compare, launch, needs_mpi

pytestmark = needs_mpi


def test_two_processes_have_the_results_of_one(tmp_path):
    assert compare(networks.PLASTIC, tmp_path, ranks=2) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "PLASTIC",
        "COUPLED",
        "DELAYED",
        "TRACED",
        "WOVEN",
        "DRAWN",
        "RESTING",
        "COMPUTED",
        "TRAVELLING",
    ],
)
@pytest.mark.parametrize(("ranks", "grain"), [(2, 64), (3, 8), (5, 8)])
def test_any_number_of_processes_has_the_results_of_one(tmp_path, name, ranks, grain):
    assert compare(getattr(networks, name), tmp_path, ranks, grain) == []


#: Stops the process again and again, for a while that nobody knows before, as a network would.
JITTER = """
import subprocess
subprocess.Popen([sys.executable, '-c', '''
import os, random, signal, sys, time
process, random = int(sys.argv[1]), random.Random(int(sys.argv[2]))
try:
    for _ in range(300):
        os.kill(process, signal.SIGSTOP)
        time.sleep(0.02*random.random()**2)
        os.kill(process, signal.SIGCONT)
        time.sleep(0.02*random.random())
except ProcessLookupError:
    pass
''', str(os.getpid()), str(rank)])
"""


@pytest.mark.slow
def test_nothing_depends_on_when_messages_arrive(tmp_path):
    assert (
        compare(networks.DELAYED.replace("run(20.3*ms)", JITTER + "run(20.3*ms)"), tmp_path, 3)
        == []
    )


@pytest.mark.slow
def test_a_stored_state_is_restored_by_another_number_of_processes(tmp_path):
    restored = (
        networks.COUPLED.partition("run(20*ms)")[0]
        + """
restore(filename='../state', restore_random_state=True)
run(10*ms)
results |= dict(i=spikes.i[:], v=G.v[:], u=S.u[:])
"""
    )
    folders = [tmp_path / name for name in ("two", "three", "one")]
    for folder in folders:
        folder.mkdir()
    first = launch(networks.COUPLED, folders[0], ranks=2)
    assert first.status == 0, first.text
    shutil.move(folders[0] / "state", tmp_path / "state")
    for folder, ranks in zip(folders[1:], (3, 1), strict=True):
        done = launch(restored, folder, ranks)
        assert done.status == 0, done.text
        for name, value in done.results[-1].items():
            assert np.array_equal(value, first.results[0][name]), (name, ranks)


def test_what_a_process_has_is_read_without_the_others(tmp_path):
    script = (
        HELD.replace("'v : 1')", "'v : 1', threshold='v > 1')")
        + """
with brian2genn.local():
    if rank < 2:
        results |= dict(w=S.w[:], i=S.i[:], j=S.j[:], large=S.w['w > 0.5'])
    try:
        S.w = 1
    except RuntimeError as error:
        results['refused'] = str(error)
results |= dict(all_w=S.w[:], all_i=S.i[:], all_j=S.j[:])
"""
    )
    done = launch(script, tmp_path, ranks=3, grain=64)
    assert done.status == 0, done.text
    first, second, third = done.results
    assert "w" not in third
    for found in (first, second):
        assert "can only be read" in str(found["refused"])
        mine = np.isin(found["all_j"], np.unique(found["j"]))
        for name in ("w", "i", "j"):
            assert np.array_equal(found[name], found[f"all_{name}"][mine])
        assert np.array_equal(found["large"], found["w"][found["w"] > 0.5])


HELD = """
seed(1)
G = NeuronGroup(640, 'v : 1')
S = Synapses(G, G, 'w : 1', on_pre='v_post += w')
S.connect(p=0.5)
S.w = 'rand()'
S.delay = '1*ms*rand()'
held = [len(v.get_value()) for v in (S.variables['w'], S.pre.variables['delay'])]
results |= dict(held=held, all=[len(S)])
"""


@pytest.mark.slow
def test_each_process_holds_its_share_of_the_synapses(tmp_path):
    script = HELD.replace("'v : 1')", "'v : 1', threshold='v > 1')")
    done = launch(script, tmp_path, ranks=4, grain=64)
    assert done.status == 0, done.text
    held = [found["held"][0] for found in done.results]
    assert sum(held) == done.results[0]["all"][0]
    assert max(held) < 0.4 * sum(held)  # of ten pieces of 64 neurons, three at most
    assert all(found["held"][0] == found["held"][1] for found in done.results)
