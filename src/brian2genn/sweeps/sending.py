"""A function on its way to workers, with everything that it needs there."""

from __future__ import annotations

import hashlib
import io
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import CodeType, ModuleType
from typing import Any

import brian2
from brian2.core.names import Nameable
from brian2.core.network import Network
from brian2.units.fundamentalunits import Quantity, Unit

from ..runtime.memory.pickling import as_copies
from .extras import cloudpickle
from .fingerprint import inner_function, names_used
from .surroundings import Surroundings

#: What a run changes by using it.
_WITH_STATE = (Nameable, Network)


class CannotBeSent(TypeError):
    """A function that cannot be taken to another process."""


@dataclass(frozen=True)
class Order:
    """What a worker has to know once.

    Attributes
    ----------
    function : callable
    surroundings : Surroundings
    takes_seed : bool
        Whether the function is given its seed.
    threads : int
        How many a run may use.
    timeout : float or None
        Seconds after which the worker itself ends a run; None if somebody else does, or nobody.
    may_end : bool
        Whether a worker that cannot end a run may end itself.
    """

    function: Callable[..., Any]
    surroundings: Surroundings
    takes_seed: bool
    threads: int
    timeout: float | None = None
    may_end: bool = False


@dataclass(frozen=True)
class Parcel:
    """An order as bytes, and what it is known by.

    Attributes
    ----------
    key : str
    data : bytes or None
        None where the worker should have it already.
    is_opened_anew : bool
        Whether each run opens it: what it holds changes when it is used.
    """

    key: str
    data: bytes | None
    is_opened_anew: bool = False

    def without_data(self) -> Parcel:
        """The same for a worker that has it."""
        return replace(self, data=None)


def pack(order: Order) -> Parcel:
    """Make a parcel of an order.

    Raises
    ------
    CannotBeSent
        If it cannot be pickled, with what is in the way.
    ImportError
        Without the package that pickles functions of scripts.
    """
    cloudpickle()  # what is missing is said as it is, and not as a fault of the function
    extras = _names_of_equations(order.function)
    try:
        data, holds_networks = _pickled((order, extras))
    except Exception as error:
        name = getattr(order.function, "__name__", repr(order.function))
        raise CannotBeSent(
            f"'{name}' cannot be sent to other processes: something that it uses cannot be pickled"
            f" ({type(error).__name__}: {error}). Make it in the function, or run the sweep in this"
            " process, with executor='serial'."
        ) from error
    return Parcel(hashlib.sha256(data).hexdigest(), data, holds_networks)


def _pickled(value: Any) -> tuple[bytes, bool]:
    """A pickle, and whether there are objects of a simulation in it, which have a state."""
    found = False

    class Pickler(cloudpickle().CloudPickler):  # type: ignore[misc]
        def reducer_override(self, obj: Any) -> Any:
            nonlocal found
            found = found or isinstance(obj, _WITH_STATE)
            if isinstance(obj, CodeType):  # cloudpickle leaves out where it comes from
                return _code_of, (obj.co_filename, *self.dispatch_table[CodeType](obj)[:2])
            return super().reducer_override(obj)

    file = io.BytesIO()
    Pickler(file).dump(value)
    return file.getvalue(), found


def _code_of(file: str, make: Callable[..., CodeType], arguments: tuple[Any, ...]) -> CodeType:
    """Code as it was pickled, with its file: tracebacks, and Brian's errors, name it."""
    return make(*arguments).replace(co_filename=file)


def unpack(data: bytes) -> Order:
    """The order that was packed."""
    order: Order
    with as_copies():
        order, extras = pickle.loads(data)
    inner = inner_function(order.function)
    if inner is not None:
        names = inner.__globals__
        for name, value in extras.items():
            names.setdefault(name, value)
        for name, value in names.items():
            if isinstance(value, Quantity) and _is_unit(name, value):
                # it was sent as a quantity, which Brian takes for another meaning of the name
                names[name] = getattr(brian2, name)
    return order


def _names_of_equations(function: Callable[..., Any]) -> dict[str, Any]:
    """The names that occur only in equations, for functions that are sent as such.

    What a module has is there when the module is imported. A function of a script, of a notebook or
    of another function is sent with the names that its code uses; equations are texts, in which
    nobody looks for names.
    """
    inner = inner_function(function)
    if inner is None or _can_be_imported(inner):
        return {}
    _, by_text = names_used(inner)
    found = {}
    for name, value in by_text.items():
        if isinstance(value, ModuleType):
            continue
        try:
            cloudpickle().dumps(value)
        except Exception:
            continue
        found[name] = value
    return found


def _is_unit(name: str, value: Quantity) -> bool:
    unit = getattr(brian2, name, None)
    if not isinstance(unit, Unit) or value.ndim or value.dim is not unit.dim:
        return False
    return float(value) == float(unit)


def _can_be_imported(function: Any) -> bool:
    module = sys.modules.get(function.__module__)
    if module is None or function.__module__ == "__main__":
        return False
    found: Any = module
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is function
