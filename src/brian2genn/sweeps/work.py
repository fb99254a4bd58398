"""What workers do: one run at a time, with an answer for whatever may come of it."""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import platform
import signal
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from types import FrameType
from typing import Any, cast

from ..backends.host.threads import share
from ..runtime.messages.causes import what_was_wrong
from .cards import is_worker, take_card
from .extras import cloudpickle
from .grid import SEED, Run
from .sending import CannotBeSent, Order, Parcel, pack, unpack
from .surroundings import put_back, seed_everything
from .values import CannotBeKept, Stored, encode

#: The name of a result that has none: of a function that returns no dictionary.
SINGLE = "result"

#: Seconds for a run that is told to end, before its worker ends itself.
_GRACE = 5.0


@dataclass(frozen=True)
class Task:
    """A run on its way to a worker."""

    number: int
    seed: int
    parameters: bytes

    @classmethod
    def of(cls, run: Run) -> Task:
        """The task of a run."""
        return cls(run.number, run.seed, cloudpickle().dumps(run.parameters))


@dataclass(frozen=True)
class Answer:
    """What came of a run.

    Attributes
    ----------
    number : int
        Of the run.
    state : {'done', 'failed', 'lost', 'unknown'}
        ``'lost'`` if another try may succeed; ``'unknown'`` if the worker has no such order.
    results : dict of str to Stored
    error, traceback : str
    seconds : float
    worker : str
    """

    number: int
    state: str
    results: dict[str, Stored] = field(default_factory=dict)
    error: str = ""
    traceback: str = ""
    seconds: float = 0.0
    worker: str = ""


class RunTookTooLong(Exception):
    """A run that its own worker has ended."""


#: Runs of one process come one after the other: Brian has one state in each process.
_one_at_a_time = threading.RLock()

#: What gives the last order that this process has got, by its key.
_opened: dict[str, Callable[[], Order]] = {}

_depth = 0
_is_settled = False


def is_inside() -> bool:
    """Whether this process is just executing a run."""
    return _depth > 0


def execute(parcel: Parcel, task: Task) -> Answer:
    """Execute a run; whatever happens becomes an answer.

    Parameters
    ----------
    parcel : Parcel
        The order. Without its data, it must be known from before.
    task : Task
    """
    global _depth
    with _one_at_a_time:
        _depth += 1
        try:
            return _execute(parcel, task)
        finally:
            _depth -= 1


def _execute(parcel: Parcel, task: Task) -> Answer:
    worker = f"{platform.node()}:{os.getpid()}"
    began = time.perf_counter()
    try:
        order = _open(parcel)
        if order is None:
            return Answer(task.number, "unknown", worker=worker)
        take_card()
        share(order.threads)
        parameters = pickle.loads(task.parameters)
        order.surroundings.restore()
    except Exception as error:
        text = f"The worker could not begin: {what_was_wrong(error)}"
        return Answer(task.number, "failed", {}, text, _whole(error), 0.0, worker)
    state, results, complaint, told = call(order, parameters, task.seed)
    seconds = time.perf_counter() - began
    _set_garbage_aside()
    return Answer(task.number, state, results, complaint, told, seconds, worker)


def _open(parcel: Parcel) -> Order | None:
    if parcel.key not in _opened and parcel.data is not None:
        opener = _opener(parcel.data, parcel.is_opened_anew)
        _opened.clear()
        _opened[parcel.key] = opener
    return _opened[parcel.key]() if parcel.key in _opened else None


def _opener(data: bytes, anew: bool) -> Callable[[], Order]:
    """What gives an order: the same each time or, if runs would change it, another one."""
    if anew:
        return partial(unpack, data)
    order = unpack(data)
    return lambda: order


def _set_garbage_aside() -> None:
    """After the first run, leave what is there out of all further searches for garbage.

    Brian searches in each run, and so does the device. Modules, and what Brian and SymPy have
    learnt, are hundreds of thousands of objects that will be there to the end: without them, a
    search takes 1 ms and not 100.
    """
    global _is_settled
    if not _is_settled and is_worker():
        gc.collect()
        gc.freeze()
        _is_settled = True


def call(
    order: Order, parameters: dict[str, Any], seed: int
) -> tuple[str, dict[str, Stored], str, str]:
    """Call the function; state, results, error and traceback."""
    if order.takes_seed:
        parameters = {SEED: seed, **parameters}
    seed_everything(seed)
    try:
        with _process_as_it_was(), _time_limit(order.timeout, order.may_end):
            returned = order.function(**parameters)
            results = _results(returned)
    except CannotBeKept as error:
        return "failed", {}, str(error), ""
    except RunTookTooLong as error:
        return "lost", {}, str(error), _whole(error)
    except MemoryError as error:
        return "lost", {}, f"Memory was used up. {what_was_wrong(error)}", _whole(error)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also sys.exit(): a run must not end its worker
        return "failed", {}, what_was_wrong(error), _whole(error)
    return "done", results, "", ""


@contextmanager
def _process_as_it_was() -> Iterator[None]:
    """Put back what a run may change of its process, and would leave to others.

    A relative path must not be another one because of who was here before.
    """
    try:
        folder = os.getcwd()
    except FileNotFoundError:  # somebody has deleted it
        folder = ""
    variables, filters = dict(os.environ), list(warnings.filters)
    try:
        yield
    finally:
        if folder:
            with suppress(OSError):
                os.chdir(folder)
        for name in os.environ.keys() - variables.keys():
            del os.environ[name]
        for name, value in variables.items():
            if os.environ.get(name) != value:
                os.environ[name] = value
        if list(warnings.filters) != filters:
            warnings.resetwarnings()
            cast(list[Any], warnings.filters)[:] = filters


def _results(returned: Any) -> dict[str, Stored]:
    if not isinstance(returned, dict) or not all(isinstance(name, str) for name in returned):
        returned = {SINGLE: returned}
    results = {}
    for name, value in returned.items():
        try:
            results[name.encode().decode()] = encode(value)
        except UnicodeEncodeError:
            raise CannotBeKept(f"{name!r} cannot be the name of a result.") from None
        except CannotBeKept as error:
            raise CannotBeKept(
                f"The result '{name}' cannot be kept: {error}. Return numbers, quantities and"
                " arrays (of a monitor, monitor.t[:])."
            ) from error
    return results


def _whole(error: BaseException) -> str:
    """The traceback, from the function on."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames))


# -- time limits ----------------------------------------------------------------------


@contextmanager
def _time_limit(seconds: float | None, may_end: bool) -> Iterator[None]:
    """Raise `RunTookTooLong` in what is within, after so many seconds."""
    if seconds is None:
        yield
        return
    reason = f"It took longer than {seconds:g} s."
    ending = threading.Timer(seconds + _GRACE, os._exit, (1,))
    ending.daemon = True
    if may_end:
        ending.start()
    try:
        if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
            with _by_signal(seconds, reason):
                yield
        else:
            with _by_thread(seconds):
                yield
    except RunTookTooLong:
        raise RunTookTooLong(reason) from None
    finally:
        ending.cancel()


@contextmanager
def _by_signal(seconds: float, reason: str) -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise RunTookTooLong(reason)

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _by_thread(seconds: float) -> Iterator[None]:
    """For threads that get no signals: Python raises an error in them between two instructions."""
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    thread = ctypes.c_ulong(threading.get_ident())
    lock, over = threading.Lock(), False

    def ring() -> None:
        with lock:
            if not over:
                raise_in(thread, ctypes.py_object(RunTookTooLong))

    timer = threading.Timer(seconds, ring)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            over = True
        raise_in(thread, None)


# -- runs in the process that calls sweep ---------------------------------------------


def _opener_here(order: Order) -> Callable[[], Order]:
    try:
        parcel = pack(order)
    except CannotBeSent:  # it need not be
        return lambda: order
    if parcel.is_opened_anew and parcel.data is not None:
        return partial(unpack, parcel.data)
    return lambda: order


@contextmanager
def in_this_process(order: Order) -> Iterator[Parcel]:
    """Leave the process as it was: for an engine that has no workers.

    The order is known within. It is copied if runs would change what it holds, as in workers.
    """
    with _one_at_a_time, put_back():
        before = dict(_opened)
        parcel = Parcel(f"here-{id(order)}", None)
        try:
            _opened[parcel.key] = _opener_here(order)
            yield parcel
        finally:
            _opened.clear()
            _opened.update(before)
            if not is_inside():
                share(None)
