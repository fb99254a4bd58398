"""Each worker has a card of its own, as far as there are enough."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

#: Decides which cards a process sees.
VARIABLE = "CUDA_VISIBLE_DEVICES"

#: Which of the processes on this machine a process is, where something counts them.
_RANKS = (
    "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "MV2_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID",
    "PALS_LOCAL_RANKID",
)  # fmt: skip

_GPUS = Path("/proc/driver/nvidia/gpus")

_taken = False


def visible_cards() -> list[str]:
    """The NVIDIA cards that a process started from here would see, by what names them.

    Nothing is asked that would open one of them.
    """
    named = os.environ.get(VARIABLE)
    if named is not None:
        return [card.strip() for card in named.split(",") if card.strip() not in ("", "-1")]
    try:
        return [str(number) for number in range(len(list(_GPUS.iterdir())))]
    except OSError:
        return []


def card_for(worker: int) -> str | None:
    """The card of the worker with this number; None if there is no choice."""
    cards = visible_cards()
    return cards[worker % len(cards)] if len(cards) > 1 else None


def take_card() -> None:
    """Leave all visible cards but one to other workers; only the first call does anything.

    Workers whom nobody has given a card share them out by the number that each has on its machine.
    """
    global _taken
    if _taken:
        return
    _taken = True
    card = card_for(_own_number()) if is_worker() else None
    if card is not None:
        os.environ[VARIABLE] = card


def is_worker() -> bool:
    """Whether another process has started this one to work for it."""
    return multiprocessing.parent_process() is not None or any(
        name in os.environ for name in _RANKS
    )


def _own_number() -> int:
    for name in _RANKS:
        if os.environ.get(name, "").isdigit():
            return int(os.environ[name])
    identity = multiprocessing.current_process()._identity
    return identity[-1] - 1 if identity else os.getpid()
