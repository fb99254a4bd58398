"""Each run has a seed of its own, which follows from its place in the grid and nothing else."""

from __future__ import annotations

import numbers

from numpy.random import SeedSequence


def entropy_of(seed: int | None) -> int:
    """What the seeds of a sweep are made of: the seed that was given, or one from the system.

    Raises
    ------
    ValueError
        If it is none.
    """
    if seed is None:
        return int(SeedSequence().entropy)  # type: ignore[arg-type]
    if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or seed < 0:
        raise ValueError(f"seed={seed!r} is no seed. Give a whole number from 0, or None.")
    return int(seed)


def seed_at(entropy: int, place: tuple[int, ...]) -> int:
    """The seed of the run at a place.

    It is a number from the sequence that ``SeedSequence(entropy).spawn`` gives for the index on the
    first axis, ``spawn`` of that for the second one, and so on. So it stays the same when values
    are added at the end of an axis, or repetitions.
    """
    sequence = SeedSequence(entropy, spawn_key=place)
    return int(sequence.generate_state(1)[0])  # 32 bits: what Brian and NumPy take
