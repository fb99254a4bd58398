"""Set-up code between runs: compiled and executed at once, or left to Brian."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
from brian2.core.base import BrianObjectException
from brian2.core.variables import VariableView

from ...backends.host import toolchain
from ...backends.host.interpreter import InterpretedSetup
from ...backends.host.setup import (
    NEGATIVE_SAMPLE,
    OUT_OF_RANGE,
    SAMPLE_TOO_LARGE,
    TOO_MANY,
    ZERO_STEP,
    Connections,
    SetupError,
    SetupProgram,
    count,
    number_synapses,
)
from ...backends.interface import Setup, array_of
from ...codegen.c.setup import draws
from ...codegen.instructions import NotInterpreted
from ...frontend.expressions import Unsupported
from ...frontend.network import function_users
from ...frontend.recorded import RecordedCode
from ...frontend.setup import NEW_POST, NEW_PRE, RESULT, SetupTranslation, translate_setup
from ...model.kernel import ELEMENT
from ...model.mishap import Mishap
from ...model.setup import Connect, ConnectPairs, ElementStep, Read, SetupStep
from ...model.verify import verify
from ...transforms.rates import ELEMENT_RATE, Rates
from ..checks.bounds import check_setup_bounds
from ..memory.pickling import MadeAnew
from ..messages.mishaps import hand_over
from ..ranks.synapses import SynapseShare, share_behind
from .meanwhile import using_the_time


class SetupCodeObject(MadeAnew):
    """What Brian gets in place of its own code object for set-up code.

    Parameters
    ----------
    recorded : RecordedCode
    brian_version : callable
        Returns Brian's own code object for the same code.
    new_key : callable
        Returns a key for random numbers that were never drawn before.
    report : callable
        Told the code, the reason if Brian has to execute it, and whether another device than the
        host did.
    elsewhere : callable
        Returns what executes set-up code on a device other than the host, or None.
    threads : callable
        Says how many threads of the host may be used.
    """

    def __init__(
        self,
        recorded: RecordedCode,
        brian_version: Callable[[], Any],
        new_key: Callable[[], int],
        report: Callable[[RecordedCode, str | None, bool], None],
        elsewhere: Callable[[], Setup | None],
        threads: Callable[[], int],
    ) -> None:
        self._threads = threads
        self._elsewhere = elsewhere
        self.name = recorded.name
        self.recorded = recorded
        self._brian_version = brian_version
        self._new_key = new_key
        self._report = report

    def __call__(self) -> Any:
        try:
            translation = translate_setup(self.recorded)
            share = self._share()
            if share is not None and not _can_be_done_apart(translation):
                with share.whole(write=True):
                    return self()
            try:
                _check_indices(translation)
                check_setup_bounds(translation)
            except IndexError as error:
                raise self._brian_exception(error) from error
        except Unsupported as unsupported:
            return self._by_brian(str(unsupported))
        except BrianObjectException:
            raise
        except Exception as error:
            return self._by_brian(self._failure(error))
        try:
            verify(translation.network)
            key = self._new_key() if draws(translation.network) else 0
            if self._executed_elsewhere(translation, key):
                self._report(self.recorded, None, True)
                return None
            threads = self._threads()
            program = _program(translation, threads)
        except Mishap as mishap:
            return self._by_brian(self._failure(mishap))
        except toolchain.CompileError as error:
            raise error.used_by(function_users(translation.users)) from None
        self._report(self.recorded, None, False)
        try:
            with using_the_time():
                return _Execution(self.recorded, translation, program, key, threads).execute()
        except (IndexError, ValueError) as error:
            raise self._brian_exception(error) from error

    def _failure(self, error: Exception) -> str:
        return hand_over(f"set-up code of {self.recorded.owner.name}", error)

    def _by_brian(self, reason: str) -> Any:
        self._report(self.recorded, reason, False)
        share = self._share()
        with nullcontext() if share is None else share.whole(write=True):
            return self._brian_version()()

    def _share(self) -> SynapseShare | None:
        """What is known of synapses of which this process has a part at present."""
        share = share_behind(self.recorded.owner)
        return None if share is None or share.is_whole else share

    def _executed_elsewhere(self, translation: SetupTranslation, key: int) -> bool:
        """Execute the code on another device than the host, if that can be."""
        device = self._elsewhere()
        if device is None:
            return False
        network, bindings = translation.network, translation.bindings
        if not isinstance(translation.step, Connect):
            return device.assign(network, bindings.arrays, bindings.params, key)
        made = device.connect(network, bindings.arrays, bindings.params, key)
        if made is None:
            return False
        _Growth(self.recorded.owner, self.recorded.variables).append(*made)
        return True

    def _brian_exception(self, error: Exception) -> BrianObjectException:
        """The exception that Brian makes of an error in a code object."""
        return BrianObjectException(
            f"An exception occured during the execution of code object {self.name}.\n"
            f"The code was: {self.recorded.describe()}\nThe error was: {error}\n",
            self.recorded.owner,
        )


def _can_be_done_apart(translation: SetupTranslation) -> bool:
    """Whether each of several processes can do it for synapses of its own."""
    kernels = translation.network.kernels()
    return not isinstance(translation.step, Read) and not any(
        kernel.attributes("user") for kernel in kernels
    )


class SameForAll(np.ndarray):
    """One value, that of all elements that a subexpression was asked for."""


def read_subexpression(view: Any, item: Any, run_namespace: Any) -> Any:
    """What Brian's ``VariableView.get_subexpression_with_index_array`` does.

    Of a subexpression that depends on nothing that elements have of their own, this is a number
    whatever is asked for, as from Brian's NumPy target, by which Brian evaluates it by default
    whatever the target of the loop. That target fails where one element is asked for.
    """
    result = VariableView.get_subexpression_with_index_array.original_function(
        view, item, run_namespace
    )
    if isinstance(result, SameForAll):
        return result.view(np.ndarray)[0]
    if view.index_var_name == "_idx" and not view.variable.scalar and np.ndim(result) == 0:
        # a value for every number would let a loop over the elements go on forever
        number, size = np.asarray(item), view.group.variables["N"].item()
        if number.dtype.kind == "i" and number.ndim == 0 and not -size <= number < size:
            raise IndexError(f"index {number} is out of bounds for axis 0 with size {size}")
    return result


def _is_same_for_all(step: Read) -> bool:
    """Whether what is read depends on nothing that elements have of their own."""
    value = step.kernel.outputs.get(step.output or "")
    return value is not None and Rates(step.kernel).of(value) < ELEMENT_RATE


def _check_indices(translation: SetupTranslation) -> None:
    """Negative indices count from the end; others must exist."""
    step = translation.step
    if not isinstance(step, ElementStep) or step.indices is None:
        return
    variable = translation.bindings.arrays[step.indices]
    indices = variable.get_value()
    if indices.size == 0:
        return
    sizes = {
        translation.bindings.arrays[access.array].get_value().size
        for kernel in step.kernels()
        for access in kernel.accesses.values()
        if access.index == ELEMENT
    }
    if not sizes:
        return
    lowest, highest, size = int(indices.min()), int(indices.max()), min(sizes)
    if lowest < -size or highest >= size:
        wrong = lowest if lowest < -size else highest
        raise IndexError(f"index {wrong} is out of bounds for axis 0 with size {size}")
    if lowest < 0:
        if len(sizes) > 1:
            raise Unsupported("negative indices into arrays of different lengths")
        translation.bindings.arrays[step.indices] = np.where(
            indices < 0, indices + size, indices
        ).astype(np.int32)


def _program(translation: SetupTranslation, threads: int) -> SetupProgram | InterpretedSetup:
    """What executes a step: an interpreter, or compiled code where that is done sooner."""
    step, bindings = translation.step, translation.bindings
    lengths = {}
    if isinstance(step, ElementStep) and step.indices is not None:
        lengths[step.indices] = len(array_of(bindings.arrays[step.indices]))
    try:
        return InterpretedSetup(translation.network, lengths, bindings.params)
    except NotInterpreted:
        return SetupProgram(translation.network, threads)


class _Execution:
    """One execution of a compiled set-up program, and what follows it."""

    def __init__(
        self,
        recorded: RecordedCode,
        translation: SetupTranslation,
        program: SetupProgram | InterpretedSetup,
        key: int,
        threads: int,
    ) -> None:
        self._threads = threads
        self._variables = recorded.variables
        self._owner = recorded.owner
        self._bindings = translation.bindings
        self._step: SetupStep = translation.step
        self._program = program
        self._key = key

    def execute(self) -> Any:
        """Run the program; the result is that of Brian's code object."""
        if isinstance(self._step, Connect):
            self._connect()
        elif isinstance(self._step, ConnectPairs):
            self._connect_pairs()
        elif isinstance(self._step, Read):
            return self._read(self._step)
        else:
            self._run({})
        return None

    def _run(self, more: dict[str, np.ndarray], connections: Connections | None = None) -> int:
        arrays = {name: array_of(thing) for name, thing in self._bindings.arrays.items()}
        bindings = self._bindings
        return self._program.run(
            {**arrays, **more}, bindings.params, self._key, connections, bindings.names
        )

    def _read(self, step: Read) -> Any:
        scalar = step.output and self._variables["_variable"].scalar
        if step.indices is not None and not scalar and _is_same_for_all(step):
            # also of no elements
            self._bindings.arrays[step.indices] = np.zeros(1, dtype=np.int32)
            result = np.empty(1, dtype=self._variables["_variable"].dtype)
            self._run({RESULT: result})
            return result.view(SameForAll)
        if step.indices is not None:
            size = len(self._variables["_group_idx"].get_value())
        else:
            size = int(self._bindings.params[str(step.size)])
        dtype = self._variables["_variable"].dtype if step.output else np.int32
        result = np.empty(size, dtype=dtype)
        chosen = self._run({RESULT: result})
        if scalar:
            return result[0]
        return result if chosen == size else result[:chosen].copy()

    def _connect(self) -> None:
        assert isinstance(self._step, Connect)
        growth = _Growth(self._owner, self._variables)
        connections = Connections(growth.part)
        try:
            self._run({}, connections)
            pre, post = growth.room(connections.count)
            connections.fill(pre, post, self._threads)
            numbers = None if growth.part is None else connections.numbers
            growth.finish(numbers, connections.all)
        except SetupError as error:
            raise _brian_error(error, self._step) from None
        finally:
            connections.release()

    def _connect_pairs(self) -> None:
        assert isinstance(self._step, ConnectPairs)
        new = int(self._bindings.params[self._step.size])
        pre, post = np.empty(new, dtype=np.int32), np.empty(new, dtype=np.int32)
        self._run({NEW_PRE: pre, NEW_POST: post})
        append_synapses(self._owner, pre, post)


def append_synapses(synapses: Any, pre: np.ndarray, post: np.ndarray) -> None:
    """Make synapses between neurons, by their numbers in the whole groups."""
    _Growth(synapses, synapses.variables).append(pre, post)


class _Growth:
    """New synapses in Brian's arrays, and what Brian does when they are there."""

    def __init__(self, synapses: Any, variables: dict[str, Any]) -> None:
        share = share_behind(synapses)
        #: how they are divided among processes, of which each has a part
        self._share = None if share is None or share.is_whole else share
        self._synapses, self._variables = synapses, variables
        self._ends = variables["_synaptic_pre"], variables["_synaptic_post"]
        self._before = len(self._ends[0].get_value())

    @property
    def part(self) -> tuple[bool, int, int] | None:
        """Which synapses this process keeps; see `Connections`."""
        share = self._share
        return None if share is None else (share.side == "pre", *share.range())

    def append(self, pre: np.ndarray, post: np.ndarray) -> None:
        """Append the synapses from some neurons to others."""
        if self._share is None:
            self.grow(pre, post)
            return
        own = self._share.is_mine(pre if self._share.side == "pre" else post)
        self.grow(pre[own], post[own], np.flatnonzero(own), len(pre))

    def grow(
        self, pre: np.ndarray, post: np.ndarray, numbers: np.ndarray | None = None, more: int = 0
    ) -> None:
        """Append synapses of this process's own; see `finish`."""
        ends = self.room(len(pre))
        ends[0][:], ends[1][:] = pre, post
        self.finish(numbers, more)

    def room(self, count: int) -> list[np.ndarray]:
        """Room for the neurons of so many more synapses of this process's own."""
        for variable in self._ends:
            variable.resize(self._before + count)
        return [variable.get_value()[self._before :] for variable in self._ends]

    def finish(self, numbers: np.ndarray | None = None, more: int = 0) -> None:
        """Do what Brian does when they are there.

        Parameters
        ----------
        numbers : int array, optional
            Those of the synapses among all new ones, where each process has a part.
        more : int, optional
            How many all have together then.
        """
        after = len(self._ends[0].get_value())
        if self._share is None or numbers is None:
            self._synapses._resize(after)
        else:
            self._share.add(numbers, more)
            for variable in self._share.variables():
                variable.resize(after)
            self._variables["N"].set_value(self._share.total)
        self._update_numbers()

    def _update_numbers(self) -> None:
        """What Brian's ``_update_synapse_numbers`` does, without copies."""
        synapses, variables = self._synapses, self._synapses.variables
        ends = [variable.get_value() for variable in self._ends]
        for neurons, side, counts in zip(
            ends, ("pre", "post"), ("N_outgoing", "N_incoming"), strict=True
        ):
            offset = variables["_source_offset" if side == "pre" else "_target_offset"]
            # the other side may be synapses, of which there may be more now
            variables[counts].resize(
                int(variables[f"N_{side}"].item()) + int(np.asarray(offset.get_value()).item())
            )
            known = variables[counts].get_value()
            if self._share is None:
                count(neurons[self._before :], known)
                continue
            new = np.zeros_like(known)
            count(neurons[self._before :], new)
            known += self._share.of_all(new)
        if synapses.multisynaptic_index is not None:
            numbers = variables[synapses.multisynaptic_index].get_value()
            number_synapses(ends[0], ends[1], numbers)


def _brian_error(error: SetupError, step: Connect) -> Exception:
    """The error that Brian raises for the same mistake."""
    partner = "j" if step.outer_is_pre else "i"
    if error.kind == OUT_OF_RANGE:
        # as Brian's NumPy target says it, in all versions
        text = f"={error.wrong} outside allowed range from 0 to {error.limit - 1}"
        if step.check_first:
            text = f"{partner}{text}, and the condition refers to a post-synaptic variable"
        else:
            text = f"_{partner}{text}"
        return IndexError(f"index {text}")
    if error.kind == NEGATIVE_SAMPLE:
        return IndexError(f"Requested sample size {error.wrong} is negative.")
    if error.kind == SAMPLE_TOO_LARGE:
        return IndexError(
            f"Requested sample size {error.wrong} is bigger than the population size {error.limit}."
        )
    if error.kind == ZERO_STEP:
        return ValueError("The step of range() or sample() must not be zero.")
    assert error.kind == TOO_MANY
    return MemoryError("A Synapses object cannot have more than 2147483647 synapses.")
