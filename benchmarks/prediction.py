"""How long a time step would take on a GPU: a prediction from what was counted, by a roofline.

A kernel takes as long as the part of the GPU that is busiest, or as its longest chain of
instructions that wait for each other; and on top of that what it takes to begin when another one
has ended. So it is a lower bound. The figures of the cards are those that NVIDIA publishes; what is
not published is an assumption, and named as such. Nothing of this was measured here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.execution import Executed


@dataclass(frozen=True)
class Card:
    """A GPU.

    Attributes
    ----------
    name : str
    multiprocessors : int
    clock : float
        The highest one, in GHz.
    memory : float
        Bandwidth in GB/s.
    cache : int
        Bytes of the second-level cache.
    """

    name: str
    multiprocessors: int
    clock: float
    memory: float
    cache: int


#: Published: H100 SXM5 and H200 differ in their memory.
CARDS = (
    Card("H100", 132, 1.98, 3350.0, 50 << 20),
    Card("H200", 132, 1.98, 4800.0, 50 << 20),
)

#: Published for compute capability 9.0: what a multiprocessor executes in a clock cycle, in
#: instructions of warps (results of threads, divided by 32).
RATES = {
    "fp64": 2.0,
    "fp32": 4.0,
    "integer": 2.0,
    "special": 0.5,
    "memory": 1.0,
    "atomics": 1.0,
    "control": 2.0,
    "moves": 4.0,
}
#: A multiprocessor begins at most so many instructions of warps in a cycle.
ISSUE = 4.0

#: Assumed: a division or a root is about so many instructions of the fp64 units.
DIVISION = 10.0
#: Assumed: bytes that the second-level cache delivers in a clock cycle.
CACHE_BYTES = 2800.0
#: Assumed: sectors with atomic operations that it takes in a clock cycle.
ATOMIC_SECTORS = 48.0
#: Assumed: atomic operations on one sector in a cycle; they wait for each other.
SAME_SECTOR = 0.5
#: Assumed: from the end of a kernel of a graph to the first instruction of the next one, in µs.
BETWEEN_KERNELS = 1.3


@dataclass(frozen=True)
class Prediction:
    """Microseconds of a kernel on a card, and of the way to it, by what it needs."""

    card: Card
    between: float
    parts: dict[str, float]

    @property
    def microseconds(self) -> float:
        """All of it, at least."""
        return self.between + max(self.parts.values())

    @property
    def limit(self) -> str:
        """What takes the most time."""
        name = max(self.parts, key=lambda part: self.parts[part])
        return name if self.parts[name] > self.between else "launch"


def predict(card: Card, kernel: Executed, working_set: float, between: float) -> Prediction:
    """Predict the time of a kernel.

    Parameters
    ----------
    card : Card
    kernel : Executed
    working_set : float
        Bytes that a time step touches: if they fit in the cache, they stay there.
    between : float
        Microseconds from the kernel ahead to this one.
    """
    busy = min(kernel.blocks, card.multiprocessors)
    cycles = {part: n / RATES[part] for part, n in kernel.instructions.items() if part in RATES}
    divisions = DIVISION * kernel.instructions.get("division", 0.0)
    cycles["fp64"] = cycles.get("fp64", 0.0) + divisions / RATES["fp64"]
    cycles["issue"] = (sum(kernel.instructions.values()) + divisions) / ISSUE
    per_microsecond = 1e3 * card.clock
    parts = {part: n / (busy * per_microsecond) for part, n in cycles.items()}
    parts["cache"] = kernel.bytes / (CACHE_BYTES * per_microsecond)
    if working_set > card.cache:
        parts["memory bandwidth"] = kernel.bytes / (1e3 * card.memory)
    parts["atomics in the cache"] = kernel.sectors.get("atomic", 0.0) / (
        ATOMIC_SECTORS * per_microsecond
    )
    parts["atomics at one place"] = kernel.hottest / (SAME_SECTOR * per_microsecond)
    parts["chain"] = kernel.chain / per_microsecond
    return Prediction(card, between, parts)


def assumptions() -> str:
    """What the predictions rest on, in a sentence."""
    return (
        "Predictions, lower bounds, nothing measured: the busiest part of the multiprocessors that"
        " have a block (rates of compute capability 9.0, highest clock), of the cache or, where a"
        " time step touches more than the cache holds, of the memory (published bandwidths); or"
        " the longest chain of instructions that wait for each other's results (counted, with the"
        " latencies of emulation/ptx/latencies.py); plus, assumed,"
        f" {BETWEEN_KERNELS} µs between two kernels of a graph;"
        f" also assumed: {DIVISION:.0f} instructions for a division or root,"
        f" {CACHE_BYTES:.0f} bytes and {ATOMIC_SECTORS:.0f} sectors with atomics in a cycle of"
        f" the cache, {SAME_SECTOR} atomics in a cycle at one place."
    )


def table(rows: Sequence[tuple[str, Sequence[Executed], float, bool]]) -> str:
    """For every network and kernel: what was counted, and the predicted time of a step.

    Parameters
    ----------
    rows : sequence of (title, kernels, working set in bytes, whether they are one cluster)
    """
    parts = ("fp64", "fp32", "integer", "memory", "atomics", "special", "division", "control")
    titles = ["network", "kernel", "blocks", "warp instructions", *parts, "moves"]
    titles += ["sectors read", "written", "atomic", "most atomics at one", "kB in sectors"]
    titles += ["cycles of the longest chain"]
    titles += [f"predicted µs on {card.name}" for card in CARDS]
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    for title, kernels, working_set, is_cluster in rows:
        # many steps of a cluster are one kernel, whose chain has its barriers
        between = 0.0 if is_cluster else BETWEEN_KERNELS
        totals = [0.0 for _ in CARDS]
        for kernel in kernels:
            cells = [title, kernel.name, f"{kernel.blocks} of {kernel.threads} threads"]
            cells.append(f"{sum(kernel.instructions.values()):,.0f}")
            cells += [f"{kernel.instructions.get(part, 0.0):,.0f}" for part in (*parts, "moves")]
            kinds = ("read", "write", "atomic")
            cells += [f"{kernel.sectors.get(kind, 0.0):,.0f}" for kind in kinds]
            cells += [f"{kernel.hottest:,.0f}", f"{kernel.bytes / 1e3:,.1f}"]
            cells.append(f"{kernel.chain:,.0f}")
            for number, card in enumerate(CARDS):
                prediction = predict(card, kernel, working_set, between)
                totals[number] += prediction.microseconds
                cells.append(f"{prediction.microseconds:.1f} ({prediction.limit})")
            lines.append("| " + " | ".join(cells) + " |")
        step = ", ".join(
            f"{total:.1f} µs on {card.name}" for total, card in zip(totals, CARDS, strict=True)
        )
        empty = [""] * (len(titles) - 3)
        lines.append(
            "| " + " | ".join([title, f"a time step: predicted {step}", "", *empty]) + " |"
        )
    return "\n".join(lines) + "\n"
