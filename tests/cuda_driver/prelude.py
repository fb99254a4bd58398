"""What scripts begin with that run over the stand-in for NVIDIA's driver."""
# ruff: noqa: F401 (they have all of this by a star)

import ctypes
import os
import time
from dataclasses import replace

import numpy as np
from brian2 import *

import brian2genn
import brian2genn.backends.choice
from brian2genn import backends
from brian2genn.backends.cuda.device import choice, nvidia
from brian2genn.backends.cuda.device.driver import (
    CudaError,
    CudaLost,
    CudaUnavailable,
    Launch,
    Meeting,
    TuningRules,
)
from tests.cuda_driver import images

images.install()
if "TRY_THE_GPU" not in os.environ:  # a trial takes time, and would meet the failures itself
    brian2genn.genn_device.defaults = replace(brian2genn.genn_device.defaults, trusted=True)
prefs.codegen.target = "numpy"
prefs.logging.console_log_level = "WARNING"

#: What `count` counts, as in ``state.h``.
ALLOCATIONS, STREAMS, EVENTS, MODULES, GRAPHS, EXECUTABLES = -1, 1, 2, 3, 5, 7


def count(what: int) -> int:
    """How many objects of a kind the driver has."""
    return ctypes.CDLL("libcuda.so.1").fake_cuda_count(what)


def network(n: int = 50, record: bool = True) -> Network:
    """A network with delays, whose group is called `cells` and whose monitor `trace`."""
    cells = NeuronGroup(
        n, "dv/dt = (2 - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact",
        name="cells*",
    )  # fmt: skip
    cells.v = "i/N"
    links = Synapses(cells, cells, on_pre="v_post += 0.01", name="links*")
    links.connect(j="(i + 1) % N")
    links.delay = 0.5 * ms
    net = Network(cells, links)
    net.cells = cells
    if record:
        net.trace = StateMonitor(cells, "v", record=[0, 1])
        net.add(net.trace)
    return net
