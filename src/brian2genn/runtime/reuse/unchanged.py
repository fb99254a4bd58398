"""What ``Network.before_run`` and ``Network.after_run`` come to where nothing has changed.

All of Brian's own work around a run that is replaced is replaced here. Before a run Brian checks
names, dependences and units, makes code, and lets code objects prepare themselves. The checks have
passed in a run before, and the code has been made; of what they depend on a `Witness` has seen that
it is the same. So only the code objects are left, and objects that do more than check.
``tests/runtime/reuse/test_unchanged.py`` reads Brian's methods and says what they may call for that
to be true.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
from brian2.core.base import BrianObject, BrianObjectException
from brian2.core.clocks import Clock
from brian2.core.magic import MagicNetwork
from brian2.core.network import Network
from brian2.core.preferences import prefs
from brian2.groups.group import CodeRunner
from brian2.groups.neurongroup import NeuronGroup
from brian2.input.poissongroup import PoissonGroup
from brian2.synapses.synapses import SummedVariableUpdater, Synapses, SynapticPathway
from brian2.utils.logger import get_logger

from ..code.codeobject import LoopCodeObject
from .code import Ingredients, NewValue, keeping_code, makes_code_as_brian_does, put_in

logger = get_logger("brian2.core.clocks")

#: What Brian's clocks of one time step do by themselves, on the versions where it is as here.
_OF_CLOCKS = ("set_interval", "_set_t_update_dt", "_calc_timestep", "dt_", "epsilon_dt")

#: Beyond this number of time steps Brian warns.
_MANY_STEPS = 2**40

#: Methods that check, make code, and then let code objects prepare themselves.
CHECKING = frozenset(
    kind.before_run
    for kind in (
        BrianObject, CodeRunner, NeuronGroup, PoissonGroup, Synapses, SynapticPathway,
        SummedVariableUpdater,
    )
)  # fmt: skip


class Routine:
    """What has to be done before and after each run of objects in which nothing changes.

    Parameters
    ----------
    objects : sequence of BrianObject
        All objects of a network, in Brian's order, after a run has been prepared.
    """

    def __init__(self, objects: Sequence[Any]) -> None:
        self._before: list[tuple[Any, Callable[[], None] | None]] = []
        self._after: list[Callable[[], None]] = []
        self._made_of: list[tuple[Any, Ingredients]] = []
        #: objects that do more than check
        self.others = [obj for obj in objects if obj.active and not _only_checks(obj)]
        for obj in objects:
            if not obj.active:
                continue
            if _only_checks(obj):
                self._made_of += [(obj, code.made_of) for code in list(obj.code_objects)[-1:]]
                self._before += [
                    (obj, code.before_run) for code in obj.code_objects if code.prepares_runs
                ]
            else:
                self._before.append((obj, None))
            if type(obj).after_run is BrianObject.after_run and "after_run" not in vars(obj):
                self._after += [
                    code.after_run
                    for code in obj.code_objects
                    if not isinstance(code, LoopCodeObject) or code.follows_runs
                ]
            else:
                self._after.append(obj.after_run)

    @property
    def is_all(self) -> bool:
        """Whether nothing else has to be done: what a script's own classes do, nobody knows."""
        return all(
            type(obj).before_run.__module__.startswith("brian2.")
            and "before_run" not in vars(obj)
            and (makes_code_as_brian_does(obj) or not isinstance(obj, CodeRunner))
            for obj in self.others
        )

    @staticmethod
    def is_for(net: Any, objects: Iterable[Any]) -> bool:
        """Whether a network and its objects are such that their state tells all about them."""
        return type(net) in (Network, MagicNetwork) and all(
            type(obj).contained_objects is BrianObject.contained_objects for obj in objects
        )

    def take_numbers(self, names: Collection[str], namespace: Mapping[str, Any]) -> bool:
        """Put into code what numbers of the script are now.

        Parameters
        ----------
        names : collection of str
            Those of the numbers.
        namespace : mapping
            The names around the call of ``run``.

        Returns
        -------
        bool
            Whether that makes no other code.
        """
        found: list[NewValue] = []
        for obj, made_of in self._made_of:
            values = made_of.new_values(obj, namespace, names)
            if values is None:
                return False
            found += values
        put_in(found)
        return True

    def before_run(self, net: Any, namespace: Mapping[str, Any]) -> None:
        """``net.before_run(namespace)``."""
        prefs.check_all_validated()
        net._stopped = Network._globally_stopped = False
        with keeping_code(self.others) if self.others else nullcontext():
            for obj, prepare in self._before:
                try:
                    if prepare is None:
                        obj.before_run(namespace)
                    else:
                        prepare()
                except Exception as error:
                    raise BrianObjectException(
                        "An error occurred when preparing an object.", obj
                    ) from error

    def after_run(self) -> None:
        """``Network.after_run(net)``."""
        for finish in self._after:
            finish()


def _only_checks(obj: Any) -> bool:
    """Whether an object does nothing before a run but check, and make code that is there."""
    if type(obj).before_run not in CHECKING or "before_run" in vars(obj):
        return False
    if not isinstance(obj, CodeRunner):
        return not obj.code_objects
    codes = list(obj.code_objects)
    if not makes_code_as_brian_does(obj):
        return False
    if not codes:
        return True
    made_of = getattr(codes[-1], "made_of", None)
    return (
        all(isinstance(code, LoopCodeObject) and not code.has_brian_version for code in codes)
        and isinstance(made_of, Ingredients)
        and made_of.may_be_kept
    )


def set_interval(clock: Any, start: Any, end: Any) -> None:
    """``clock.set_interval(start, end)``, of which most is a message for Brian's log.

    Parameters
    ----------
    clock : Clock
    start, end : Quantity
        Times.
    """
    if type(clock) is not Clock or any(name not in vars(Clock) for name in _OF_CLOCKS):
        clock.set_interval(start, end)
        return
    dt = clock.dt_
    first, last = (clock._calc_timestep(float(time)) for time in (start, end))
    if clock._old_dt not in (None, dt) or last > _MANY_STEPS:  # Brian looks, and warns
        clock.set_interval(start, end)
        return
    clock.variables["timestep"].set_value(first)
    clock.variables["t"].set_value(np.int64(first) * dt)
    clock._i_end = last
    logger.diagnostic(f"Setting Clock {clock.name} to time step {first} of {dt} s")
