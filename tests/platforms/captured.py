"""Programs of real networks with all that they are bound to, and what they compute here."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import brian2
import numpy as np
from brian2 import set_device

from brian2genn.backends.cpu import program as cpu_program
from brian2genn.backends.host.queue import SpikeQueue
from brian2genn.backends.host.structures import Context


@dataclass(frozen=True)
class Captured:
    """A program, before and after a run.

    Attributes
    ----------
    text : str
        Of the program.
    before : bytes
        What ``driver.c`` reads.
    names, arrays : list
        The arrays, and their values after the run.
    columns : list of array
        Of all recorders, with all rows.
    """

    text: str
    before: bytes
    names: list[str]
    arrays: list[np.ndarray]
    columns: list[np.ndarray]


def capture(simulate: Callable[[], Any]) -> Captured:
    """Run a network here, on one thread, and keep what the (only) program has met and made.

    Parameters
    ----------
    simulate : callable
        Makes the network and runs it once.
    """
    found: dict[str, Any] = {}
    prepared: dict[int, tuple[np.ndarray, float, np.ndarray]] = {}
    prepare_queue, prepare = SpikeQueue.prepare, cpu_program.CpuProgram._prepare
    run, bind = cpu_program.CpuProgram.run, cpu_program.CpuProgram.bind

    def queue_prepared(queue: SpikeQueue, delays: Any, dt: float, sources: Any) -> None:
        prepared[queue.handle] = np.array(delays, float), float(dt), np.array(sources, np.int32)
        prepare_queue(queue, delays, dt, sources)

    def bound(self: Any, things: Any) -> Any:
        found["columns"] = things.columns
        return bind(self, things)

    def ready(self: Any, profile: bool) -> None:
        prepare(self, profile)
        context: Context = self._context
        out = [_whole(len(self._arrays))]
        for array in self._arrays:
            out += [_whole(array.nbytes), array.tobytes()]
        again = {
            table: [_whole(len(numbers)), *map(_whole, numbers)]
            for table, numbers in self.source.again.items()
        }
        out += again["arrays"]
        lengths, shapes = self._keep["places"][1:]
        out += [lengths.tobytes(), shapes.tobytes()]
        for values in self._keep["params"]:
            out += [_whole(len(values)), values.tobytes()]

        def shared(memory: np.ndarray) -> bytes:
            places = [array.ctypes.data for array in self._arrays]
            where = memory.ctypes.data
            return _whole(places.index(where) if where in places else -1)

        clocks = self._keep["clocks"][1]
        out.append(_whole(len(clocks)))
        for clock in clocks:
            assert clock.times is None
            out += [
                shared(clock.t), np.array(clock.t, float).tobytes(),
                shared(clock.timestep), np.array(clock.timestep, np.int64).tobytes(),
                struct.pack("<d", clock.dt), _whole(clock.end),
            ]  # fmt: skip
        out.append(_whole(len(self._queues)))
        for queue in self._queues:
            delays, dt, sources = prepared[queue.handle]
            start, stop, _ = queue._state_tuple
            out += [_whole(start), _whole(stop), struct.pack("<d", dt)]
            out += [_whole(len(delays)), delays.tobytes(), _whole(len(sources)), sources.tobytes()]
        out += again["queues"]
        out.append(_whole(len(found["columns"])))
        for own in found["columns"]:
            items = [np.dtype(dtype).itemsize * width for dtype, width in own]
            out += [_whole(len(items)), *map(_whole, items)]
        out += again["recorders"]
        out += [struct.pack("<Q", context.seed), struct.pack("<Q", context.random_step)]
        out += [_whole(len(self.source.steps) + self.source.tables), _whole(self.source.scopes)]
        found["before"], found["text"] = b"".join(out), self.source.text

    def ran(self: Any, seconds: float) -> Any:
        outcome = run(self, 1e9)
        found["names"] = list(self.source.arrays)
        found["arrays"] = [np.array(array) for array in self._arrays]
        found["rows"] = [
            (recorder.borrowed(number)[: recorder.rows].copy()
             if recorder.borrowed(number) is not None else recorder.column(number).copy())
            for recorder in self._recorders for number in range(len(recorder._columns))
        ]  # fmt: skip
        return outcome

    with _replaced(
        (SpikeQueue, "prepare", queue_prepared), (cpu_program.CpuProgram, "_prepare", ready),
        (cpu_program.CpuProgram, "run", ran), (cpu_program.CpuProgram, "bind", bound),
    ):  # fmt: skip
        set_device("genn", backend="cpu", threads=1)
        brian2.seed(5)
        simulate()
    return Captured(found["text"], found["before"], found["names"], found["arrays"], found["rows"])


def after(data: bytes, captured: Captured) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """What ``driver.c`` has written: arrays and columns, of the types that they have here."""
    pieces = []
    while data:
        (size,) = struct.unpack("<q", data[:8])
        pieces.append(data[8 : 8 + size])
        data = data[8 + size :]
    expected = [*captured.arrays, *captured.columns]
    assert len(pieces) == len(expected)
    values = [
        np.frombuffer(piece, dtype=known.dtype)
        for piece, known in zip(pieces, expected, strict=True)
    ]
    return values[: len(captured.arrays)], values[len(captured.arrays) :]


def _whole(number: int) -> bytes:
    return struct.pack("<q", int(number))


@contextmanager
def _replaced(*places: tuple[Any, str, Any]) -> Iterator[None]:
    before = [(owner, name, vars(owner)[name]) for owner, name, _ in places]
    try:
        for owner, name, new in places:
            setattr(owner, name, new)
        yield
    finally:
        for owner, name, old in before:
            setattr(owner, name, old)
