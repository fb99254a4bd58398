"""What sweeps in tests run. It is a module of its own: workers import it."""

import os
import signal
import sys
import threading
import time
import warnings
from pathlib import Path

import brian2
import numpy as np
from brian2 import NeuronGroup, SpikeMonitor, StateMonitor, get_device, ms, mV, run, second


def times(a, b=1):
    return {"product": a * b, "sum": a + b, "process": os.getpid()}


def draw(a, seed):
    """Numbers from all generators that a run may use."""
    import random

    return {
        "seed": seed,
        "numpy": np.random.rand(),
        "python": random.random(),
        "brian": brian2.rand() if hasattr(brian2, "rand") else 0.0,
    }


def neurons(tau, g=4, seed=None):
    """A small network with random numbers in its set-up and in its loop."""
    cells = NeuronGroup(
        20, "dv/dt = (g*mV - v)/tau + mV*xi*tau**-0.5 : volt",
        threshold="v > 3*mV", reset="v = 0*mV", method="euler",
    )  # fmt: skip
    cells.v = "rand()*mV"
    spikes, trace = SpikeMonitor(cells), StateMonitor(cells, "v", record=[0])
    run(10 * ms)
    return {
        "rate": spikes.num_spikes / 20 / (10 * ms),
        "v": trace.v[0],
        "device": "genn" if hasattr(get_device(), "explain") else "runtime",
        "threads": get_device().build_options.get("threads"),
    }


def misbehave(how, folder=None):
    """What a run should not do."""
    if how == "raise":
        raise ValueError("it went wrong")
    if how == "no text":
        raise NoText()
    if how == "sys.exit":
        sys.exit(3)
    if how == "os._exit":
        os._exit(7)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "kill once":
        mark = Path(folder, "killed")
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    if how == "hang":
        time.sleep(1000)
    if how == "loop":
        while True:
            pass
    if how == "memory":
        raise MemoryError("no more")
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "lambda":
        return {"value": 1, "function": lambda: os.getpid(), "file": threading.Lock()}
    if how == "print":
        print("much\n" * 100_000)
    if how == "huge":
        return {"value": np.zeros(30_000_000)}
    return {"value": how}


class NoText(Exception):
    def __str__(self):
        raise RuntimeError("there is no text")


def changes_everything(step):
    """Leaves everything else than it was."""
    before = {
        "device": "genn" if hasattr(get_device(), "explain") else "runtime",
        "dt": float(brian2.defaultclock.dt / ms),
        "target": str(brian2.prefs.codegen.target),
        "random": np.random.rand(),
    }
    brian2.set_device("runtime")
    brian2.defaultclock.dt = 5 * ms
    brian2.prefs.codegen.target = "cython"
    brian2.start_scope()
    return before


def changes_the_process(step):
    """Tells what it finds of its process, and leaves something else."""
    found = {
        "folder": os.getcwd(),
        "variable": os.environ.get("NOT_SET", ""),
        "path": os.environ["PATH"],
        "filters": len(warnings.filters),
    }
    os.chdir("/")
    os.environ.update(NOT_SET="set", PATH="/")
    warnings.simplefilter("error")
    return found


def sweep_within(a):
    """A sweep in each run of a sweep."""
    import brian2genn

    inner = brian2genn.sweep(times, {"a": [a, 2 * a], "b": [3]})
    return {
        "products": [run["product"] for run in inner],
        "here": [run["process"] == os.getpid() for run in inner],
        "results": inner,
    }


def refuse(parent):
    raise OSError("no room for workers")


def wait(seconds):
    time.sleep(seconds)
    return {"slept": seconds * second, "v": 1 * mV}


def threads_used(a):
    from brian2genn.backends.host.threads import within_share

    brian2.set_device("genn", backend="cpu", threads=64)  # asks for more than there is for it
    return {"threads": get_device().backend._threads(), "share": within_share(1000),
            "numpy": os.environ.get("OMP_NUM_THREADS")}  # fmt: skip
