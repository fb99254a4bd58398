"""Where the cycles of a time step go, in kernels that execute many: clocks read between its parts.

Programs have marks (``B2G_MARK``) that are nothing as a rule. Here they store the clock, for the
first and the last warp of each of the first blocks, in a place for each time step and mark.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from brian2 import Network, defaultclock

from brian2genn.backends.cuda.device.driver import Meeting
from brian2genn.backends.cuda.run.autotuning import LaunchPlan
from brian2genn.backends.cuda.run.executable import Executable
from brian2genn.backends.cuda.run.options import only
from brian2genn.backends.cuda.run.program import CudaProgram

#: Time steps whose clocks are kept (a power of two), of which one launch executes fewer, and
#: blocks that are looked at.
_KEPT, _STEPS, _BLOCKS = 1024, 1000, 32

#: The mark at which a time step begins.
BEGIN = "the next time step begun"

#: Defined before a program, whose marks then store the clock. The predicate waits for `value`.
_MARKING = """\
#include "brian2genn_math.h"
extern "C" {
__device__ uint32_t b2g_marks[%(kept)d * %(tracks)d * %(marks)d];
__device__ uint32_t b2g_at[%(tracks)d];
__device__ uint32_t b2g_passed[%(tracks)d];
}
static __device__ void b2g_mark(const uint32_t number, const int value, const uint64_t step)
{
    const uint32_t warp = threadIdx.x / 32, last = blockDim.x / 32 - 1;
    if (threadIdx.x %% 32 != 0 || (warp != 0 && warp != last) || blockIdx.x >= %(tracks)d / 2)
        return;
    const uint32_t track = 2 * blockIdx.x + (warp == last && last > 0);
    uint32_t now = 0, at = 0;
#if defined(__CUDA_ARCH__)
    asm volatile("{ .reg .pred known; setp.ne.s32 known, %%1, 0x7FFFFFFF;"
                 " @known mov.u32 %%0, %%%%clock; }" : "+r"(now) : "r"(value) : "memory");
    asm("mov.u32 %%0, %%%%smid;" : "=r"(at));
#else
    (void)value;
    now = b2g_passed[track] += 10; /* there is no clock: marks are counted */
#endif
    b2g_marks[((uint32_t)step %% %(kept)du * %(tracks)d + track) * %(marks)d + number] = now;
    b2g_at[track] = at;
}
#define B2G_MARK(number, value) b2g_mark(number, (int)(value), b2g_block.random_step)
"""

_TRACKS = 2 * _BLOCKS


def _meeting(plan: LaunchPlan) -> str:
    """The mark behind the meeting of blocks before synapses."""
    if plan.told:
        return "all blocks have told"
    return "all came to the meeting" if plan.owned else "all came to a meeting"


def marked(text: str, marks: int) -> str:
    """A program whose so many marks store the clock."""
    sizes = {"kept": _KEPT, "tracks": _TRACKS, "marks": marks}
    return f"{_MARKING % sizes}\n{text}"


@dataclass(frozen=True)
class Clocks:
    """The clocks of some time steps.

    Attributes
    ----------
    marks : array of uint32, (steps, tracks, marks)
        0 where a warp did not come to a mark.
    names : sequence of str
        Of the marks.
    """

    marks: np.ndarray
    names: Sequence[str]

    def _since_begin(self) -> np.ndarray:
        """Cycles since the time step began; -1 where a warp did not come by."""
        begin = self.names.index(BEGIN)
        marks = self.marks.astype(np.int64)
        since = (marks - marks[:, :, begin : begin + 1]) % (1 << 32)
        return np.where(marks > 0, since, -1)

    def cycles(self) -> float:
        """Of a time step, from its beginning to that of the next one."""
        begin = self.marks[:, 0, self.names.index(BEGIN)].astype(np.int64)
        return float((begin[-1] - begin[0]) % (1 << 32)) / max(len(begin) - 1, 1)

    def sections(self, tracks: slice) -> dict[str, list[float]]:
        """Cycles until each mark since the one before, of some tracks, in the order of a time step.

        Returns
        -------
        dict
            By what is done at a mark: the mean, the least and the largest mean of a track, and how
            often a track came by in a time step.
        """
        marks = self.marks[:, tracks].transpose(1, 0, 2).astype(np.int64)
        since = self._since_begin()[:, tracks].transpose(1, 0, 2)
        order = np.argsort(since, axis=2, kind="stable")
        ordered = np.take_along_axis(since, order, axis=2)
        n_tracks, n_steps, n_marks = marks.shape
        sums, counts = np.zeros((2, n_tracks, n_marks))
        for track in range(n_tracks):
            there = ordered[track] >= 0
            number = order[track][there]
            clock = np.take_along_axis(marks[track], order[track], axis=1)[there]
            spent = np.diff(clock) % (1 << 32)
            sums[track] = np.bincount(number[1:], spent, n_marks)
            counts[track] = np.bincount(number[1:], minlength=n_marks)
        found: dict[str, list[float]] = {}
        when = np.where(since < 0, 0, since).sum((0, 1)) / np.maximum((since >= 0).sum((0, 1)), 1)
        for k in np.argsort(when, kind="stable"):
            came = counts[:, k] > 0
            if came.any():
                means = sums[came, k] / counts[came, k]
                total = sums[:, k].sum() / counts[:, k].sum()
                # names may be there twice: in both ways to share out the synapses of a pathway
                often = counts[:, k].sum() / (n_steps * n_tracks)
                name = self.names[k]
                found[name] = [float(total), float(means.min()), float(means.max()), float(often)]
        return found

    def of_the_last(self, meeting: str) -> dict[str, float]:
        """Mean cycles of sections of the first warp of that block for which the others waited.

        Parameters
        ----------
        meeting : str
            What is done behind the meeting where they waited.
        """
        since = self._since_begin()[:, ::2]
        ends = [k for k, name in enumerate(self.names) if name == meeting]
        found: dict[str, float] = {}
        for end in ends:
            arrived = since[:, :, end] >= 0
            if not arrived.any():
                continue
            blocks = arrived.any(0)
            here = since[:, blocks]
            before = np.where(
                (here >= 0) & (here < here[:, :, end : end + 1]), here, 0
            )  # so long a block was busy
            waited = here[:, :, end] - before.max(2)
            last = here[np.arange(len(here)), waited.argmin(1)]
            order = np.argsort(last, axis=1, kind="stable")
            ordered = np.take_along_axis(last, order, axis=1)
            spent = np.diff(np.maximum(ordered, 0), axis=1, prepend=0)
            for k, name in enumerate(self.names):
                mine = (order == k) & (ordered >= 0) & (ordered <= last[:, end : end + 1])
                if mine.any():
                    found[name] = float(spent[mine].sum() / len(last))
        return found


def measure(program: CudaProgram, network: Network, namespace: dict[str, Any]) -> list[dict]:
    """Where cycles go, in the fastest ways to execute many time steps in one launch.

    Parameters
    ----------
    program : CudaProgram
        After runs in which the ways were compared.
    network, namespace
        What it executes: it goes on.

    Returns
    -------
    list of dict
        Of each way: its name (``way``), microseconds of a step as it is and with the clocks,
        cycles of a step with them, blocks on the same multiprocessor as another one, and the
        sections of the ``first`` and the ``last`` warp of blocks.
    """
    source = program.source
    text = marked(source.text, len(source.marks))
    found = []
    executable, driver = program._executable, program._driver
    for plan in _ways(program):
        with executing(executable, candidates=only(plan)):
            plain = min(_seconds(executable, network, namespace) for _ in range(3))
            module = driver.build(text)
            with executable.replaced(module):
                _seconds(executable, network, namespace)
                clocks = np.zeros(_KEPT * _TRACKS * len(source.marks), np.uint32)
                driver.upload(module.symbol("b2g_marks"), clocks)
                with_clocks = _seconds(executable, network, namespace)
                executed = executable.user()
                driver.download(clocks, module.symbol("b2g_marks"))
                at = np.zeros(_TRACKS, np.uint32)
                driver.download(at, module.symbol("b2g_at"))
            launch = executed._stepper._launches["run_steps"]
        blocks = min(launch.blocks, _BLOCKS)
        marks = clocks.reshape(_KEPT, _TRACKS, -1)
        # in the order of time steps, whose numbers need not begin with a multiple
        last = executed.random_step % _KEPT
        marks = np.roll(marks, -last, axis=0)[-_STEPS:]
        told = Clocks(marks, source.marks)
        found.append(
            {
                "way": str(plan),
                "blocks": launch.blocks,
                "threads": launch.threads,
                "multiprocessors": len(set(at[: 2 * blocks : 2].tolist())),
                "microseconds": 1e6 * plain,
                "marked_microseconds": 1e6 * with_clocks,
                "cycles": told.cycles(),
                "first": told.sections(slice(0, 2 * blocks, 2)),
                "last": told.sections(slice(1, 2 * blocks, 2)),
                "waited_for": told.of_the_last(_meeting(plan)),
            }
        )
    return found


def _ways(program: CudaProgram) -> list[LaunchPlan]:
    """The fastest way of each kind, of those that execute many time steps in one launch."""
    costs = sorted(program._stepper.tuner.costs.items(), key=lambda item: item[1])
    kinds: dict[tuple[Meeting, bool, bool], LaunchPlan] = {}
    for plan, _ in costs:
        if plan.together:
            kinds.setdefault((plan.meeting, plan.owned, plan.told), plan)
    return [*kinds.values()][:3]


def _seconds(executable: Executable, network: Network, namespace: dict[str, Any]) -> float:
    """What a time step takes in a launch of many of them."""
    spent: list[tuple[float, int]] = []
    with executing(executable, batch=_KEPT, on_launch=lambda *launch: spent.append(launch)):
        network.run(_STEPS * defaultclock.dt, namespace=namespace)
    return sum(each for each, _ in spent) / max(sum(steps for _, steps in spent), 1)


@contextmanager
def executing(executable: Executable, **options: Any) -> Iterator[None]:
    """Within this, a program's time steps are executed with these options (see `Execution`)."""
    usual = executable.execution
    executable.execution = replace(usual, **options)
    try:
        yield
    finally:
        executable.execution = usual
