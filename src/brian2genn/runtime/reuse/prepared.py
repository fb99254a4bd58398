"""A network as it was prepared for its last run: mostly, the next run needs no more.

A network that is run again is recognised by its objects and their code. Then nothing is translated
or compiled; only numbers, tables and memory are looked up anew. If, beside that, a `Witness` says
that nothing has changed that Brian looks at before a run, Brian is not asked to look, either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from operator import is_
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np
from brian2.core.variables import DynamicArrayVariable
from brian2.synapses.synapses import SynapticPathway

from ...backends.interface import Backend, Program, RawValue
from ...frontend.network import Translation
from ...model.network import EmitSpikes, RecordRate, RecordState
from ..checks.bounds import Bounds, check_bounds, index_arrays, raw_arrays
from ..memory.pickling import nothing
from ..messages.explain import SetupPlacement
from ..messages.sizes import Sizes
from ..ranks.running import RankedNetwork
from ..run.recordings import columns_of
from .code import Ingredients
from .programs import Numbers, steps_of
from .unchanged import Routine
from .witness import Witness

#: Where an object of the network holds it.
_ATTRIBUTE = "_genn_prepared"


class Prepared:
    """What was made of a network for a run.

    Parameters
    ----------
    net : Network
    objects : sequence of BrianObject
        All of the network, in Brian's order.
    translation : Translation
        Settled; passes over the network have worked on a copy.
    program : Program
        Made of it.
    backend : Backend
    profile : bool
    setup : list of Counter
        What set-up code of its groups was executed; kept up to date.
    ranked : RankedNetwork, optional
        How several processes run it together.
    """

    def __init__(
        self,
        net: Any,
        objects: Sequence[Any],
        translation: Translation,
        program: Program,
        backend: Backend,
        profile: bool,
        setup: list[Counter[SetupPlacement]],
        ranked: RankedNetwork | None = None,
    ) -> None:
        #: how several processes run it together
        self.ranked = ranked
        self.objects = objects
        self.translation = translation
        self.program = program
        #: of all recorders; as long as nothing changes, they keep their memory
        self.columns = [columns_of(plan) for plan in translation.bindings.recorders]
        #: from the recorders that get a row in each step of a clock to that clock
        self.ticking = {
            step.recorder: step.clock
            for step in translation.network.steps
            if isinstance(step, RecordState | RecordRate)
        }
        self.setup = setup
        self.sizes = Sizes(objects)
        #: whether it is in use: an object of the network may run the network
        self.busy = False
        #: what Brian does before and after a run, if nothing has changed
        self.routine: Routine | None = None
        #: whether something draws random numbers
        self.draws = translation.network.draws()
        bindings = translation.bindings
        variables = bindings.arrays
        #: by identity: variables that may move, and those that hold indices
        self.moving = {id(v) for v in variables.values() if isinstance(v, DynamicArrayVariable)}
        self.indices = {
            id(variables[name])
            for kernel in translation.network.kernels()
            for name in index_arrays(kernel)
        }
        #: those with the spikes of generators: Brian bins them before a run, so other ones count
        #: from the next run on
        self.lists = {
            id(variables[name])
            for step in translation.network.steps
            if isinstance(step, EmitSpikes)
            for name in (step.neurons, step.timebins)
        }
        pathways = {id(obj.queue): obj for obj in objects if isinstance(obj, SynapticPathway)}
        self._sources = [pathways[id(queue)].synapse_sources for queue in bindings.queues]
        self._bounds: Bounds | None = None
        self._used = False
        self._unused = program.unbound()
        self._made_for = backend, profile
        self._numbers = self._present_numbers()
        self._structure = _structure(objects, net._clocks)
        self._witness: Witness | None = None
        self._members = copy(net.objects), list(net.schedule), net.id

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return nothing, ()  # a copy is prepared anew

    def may_be_kept(self, net: Any) -> bool:
        """Whether all is known that it depends on."""
        return (
            Routine.is_for(net, self.objects)
            # users' functions may get another text, and may look into anything
            and not self.translation.network.user_code
            and not self.is_careful()
            # code that Brian runs is made anew for each run
            and not any(host.code_objects for host in self.translation.bindings.hosts)
        )

    def is_careful(self) -> bool:
        """Whether it is what it is because of the numbers of the run."""
        return any(kernel.careful for kernel in self.translation.network.kernels())

    def is_for(self, backend: Backend, profile: bool) -> bool:
        """Whether the program can be used, by this backend and for this purpose."""
        known, purpose = self._made_for
        return known is backend and purpose == profile and not self.busy

    def nothing_has_changed(self, net: Any, namespace: Mapping[str, Any], backend: Backend) -> bool:
        """Whether Brian, before a run, would find everything as it was, up to values of numbers."""
        members, schedule, identity = self._members
        if (
            self._witness is None
            or self.routine is None
            or not self.routine.is_all
            or self.busy
            or self._made_for[0] is not backend
            or net.objects != members
            or net.id != identity
            or net.schedule != schedule
            or not self._witness.nothing_has_changed()
        ):
            return False
        numbers = self._witness.new_numbers(namespace)
        if numbers:
            if not self.routine.take_numbers(numbers, namespace):
                return False
            self._witness.note_names(namespace)
        return numbers is not None

    def is_of(self, objects: Sequence[Any], clocks: Iterable[Any], unchanged: bool) -> bool:
        """Whether it was made of these objects and the code that they have now.

        Parameters
        ----------
        objects : sequence of BrianObject
            All of the network; they have prepared themselves.
        clocks : iterable
        unchanged : bool
            Whether Brian found everything as it was; some objects may have made other code yet.
        """
        sure = unchanged and self.routine is not None and not self.routine.others
        return sure or self._has_same_objects(objects, clocks)

    def _has_same_objects(self, objects: Sequence[Any], clocks: Iterable[Any]) -> bool:
        things, settings = _structure(objects, set(clocks))
        known, known_settings = self._structure
        return (
            len(things) == len(known)
            and all(map(is_, things, known))
            and settings == known_settings
        )

    def has_same_numbers(self) -> bool:
        """Whether numbers of the run are those of the last one; notes them."""
        before, self._numbers = self._numbers, self._present_numbers()
        return before == self._numbers

    def _present_numbers(self) -> Numbers:
        bindings = self.translation.bindings
        return Numbers(bindings.params, steps_of(bindings.arrays))

    def take_program(self) -> Program:
        """The program for this run."""
        used, self._used = self._used, True
        if used and not self._stays_bound():
            self.program = self._unused.unbound()
        return self.program

    def check_bounds(self, raw: RawValue, before: Mapping[int, np.ndarray]) -> Mapping[str, Any]:
        """Check that no step reads or writes outside of an array; see `bounds.check_bounds`.

        Parameters
        ----------
        raw : callable
            Returns the array of a variable as it lies in memory.
        before : mapping
            From the identities of `lists` that have got another size in this run to what they were.

        Returns
        -------
        mapping
            What the names of arrays stand for: variables, or, if these are the same for the
            program, their arrays.
        """
        variables: Mapping[str, Any] = self.translation.bindings.arrays
        if before:
            variables = {name: before.get(id(v), v) for name, v in variables.items()}
        arrays = raw_arrays(variables, raw)
        synapses = [raw(sources).size for sources in self._sources]
        self._bounds = check_bounds(self.translation, arrays, synapses, self._bounds)
        return arrays if self._stays_bound() else variables

    def _stays_bound(self) -> bool:
        return bool(getattr(self.program, "stays_bound", False))

    def look(self, net: Any, namespace: Mapping[str, Any]) -> None:
        """Note what the preparation of this run has depended on."""
        self._members = copy(net.objects), list(net.schedule), net.id
        if self._witness is None or not self._witness.nothing_has_changed():
            self.routine = Routine(self.objects)
            codes = [code for obj in self.objects for code in obj.code_objects]
            recorded = [code.recorded for code in codes if hasattr(code, "recorded")]
            self._witness = Witness(self.objects, recorded, _names(self.objects, codes))
        self._witness.note_names(namespace)


def _structure(objects: Iterable[Any], clocks: Iterable[Any]) -> tuple[list[Any], list[Any]]:
    """What the translation of objects is made of: things, and settings that are plain values."""
    things, settings = [], []
    for obj in objects:
        codes = [getattr(code, "recorded", None) for code in obj.code_objects]
        things += [obj, obj.clock, vars(obj).get("queue"), *codes]
        settings += [obj.when, obj.order, obj.active, len(codes), obj.name]
    settings.append(sorted((clock.name, id(clock)) for clock in clocks))
    return things, settings


def _names(objects: Iterable[Any], codes: Iterable[Any]) -> set[str]:
    """The names in equations and code whose meaning the script decides."""
    names: set[str] = set()
    for code in codes:
        made_of = getattr(code, "made_of", None)
        if isinstance(made_of, Ingredients):
            names |= made_of.names()
    for obj in objects:
        equations = vars(obj).get("equations")
        if equations is not None:
            names |= set(equations.names) | set(equations.identifiers)
        for variable in vars(obj).get("variables", {}).values():
            names |= set(getattr(variable, "identifiers", ()))
    return names


class PreparedNetworks:
    """What networks were prepared for their last runs, for as long as their objects live."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Any, ref[Prepared]] = WeakKeyDictionary()

    def find(self, net: Any) -> Prepared | None:
        """What is known of a network."""
        reference = self._known.get(net)
        return None if reference is None else reference()

    def keep(self, net: Any, prepared: Prepared) -> None:
        """Keep what was made of a network; an object of it holds that."""
        self.forget(net)
        vars(prepared.objects[0])[_ATTRIBUTE] = prepared
        self._known[net] = ref(prepared)

    def forget(self, net: Any) -> None:
        """Forget what is known of a network."""
        prepared = self.find(net)
        self._known.pop(net, None)
        if prepared is not None:
            vars(prepared.objects[0]).pop(_ATTRIBUTE, None)
