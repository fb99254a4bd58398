"""Processes that do not do the same: all end, with a message that says why, and none hangs."""

import numpy as np
import pytest

from tests.runtime.ranks.launch import launch, needs_mpi

pytestmark = [needs_mpi, pytest.mark.slow]

NETWORK = """
seed(3)
G = NeuronGroup(
    64, 'dv/dt = (1.2 - v)/(10*ms) : 1', threshold='v > 1', reset='v = 0', method='exact'
)
G.v = 'rand()'
S = Synapses(G, G, 'w : 1', on_pre='v_post += w')
S.connect(p=0.2)
S.w = 0.01
spikes = SpikeMonitor(G)
"""


def failed(script, folder):
    done = launch(script, folder, ranks=2, seconds=120)
    assert done.status != 0
    assert done.results == []
    return done.text


def test_an_exception_on_one(tmp_path):
    text = failed(
        NETWORK + "run(1*ms)\nif rank == 1: raise OSError('no such thing')\nrun(1*ms)", tmp_path
    )
    assert "Process 1 of 2 ends all of them: it has failed: OSError: no such thing" in text


def test_an_exception_within_a_run(tmp_path):
    script = (
        NETWORK
        + """
@network_operation
def fail():
    if rank == 1 and defaultclock.t > 1*ms: raise OSError('no such thing')
run(5*ms)
"""
    )
    text = failed(script, tmp_path)
    assert "OSError: no such thing" in text


def test_one_that_is_caught_is_an_error_of_all(tmp_path):
    script = (
        NETWORK
        + """
@network_operation
def fail():
    if rank == 1 and defaultclock.t > 1*ms: raise OSError('no such thing')
try:
    run(5*ms)
except (OSError, RuntimeError) as error:
    results['error'] = str(error)
fail.active = False
run(5*ms)
results['n'] = spikes.num_spikes
"""
    )
    done = launch(script, tmp_path, ranks=2)
    assert done.status == 0, done.text
    told = [str(found["error"]) for found in done.results]
    assert told[1] == "no such thing"
    assert told[0].startswith(
        "Process 1 of the 2 that run this network together has failed: OSError"
    )
    assert done.results[0]["n"] == done.results[1]["n"] > 0


def test_one_that_ends_early(tmp_path):
    text = failed(NETWORK + "if rank == 1: sys.exit()\nrun(1*ms)", tmp_path)
    assert "Process 1 of 2 has come to the end of the script, while others have not" in text


def test_one_that_is_killed(tmp_path):
    script = (
        NETWORK
        + """
@network_operation
def die():
    if rank == 1 and defaultclock.t > 1*ms: os.kill(os.getpid(), 9)
run(50*ms)
"""
    )
    failed(script, tmp_path)


#: Spikes travel while the next time step begins, for as long as somebody waits.
TRAVELLING = (
    NETWORK.replace("on_pre='v_post += w'", "on_pre='v_post += w', delay=0.1*ms")
    + """
import signal, threading
def later(number):
    threading.Timer(0.5, os.kill, (os.getpid(), number)).start()
run(1*ms)  # compiles
"""
)


def test_one_that_is_killed_while_spikes_travel(tmp_path):
    failed(TRAVELLING + "if rank == 1: later(signal.SIGKILL)\nrun(10000*second)", tmp_path)


def test_ctrl_c_on_one_while_spikes_travel_stops_all_after_the_same_time_step(tmp_path):
    script = (
        TRAVELLING
        + """
if rank == 1: later(signal.SIGINT)
try:
    run(10000*second)
except KeyboardInterrupt:
    results['t'] = float(magic_network.t)
run(1*ms)
results['v'] = G.v[:]
"""
    )
    done = launch(script, tmp_path, ranks=2, seconds=120)
    assert done.status == 0, done.text
    first, second = done.results
    assert 0 < first["t"] == second["t"]
    assert (first["v"] == second["v"]).all()


def test_an_exception_in_a_report_while_spikes_travel(tmp_path):
    script = (
        TRAVELLING
        + """
def report(elapsed, completed, start, duration):
    if rank == 1 and completed > 0: raise OSError('no such thing')
run(10000*second, report=report, report_period=0.1*second)
"""
    )
    assert "OSError: no such thing" in failed(script, tmp_path)


def test_one_that_looks_where_others_do_not(tmp_path):
    text = failed(NETWORK + "run(1*ms)\nif rank == 1: S.w[:]\nrun(1*ms)", tmp_path)
    assert "has come to: the values of 'synapses'" in text
    assert "the same way through the script" in text


def test_other_random_numbers_on_one(tmp_path):
    text = failed(NETWORK + "run(1*ms)\nif rank == 1: np.random.rand()\nrun(1*ms)", tmp_path)
    assert "Processes 0 and 1 differ in NumPy's random numbers" in text


def test_names_that_brian_has_counted_further_on_one(tmp_path):
    """As objects of an earlier network live longer there; one process has synapses alone, too."""
    script = (
        "kept = []\n"
        "if rank == 1:\n"
        "    A = NeuronGroup(2, 'v : 1', threshold='v > 1', reset='')\n"
        "    kept = [A, Synapses(A, A), StateMonitor(A, 'v', record=True), SpikeMonitor(A)]\n"
        + NETWORK
        + """
S.delay = '0.1*ms*(1 + (i + 2*j) % 5)'
T = NeuronGroup(3, 'v : 1')
few = Synapses(G, T, 'w : 1', on_pre='w += 1', delay=0.2*ms)
few.connect(i=[1, 2], j=[0, 0])
weights = StateMonitor(few, 'w', record=True)
net = Network(G, S, T, few, spikes, weights)
net.run(5*ms)
net.store()
net.run(5*ms)
net.restore()
net.run(5*ms)
results.update(v=G.v[:], w=S.w[:], few=few.w[:], seen=weights.w[:], i=spikes.i[:], t=spikes.t[:])
"""
    )
    results = []
    for ranks in (1, 2):
        (tmp_path / str(ranks)).mkdir()
        done = launch(script, tmp_path / str(ranks), ranks=ranks, seconds=120)
        assert done.status == 0, done.text
        results += done.results
    assert results[0]["i"].size > 10
    for other in results[1:]:
        for name, value in results[0].items():
            assert np.array_equal(value, other[name]), name


def test_an_operation_that_does_other_things_on_one(tmp_path):
    script = "prefs.devices.genn.debug = 'simplify'\n" + NETWORK
    script += """
@network_operation
def differ():
    G.v[7] = 0.01*rank
run(5*ms)
"""
    text = failed(script, tmp_path)
    assert "Processes 0 and 1 differ in 'v' of 'neurongroup'" in text
    assert "It was set by 'networkoperation'" in text


def test_others_end_early_and_that_is_caught(tmp_path):
    script = (
        NETWORK
        + """
if rank == 1: sys.exit()
told = []
for _ in range(3):
    try:
        run(1*ms)
    except RuntimeError as error:
        told.append(str(error))
results['told'] = told
"""
    )
    done = launch(script, tmp_path, ranks=2, seconds=120)
    assert done.status == 0, done.text
    (found,) = done.results
    assert len(found["told"]) == 3
    assert all("has come to the end of the script" in text for text in found["told"])


def test_other_values_on_one(tmp_path):
    text = failed(NETWORK + "run(1*ms)\nif rank == 1: G.v[7] = 0.3\nrun(1*ms)", tmp_path)
    assert "Processes 0 and 1 differ in 'v' of 'neurongroup'" in text


def test_what_several_cannot_do_is_refused(tmp_path):
    script = NETWORK + "S.run_regularly('v_pre += 0.1', dt=1*ms)\nrun(5*ms)"
    text = failed(script, tmp_path)
    assert "Several processes cannot run this network together as one does" in text
    assert "divided by their postsynaptic neurons" in text
    assert "without mpirun" in text


def test_stop_in_a_report_of_one_stops_all(tmp_path):
    script = (
        NETWORK
        + """
def report(elapsed, completed, start, duration):
    if rank == 1 and completed > 0: stop()
run(100*second, report=report, report_period=0.05*second)
results['t'] = float(magic_network.t)
"""
    )
    done = launch(script, tmp_path, ranks=2)
    assert done.status == 0, done.text
    assert 0 < done.results[0]["t"] == done.results[1]["t"] < 100


def test_without_mpi_each_runs_all_of_it(tmp_path):
    script = "set_device('genn', backend='cpu', mpi=False)\n" + NETWORK
    script += "run(20*ms)\nresults['n'] = len(S.variables['w'].get_value()) - len(S)"
    done = launch(script, tmp_path, ranks=2)
    assert done.status == 0, done.text
    assert [found["n"] for found in done.results] == [0, 0]
