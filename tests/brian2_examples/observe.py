"""Hooks in Brian that keep what a script records, without a change to the script.

After each run of a network all that its objects hold is copied. A copy replaces the one before if
it is of the same objects and nothing was restored in between: monitors hold what came before.
"""

import functools
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from brian2 import prefs
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.core.base import BrianObject
from brian2.core.network import Network
from brian2.core.variables import ArrayVariable
from brian2.devices import device_module
from brian2.devices.device import RuntimeDevice, all_devices
from brian2.groups.group import Group
from brian2.groups.subgroup import Subgroup
from brian2.monitors.ratemonitor import PopulationRateMonitor
from brian2.monitors.spikemonitor import EventMonitor
from brian2.monitors.statemonitor import StateMonitor
from brian2.synapses.synapses import Synapses
from brian2.units.fundamentalunits import Quantity

from tests.semantics.harness import snapshot

#: Larger arrays are thinned out evenly, and after so many values in all nothing more is kept.
LARGEST, MOST = 1_000_000, 60_000_000

#: What a loop of Brian's target adds for `--jitter`: one unit in the last place.
ROUNDING = np.finfo(float).eps / 2


class Observer:
    """What one script did.

    Parameters
    ----------
    device : str
    """

    def __init__(self, device: str) -> None:
        self.device = device
        self.arrays: dict[str, np.ndarray] = {}
        self.seconds = 0.0
        self.runs = 0
        self.places: set[tuple[str, str, str, str]] = set()
        self.complete = True
        self._serials = itertools.count()
        self._epoch = -1
        self._seen: tuple | None = None

    def after_run(self, net: Network) -> None:
        """Keep what the objects of a network hold."""
        self.runs += 1
        self.seconds += float(device_module.get_device()._last_run_time)
        self._copy(net.sorted_objects, id(net))
        if self.device == "genn":
            explanation = all_devices["genn"].explain(net)
            self.places |= {
                (re.sub(r"_\d+", "", place.name), place.kind, place.where, place.reason)
                for place in explanation.placements
            }

    def before_restore(self) -> None:
        """Begin anew: monitors lose what they hold."""
        self._seen = None

    def finish(self, namespace: dict[str, Any], elsewhere: bool) -> None:
        """Where no network ran in this process, keep what there is instead.

        Parameters
        ----------
        namespace : dict
            The script's variables.
        elsewhere : bool
            Whether the script hands its work to other processes: then its numbers are kept,
            otherwise the groups that it has made.
        """
        if self.runs:
            return
        if not elsewhere:
            made = [reference() for reference in BrianObject.__instances__()]
            self._copy([obj for obj in made if obj is not None], 0)
            return
        for name, value in namespace.items():
            if name.startswith("_") or isinstance(value, (bool, int)):
                continue
            if isinstance(value, (Quantity, float, np.ndarray, list, tuple)):
                try:
                    self._keep(f"script.{name}", np.asarray(value, dtype=float))
                except (TypeError, ValueError):
                    continue

    def told(self) -> dict[str, Any]:
        """All but the arrays."""
        return {
            "runs": self.runs,
            "seconds": self.seconds,
            "complete": self.complete,
            "objects": Counter(where for _, _, where, _ in self.places),
            "by_brian": sorted(
                (kind, reason) for _, kind, where, reason in self.places if where == "Brian"
            ),
        }

    def _copy(self, objects: Iterable[Any], network: int) -> None:
        groups = [o for o in objects if isinstance(o, Group) and not isinstance(o, Subgroup)]
        seen = (network, *(self._serial(obj) for obj in groups))
        if seen != self._seen:
            self._seen, self._epoch = seen, self._epoch + 1
        names: Counter[str] = Counter()
        for obj in sorted(groups, key=lambda o: _natural(o.name)):
            # numbers in names depend on what Python has collected by then
            base = re.sub(r"_\d+$", "", obj.name)
            label = f"{self._epoch}/{base}#{names[base]}"
            names[base] += 1
            for name, value in _contents(obj).items():
                self._keep(f"{label}.{name}", value)

    def _serial(self, obj: Any) -> int:
        if not hasattr(obj, "_observed_as"):
            object.__setattr__(obj, "_observed_as", next(self._serials))
        return obj._observed_as

    def _keep(self, name: str, value: np.ndarray) -> None:
        value = np.array(value)
        if value.dtype.kind not in "biuf":
            return
        if value.size > LARGEST:
            value = value.reshape(-1)[:: value.size // LARGEST + 1]
        known = self.arrays.pop(name, np.empty(0)).size
        if sum(array.size for array in self.arrays.values()) - known + value.size > MOST:
            self.complete = False
            return
        self.arrays[name] = value


def _is_owned(variable: ArrayVariable, obj: Group) -> bool:
    try:
        return getattr(variable.owner, "name", None) == obj.name
    except ReferenceError:
        return False  # of a group that is gone


def _contents(obj: Group) -> dict[str, np.ndarray]:
    """The values of a group or monitor itself; not those it refers to in other groups."""
    if isinstance(obj, (EventMonitor, StateMonitor, PopulationRateMonitor)):
        return snapshot(obj)
    values = {
        name: np.asarray(variable.get_value())
        for name, variable in obj.variables.items()
        if isinstance(variable, ArrayVariable)
        and not name.startswith("_")
        and _is_owned(variable, obj)
    }
    if isinstance(obj, Synapses):
        values["i"], values["j"] = np.asarray(obj.i[:]), np.asarray(obj.j[:])
        for pathway in obj._pathways:
            delay = np.asarray(pathway.variables["delay"].get_value())
            values[f"{pathway.objname}.delay"] = delay
    return values


def _natural(name: str) -> list:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def install(target: str, device: str, seed: int, scale: float, jitter: bool) -> Observer:
    """Put the hooks in place.

    Parameters
    ----------
    target : str
        Brian's code generation target.
    device : str
        ``'runtime'`` or ``'genn'``.
    seed : int
        Added to the seeds that a script sets itself, less one.
    scale : float
        Factor of the duration of each run.
    jitter : bool
        Whether every state update is followed by a change in the last place.

    Returns
    -------
    Observer
    """
    import matplotlib.pyplot as plt

    if device == "genn":
        import brian2genn  # noqa: F401  (its class is among those that `_shift_seeds` changes)

    prefs.codegen.target = target
    plt.show = lambda *args, **kwds: None
    observer = Observer(device)

    def observed(net: Network, original: Callable = Network.after_run) -> None:
        original(net)
        observer.after_run(net)

    Network.after_run = observed
    restore = Network.restore

    @functools.wraps(restore)
    def restored(net: Network, *args: Any, **kwds: Any) -> None:
        observer.before_restore()
        restore(net, *args, **kwds)

    Network.restore = restored
    if seed != 1:
        _shift_seeds(seed - 1)
    if scale != 1:
        _scale_durations(scale)
    if jitter:
        _vary_rounding(seed)
    return observer


def _shift_seeds(by: int) -> None:
    def shifted(original: Callable) -> Callable:
        @functools.wraps(original)
        def seed(*args: Any) -> None:
            *rest, last = args or (None,)
            original(*rest, last + by if isinstance(last, (int, np.integer)) else last)

        return seed

    np.random.seed = shifted(np.random.seed)
    for kind in {type(device) for device in all_devices.values()}:
        if issubclass(kind, RuntimeDevice):
            kind.seed = shifted(kind.seed)


def _scale_durations(scale: float) -> None:
    run = Network.run

    @functools.wraps(run)
    def shorter(net: Network, duration: Quantity, *args: Any, **kwds: Any) -> None:
        # the namespace is looked up one frame further up
        kwds["level"] = kwds.get("level", 0) + 1
        return run(net, duration * scale, *args, **kwds)

    Network.run = shorter


def _vary_rounding(seed: int) -> None:
    """Change what state updates give by one unit in the last place, at random.

    Where results then differ, it shows how far rounding alone can take them apart.
    """
    generator = np.random.default_rng(seed)
    run_block = NumpyCodeObject.run_block

    def varied(code: NumpyCodeObject, block: str) -> Any:
        result = run_block(code, block)
        if block == "run" and code.template_name in ("stateupdate", "spatialstateupdate"):
            group = code.owner
            names = set(group.equations.diff_eq_names)
            if code.template_name == "spatialstateupdate":
                names.add("v")
            for name in sorted(names):
                values = group.variables[name].get_value()
                if values.dtype.kind == "f":
                    steps = generator.integers(-1, 2, size=values.shape)
                    values *= 1 + 2 * ROUNDING * steps
        return result

    NumpyCodeObject.run_block = varied
