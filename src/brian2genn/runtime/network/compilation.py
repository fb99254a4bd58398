"""From a network of Brian's to a program that is ready to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from brian2.core.preferences import prefs

from ...backends.host import toolchain
from ...backends.interface import Program
from ...backends.refusal import RefusedNetwork
from ...frontend.network import Translation, refuse, translate
from ...model.mishap import Mishap
from ...model.network import Network as Model
from ...model.verify import verify
from ...transforms.pipeline import shown
from ...transforms.settle import settle
from ..activation.chosen import AnotherBackend, ChosenBackend
from ..activation.foreign import explain_foreign_preferences
from ..checks.bounds import changing_indices
from ..code.depth import as_deep_as_needed, is_deep
from ..messages.log import NetworkLog
from ..messages.mishaps import EVERYTHING, hand_over
from ..ranks.processes import Processes
from ..ranks.running import RefusedOnSeveralRanks
from ..reuse.prepared import Prepared, PreparedNetworks
from ..reuse.programs import KnownPrograms, Numbers, steps_of
from ..run.loop import TimeLoop
from .connection import Connection


class Compilation:
    """Makes networks ready, with what is known of their last runs.

    Parameters
    ----------
    chosen : ChosenBackend
    known : PreparedNetworks
        What networks were prepared for their last runs.
    log : NetworkLog
        Told where objects run.
    connection : Connection
    processes : Processes
    """

    def __init__(
        self,
        chosen: ChosenBackend,
        known: PreparedNetworks,
        log: NetworkLog,
        connection: Connection,
        processes: Processes,
    ) -> None:
        self._processes = processes
        self._chosen = chosen
        self._known = known
        self._log = log
        self._connection = connection

    def make_ready(
        self,
        net: Any,
        objects: Sequence[Any],
        profile: bool,
        namespace: Mapping[str, Any],
        unchanged: bool,
    ) -> tuple[Prepared, TimeLoop]:
        """What was prepared for the last run, with what has changed since; else a new network.

        Parameters
        ----------
        net : Network
        objects : sequence of BrianObject
            All of the network; they have prepared themselves.
        profile : bool
        namespace : mapping
            The names around the call of ``run``.
        unchanged : bool
            Whether Brian did not have to look at the objects.

        Raises
        ------
        AnotherBackend
            If it turned out meanwhile that another one has to run it.
        """
        known = self._known.find(net)
        if (
            known is None
            or not known.is_for(self._chosen.get(), profile)
            or not known.is_of(objects, net._clocks, unchanged)
            or not known.translation.bindings.refresh()
            or not self._fits_numbers(known, net, profile)
            or not self._processes.still_fit(known.ranked)
        ):
            self._known.forget(net)
            return self._compile(net, objects, profile)
        if not unchanged:
            known.look(net, namespace)
        self._log.remember(net, known.translation.placements, known.setup, known.sizes)
        try:
            return known, self._connection.connect(net, known, profile)
        except BaseException:
            self._known.forget(net)
            raise

    def _fits_numbers(self, known: Prepared, net: Any, profile: bool) -> bool:
        """Whether the program that was made for other numbers is the one for these."""
        if known.has_same_numbers():
            return True
        self._program(known.translation, net, profile)
        return not known.is_careful()

    def _compile(
        self, net: Any, objects: Sequence[Any], profile: bool
    ) -> tuple[Prepared, TimeLoop]:
        """A network that is ready to run: what our passes fail for, Brian will run."""
        explain_foreign_preferences()
        handed: dict[str, str] = {}
        active = [obj for obj in objects if obj.active]
        while True:
            translation = self._translate(net, active, handed)
            changing = changing_indices(translation)
            if changing.keys() - handed.keys():
                handed |= changing
                continue
            try:
                settle(translation.network, translation.slots, translation.ranks)
                ranked = self._processes.plan(objects, translation)
                program = self._program(translation, net, profile)
                if not self._chosen.is_final:  # meanwhile, compilers were at work
                    if self._chosen.settle():
                        raise AnotherBackend
                    self._log.remember(net, translation.placements)  # it is known where
                prepared = Prepared(
                    net, objects, translation, program, self._chosen.get(), profile,
                    self._log.setup_of(objects), ranked,
                )  # fmt: skip
                loop = self._connection.connect(net, prepared, profile)
                if not handed and not prefs["devices.genn.debug"] and prepared.may_be_kept(net):
                    self._known.keep(net, prepared)
                return prepared, loop
            except (RefusedNetwork, RefusedOnSeveralRanks) as refused:
                self._log.remember(net, refuse(translation.placements, refused.refusals))
                raise
            except Mishap as mishap:
                names = {obj.name for obj in active}
                owner = translation.bindings.names.of(mishap.owner)
                known = owner in names and owner not in handed
                owner = owner if known else EVERYTHING
                if names <= handed.keys():  # it is not the objects
                    raise mishap.error from None
                reason = hand_over(owner, mishap)
                handed |= dict.fromkeys([owner] if known else names - handed.keys(), reason)

    def _translate(self, net: Any, active: list[Any], handed: dict[str, str]) -> Translation:
        def failed(name: str, error: Exception) -> str:
            if isinstance(error, RecursionError) and not is_deep():
                raise error
            return hand_over(name, error)

        translation = as_deep_as_needed(
            lambda: translate(active, net._clocks, self._chosen.get().refuse, failed, handed)
        )
        self._log.remember(net, translation.placements)
        return translation

    def _program(self, translation: Translation, net: Any, profile: bool) -> Program:
        def make(network: Model) -> Program:
            verify(network)
            with shown(prefs["devices.genn.debug"], network):
                return self._chosen.get().build(network, profile=profile)

        try:
            programs = self._chosen.programs[profile]
            if prefs["devices.genn.debug"]:  # each run is shown
                programs = KnownPrograms()
            numbers = Numbers(translation.bindings.params, steps_of(translation.bindings.arrays))
            return programs.find_or_make(translation.network, make, numbers)
        except toolchain.CompileError as error:
            raise error.used_by(translation.function_users()) from None
