"""Reading and writing whole variables, ``G.v[:]`` and ``G.v = x``, in few steps.

Brian asks a dozen questions for that: about units, strings, names around the call, indices. In an
operation that runs in every time step, they take longer than the step. The functions here answer
the common case, all values of an array variable of a group, by numbers and arrays of the right
unit; anything else is left to Brian's. They replace Brian's in `brian_costs`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import proxy

import numpy as np
from brian2.core.variables import (
    ArrayVariable,
    DynamicArrayVariable,
    LinkedVariable,
    VariableView,
)
from brian2.groups.group import VariableOwner
from brian2.groups.neurongroup import NeuronGroup
from brian2.units.fundamentalunits import DIMENSIONLESS, Quantity

from .recorded import check_link

Function = Callable[..., Any]

#: Tells the names of hooks of Brian's that a device has at present; None if it is not active.
Hooks = Callable[[], "dict[str, Any] | None"]

#: Kinds of variables, exactly, whose values lie in an array.
_IN_ARRAYS = (ArrayVariable, DynamicArrayVariable)

#: Kinds of values, exactly, that are neither code nor need to be made an array of.
_NUMPY_NUMBERS = frozenset((np.float64, np.float32, np.int32, np.int64))
_ARRAYS = frozenset((np.ndarray, Quantity))
VALUES = _ARRAYS | _NUMPY_NUMBERS | {float, int}

#: Methods `state` that make a view of a variable that is there.
_STATES = (VariableOwner.state, NeuronGroup.state)

_new = object.__new__

_READ, WRITE = "variableview_get_with_index_array", "variableview_set_with_index_array"


def is_all(item: Any) -> bool:
    """Whether an index stands for all elements."""
    return type(item) is slice and item.start is None and item.stop is None and item.step is None


def make_getitem(original: Function, hooks: Hooks) -> Function:
    """``VariableView.__getitem__``."""

    def __getitem__(self: VariableView, item: Any) -> Any:
        variable = self.variable
        if (
            type(item) is slice
            and item.start is None
            and item.stop is None
            and item.step is None
            and type(variable) in _IN_ARRAYS
            and self.index_var == "_idx"
            and not variable.scalar
            and type(self) is VariableView
        ):
            hooked = hooks()
            if hooked is not None and _READ not in hooked:
                values, dim = variable.get_value()[item], self.dim
                if dim is None or dim is DIMENSIONLESS:
                    return values
                quantity = values.view(Quantity)
                quantity.dim = dim
                return quantity
        return self.get_item(item, level=1)  # all that the original does

    return __getitem__


def make_getattr(original: Function, hooks: Hooks) -> Function:
    """``VariableOwner.__getattr__``."""

    def __getattr__(self: VariableOwner, name: str) -> Any:
        own = self.__dict__
        if "_group_attribute_access_active" in own and hooks() is not None:
            kind, plain = type(self), name[:-1] if name[-1:] == "_" else name
            if name not in kind.__dict__ and kind.state in _STATES:
                variables = own["variables"]
                variable = variables._variables.get(plain)
                if type(variable) in _IN_ARRAYS:
                    return _view(
                        plain, variable, self, variables, variable.dim if plain is name else None
                    )
        return original(self, name)

    return __getattr__


def _view(name: str, variable: Any, group: Any, variables: Any, dim: Any) -> VariableView:
    """What ``VariableView(name, variable, group, dim)`` is for a variable in an array."""
    view = _new(VariableView)
    view.name = name
    view.variable = variable
    view.index_var_name = index = variables.indices[name]
    view.index_var = index if index == "_idx" or index == "0" else variables[index]
    view.group = proxy(group)
    view.group_name = group.name
    view.indexing = group._indices
    view.dim = dim
    return view


def put(view_of: Any, variable: Any, value: Any, checked: bool) -> bool:
    """Give all elements of a variable a value, if Brian would do that without more ado.

    Parameters
    ----------
    view_of : Group
        Through which the variable is written; its elements are those of the variable.
    variable : Variable
    value : object
    checked : bool
        Whether the unit has to be the variable's.

    Returns
    -------
    bool
        Whether it was done.
    """
    kind = type(value)
    if type(variable) not in _IN_ARRAYS or variable.scalar or variable.read_only:
        return False
    if checked and (value.dim if kind is Quantity else DIMENSIONLESS) is not variable.dim:
        return False
    if kind in _ARRAYS:
        # one number in an array of any shape is a number for Brian
        if value.size == 1 and (kind is np.ndarray or value.shape):
            return False
        value = value.view(np.ndarray)
    elif kind in _NUMPY_NUMBERS:
        value = value.item()
    try:
        view_of.check_variable_write(variable)
    except ReferenceError:
        return False  # the group is gone: Brian knows what to do
    variable.get_value()[:] = value
    return True


def make_setattr(original: Function, hooks: Hooks) -> Function:
    """``VariableOwner.__setattr__``."""

    def __setattr__(self: VariableOwner, key: str, value: Any, level: int = 0) -> None:
        own = self.__dict__
        if (
            type(value) in VALUES
            and "_group_attribute_access_active" in own
            and key not in own
            and key not in type(self).__dict__
            and key not in own.get("_linked_variables", ())
        ):
            variables, name = own["variables"], key
            variable = variables._variables.get(key)
            if variable is None and key[-1:] == "_":
                name = key[:-1]
                variable = variables._variables.get(name)
            if type(variable) in _IN_ARRAYS and variables.indices[name] == "_idx":
                hooked = hooks()
                plainly = hooked is not None and WRITE not in hooked
                if plainly and put(self, variable, value, checked=name is key):
                    return
        if isinstance(value, LinkedVariable) and hooks() is not None:
            check_link(self, value)
        if _is_set_by_its_class(self, key) and not isinstance(value, LinkedVariable):
            # what sets it may look for names in its caller's caller, where there is none but that
            object.__setattr__(self, key, getattr(value, "code", value))
        else:
            original(self, key, value, level + 1)

    return __setattr__


def _is_set_by_its_class(group: VariableOwner, key: str) -> bool:
    """Whether Brian leaves it to a property of the class to set an attribute, as for delays."""
    kind = type(group)
    if not isinstance(getattr(kind, key, None), property):
        return False
    own = group.__dict__
    if key in own.get("_linked_variables", ()) or "_group_attribute_access_active" not in own:
        return False
    variables = own["variables"]
    return key in kind.__dict__ or not (key in variables or key[:-1] in variables)
