"""`sweep`: which runs there are, who executes them, and where the results go."""

from __future__ import annotations

import math
import numbers
import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from brian2.units import second
from brian2.units.fundamentalunits import Quantity, fail_for_dimension_mismatch
from brian2.utils.logger import get_logger

from . import work
from .engines.dask import DaskEngine, is_client
from .engines.futures import FuturesEngine
from .engines.interface import Engine, EngineFailed, Lost
from .engines.local import LocalEngine
from .engines.serial import SerialEngine
from .grid import Run, check_call, make_grid, takes_seed
from .interruption import heard_once
from .progress import Progress
from .resources import share_out
from .results import Results
from .seeds import entropy_of
from .sending import Order, pack
from .store import Store
from .surroundings import capture
from .work import Answer

logger = get_logger("brian2.devices.genn")

#: Tries for a run whose worker was killed, ran out of memory or out of time.
_TRIES = 2

#: Seconds between two looks at Ctrl-C, where nothing else happens.
_PATIENCE = 1.0

_IF_CHANGED = ("error", "keep", "anew")


class SweepInterrupted(KeyboardInterrupt):
    """Ctrl-C has ended a sweep.

    Attributes
    ----------
    results : Results
        What was done until then.
    """

    def __init__(self, text: str, results: Results) -> None:
        super().__init__(text)
        self.results = results


def sweep(
    function: Callable[..., Any],
    parameters: Mapping[str, Any] | Iterable[Mapping[str, Any]],
    *,
    zip: bool = False,
    repeats: int = 1,
    seed: int | None = None,
    store: str | os.PathLike[str] | None = None,
    if_changed: str = "error",
    executor: Any = None,
    workers: int | None = None,
    threads: int | None = None,
    timeout: Any = None,
    progress: bool | None = None,
) -> Results:
    """Run a function for many parameters, on all cores of this machine or on a cluster.

    Each run has the device, the preferences and the default time step of the process that calls
    this; where none was chosen, the device is ``genn``. It has a seed of its own, which depends on
    its place in the grid only, so results are the same, bit by bit, with any number of workers.

    Parameters
    ----------
    function : callable
        Makes a network and runs it, and returns a dictionary of results: numbers, quantities,
        arrays. It is called with the parameters by their names and, if it has such an argument,
        with ``seed``; Brian, NumPy and Python are seeded with it in any case.
    parameters : dict or list of dict
        Values for each parameter, all of whose combinations are run; or the parameters of each run.
    zip : bool, optional
        Whether the first values belong together, the second ones, and so on.
    repeats : int, optional
        How often each is run, with different seeds.
    seed : int, optional
        What all seeds are made of; without it, a new one (that of the store, if there is one).
    store : path, optional
        A file that each result is written to when it is there. The same call again runs what is
        missing or has failed.
    if_changed : {'error', 'keep', 'anew'}, optional
        What to do if the store has results of a function that has changed since then.
    executor : optional
        Who executes the runs, in place of this machine's cores: a `concurrent.futures.Executor`
        (also that of mpi4py), or a function that makes one (a new one after a worker has died), a
        `distributed.Client`, or ``'serial'`` for this process.
    workers, threads : int, optional
        How many processes of this machine, and how many threads each of them may use. By default as
        many workers as there are cores, and the cores shared out among them.
    timeout : Quantity or float, optional
        How long a run may take (seconds, if it has no unit).
    progress : bool, optional
        Whether to show a bar; by default in terminals and notebooks.

    Returns
    -------
    Results

    Raises
    ------
    SweepInterrupted
        On Ctrl-C, with the results so far.
    ChangedFunction
        If the store has results of a function that has changed.
    """
    if not callable(function):
        raise TypeError(f"{function!r} cannot be called. Give a function.")
    if if_changed not in _IF_CHANGED:
        raise ValueError(
            f"if_changed={if_changed!r} is none of {', '.join(map(repr, _IF_CHANGED))}."
        )
    if store is not None and not isinstance(store, str | os.PathLike):
        raise TypeError(f"store={store!r} is no path. Give the name of a file, or None.")
    limit = _seconds(timeout)
    kept = Store(None if store is None else Path(store))
    with kept.writing():
        former = kept.note("entropy")
        entropy = int(former) if seed is None and former is not None else entropy_of(seed)
        grid = make_grid(parameters, zip=zip, repeats=repeats, entropy=entropy)
        check_call(function, grid.runs)
        order = Order(function, capture(), takes_seed(function), 1)
        start = _engine_for(executor, order, limit, workers, threads)
        ids = kept.begin(grid, entropy, function, order.surroundings.marks(), if_changed)
        results = Results(kept, ids)
        states = kept.states()
        missing = [run for run in grid.runs if states[ids[run.number]] != "done"]
        _tell_store(kept, len(grid.runs), len(missing))
        name = getattr(function, "__name__", "runs")
        failures = Counter[str]()
        bar = Progress(progress, len(grid.runs), len(grid.runs) - len(missing), name)
        try:
            if missing:
                engine = start(len(missing))
                # in this process, the function may do with Ctrl-C what it likes
                here = isinstance(engine, SerialEngine)
                with nullcontext() if here else heard_once():
                    _conduct(engine, missing, kept, ids, bar, failures)
        except KeyboardInterrupt:
            raise _interrupted(results, kept) from None
        finally:
            bar.close()
    _tell_failures(failures, len(grid.runs))
    return results


def load_sweep(store: str | os.PathLike[str]) -> Results:
    """The results in a store, without running anything.

    Parameters
    ----------
    store : path
        What was given to `brian2genn.sweep`; also while it is running. Open only files that you
        trust: results that are neither numbers nor arrays are pickles.

    Returns
    -------
    Results
    """
    kept = Store.existing(Path(store))
    return Results(kept, kept.ids())


def _seconds(timeout: Any) -> float | None:
    if timeout is None:
        return None
    if isinstance(timeout, Quantity):
        fail_for_dimension_mismatch(timeout, second, "timeout= is not a time")
    elif isinstance(timeout, bool) or not isinstance(timeout, numbers.Real):
        raise TypeError(f"timeout={timeout!r} is no time. Give seconds, or None.")
    if not float(timeout) > 0:
        raise ValueError(f"timeout={timeout!s} leaves no time. Give more than 0, or None.")
    return float(timeout) if math.isfinite(float(timeout)) else None


def _tell_store(store: Store, runs: int, missing: int) -> None:
    others = store.not_in_sweep()
    if store.path is None or (runs == missing and not others):
        return
    told = f"The store '{store.path}' has {runs - missing} of {runs} results."
    if others:
        told += (
            f" It also has {others} results for other parameters or seeds than those of this call:"
            " the grid has changed. They stay in the file, and are not among these results."
        )
    logger.info(told, "store")


def _engine_for(
    executor: Any, order: Order, limit: float | None, workers: int | None, threads: int | None
) -> Callable[[int], Engine]:
    """Check what was asked for, and say how the engine is made, for so many runs."""
    ours = executor is None and not work.is_inside()
    if not ours and workers is not None:
        raise ValueError(
            "workers= is for a sweep over the cores of this machine. The number of workers is that"
            " of executor=, and within a run of another sweep there is one."
        )
    if ours:
        share_out(workers, threads, 1)

        def local(runs: int) -> Engine:
            processes, each = share_out(workers, threads, runs)
            return LocalEngine(pack(replace(order, threads=each)), processes, each, limit)

        return local
    _, each = share_out(1, 1 if threads is None else threads, 1)
    order = replace(order, threads=each, timeout=limit)
    if executor is None or executor == "serial":
        return lambda runs: SerialEngine(order)
    if is_client(executor):
        return lambda runs: DaskEngine(pack(replace(order, may_end=True)), executor)
    if isinstance(executor, Executor) or callable(executor):
        return lambda runs: FuturesEngine(pack(order), executor, limit)
    raise TypeError(
        f"executor={executor!r} cannot execute runs. Give a concurrent.futures.Executor, a function"
        " that makes one, a distributed.Client, 'serial', or None for the cores of this machine."
    )


def _conduct(
    engine: Engine,
    missing: Sequence[Run],
    store: Store,
    ids: Sequence[int],
    bar: Progress,
    failures: Counter[str],
) -> None:
    """Have all missing runs executed, and write what comes of them when it is there.

    What failures said is counted.
    """
    waiting, busy = deque(missing), dict[int, Run]()
    tries: Counter[int] = Counter()
    at_once = True
    try:
        while waiting or busy:
            while waiting and engine.has_room():
                run = waiting.popleft()
                busy[run.number] = run
                engine.submit(run)
            answers = []
            for outcome in engine.collect(_PATIENCE):
                number = outcome.run.number if isinstance(outcome, Lost) else outcome.number
                run = busy.pop(number)
                if isinstance(outcome, Lost) and not outcome.is_culprit:
                    waiting.appendleft(run)
                    continue
                tries[number] += 1
                answer = _as_answer(outcome)
                if answer.state == "lost" and tries[number] < _TRIES:
                    waiting.append(run)
                    continue
                answers.append((ids[number], answer, tries[number]))
            if answers:
                store.record(answers)
            for _, answer, _ in answers:
                bar.advance(answer.state != "done")
                if answer.state != "done":
                    failures[answer.error.partition("\n")[0]] += 1
        at_once = False
    except EngineFailed as error:
        _give_up(error, [*busy.values(), *waiting], store, ids)
    finally:
        engine.close(at_once)


def _as_answer(outcome: Answer | Lost) -> Answer:
    if isinstance(outcome, Lost):
        state = "lost" if outcome.may_be_repeated else "failed"
        return Answer(outcome.run.number, state, error=outcome.reason)
    return outcome


def _give_up(error: Exception, runs: Sequence[Run], store: Store, ids: Sequence[int]) -> None:
    """Nobody executes runs any more: what is done stays, the others have failed."""
    logger.warn(
        f"{len(runs)} runs were not executed. {error} What is done is among the results."
        + (" The same call again runs what is missing." if store.path else "")
    )
    text = f"It was not executed. {error}"
    store.record([(ids[run.number], Answer(run.number, "failed", error=text), 0) for run in runs])


def _tell_failures(failures: Counter[str], runs: int) -> None:
    if not failures:
        return
    number = failures.total()
    ((most_often, _),) = failures.most_common(1)
    such_as = "" if len(failures) == 1 else "such as "
    # texts of errors may have what no file, and no terminal, can take
    shown = most_often.encode("utf-8", "replace").decode()
    logger.warn(f"{number} of {runs} runs failed ({such_as}{shown}); see results.failed.")


def _interrupted(results: Results, store: Store) -> SweepInterrupted:
    done = results.states.count("done")
    where = (
        f"They are in '{store.path}', and the same call goes on there."
        if store.path
        else "The attribute 'results' of this exception has them; with store=..., they are kept in"
        " a file, and the same call goes on there."
    )
    return SweepInterrupted(f"{done} of {len(results)} runs were done. {where}", results)
