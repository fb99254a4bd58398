"""What a script says of divided synapses means all of them: values read, set, and chosen.

While several ranks run a script, the device has the methods of a `WholeViews` as hooks of Brian's.
Mostly, the variables are put together, Brian does what it does, and each rank keeps its part.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from typing import Any, ClassVar

import numpy as np
from brian2.codegen.codeobject import create_runner_codeobj
from brian2.core.variables import Variables, VariableView
from brian2.devices.device import get_device
from brian2.groups.group import IndexWrapper
from brian2.synapses.synapses import Synapses, SynapticSubgroup

from ...frontend.compatibility import local_namespace
from ...frontend.labels import referent
from .states import undivide
from .synapses import SynapseShare, refuse_to_set, share_behind, side_of
from .world import RankWorld


def _is_all(item: Any) -> bool:
    return isinstance(item, slice) and item == slice(None)


class WholeViews:
    """Hooks of Brian's for synapses that are divided.

    Parameters
    ----------
    world : RankWorld
    device : GennDevice
    """

    #: by the names that Brian asks the device for
    HOOKS: ClassVar[dict[str, str]] = {
        "synapses_connect": "connect",
        "variableview_get_with_index_array": "get_with_index_array",
        "variableview_get_with_expression": "get_with_expression",
        "variableview_get_subexpression_with_index_array": "get_subexpression",
        "variableview_set_with_index_array": "set_with_index_array",
        "variableview_set_with_expression": "set_with_expression",
        "variableview_set_with_expression_conditional": "set_conditional",
    }

    def __init__(self, world: RankWorld, device: Any) -> None:
        self._world, self._device = world, device

    # -- synapses are made -------------------------------------------------------
    def connect(
        self,
        synapses: Any,
        condition: Any = None,
        i: Any = None,
        j: Any = None,
        p: Any = 1.0,
        n: Any = 1,
        skip_if_invalid: bool = False,
        namespace: Any = None,
        level: int = 0,
    ) -> None:
        """Make synapses."""
        for end in (synapses.source, synapses.target):
            if isinstance(referent(end), Synapses) and share_behind(end) is not None:
                undivide(self._world, self._device.arrays, referent(end))
        if share_behind(synapses) is None and not synapses._connect_called:
            side = side_of(synapses)
            if side is not None:
                SynapseShare(self._world, self._device.arrays, synapses, side)
        original = Synapses.connect.original_function
        arguments = (condition, i, j, p, n, skip_if_invalid, namespace, level + 1)
        original(synapses, *arguments)

    # -- values are read ------------------------------------------------------------
    def get_with_index_array(self, view: Any, item: Any) -> Any:
        """Read elements."""
        share = share_behind(view.group)
        original = VariableView.get_with_index_array.original_function
        if share is None or view.variable.scalar:
            return original(view, item)
        with share.whole(write=False, only=self._needed(share, view, item)):
            return original(view, item)

    def get_with_expression(self, view: Any, code: Any, run_namespace: Any) -> Any:
        """Read the elements for which a string holds."""
        original = VariableView.get_with_expression.original_function
        share = share_behind(view.group)
        if share is None:
            return original(view, code, run_namespace)
        with share.whole(write=False):
            return original(view, code, run_namespace)

    def get_subexpression(self, view: Any, item: Any, run_namespace: Any) -> Any:
        """Read elements of a subexpression."""
        original = type(self._device).variableview_get_subexpression_with_index_array
        share = share_behind(view.group)
        if share is None:
            return original(self._device, view, item, run_namespace)
        with share.whole(write=False):
            return original(self._device, view, item, run_namespace)

    # -- values are set ---------------------------------------------------------------
    def set_with_index_array(self, view: Any, item: Any, value: Any, check_units: bool) -> None:
        """Set elements to values."""
        refuse_to_set(view.group)
        original = VariableView.set_with_index_array.original_function
        share = share_behind(view.group)
        if share is None or view.variable.scalar:
            original(view, item, value, check_units)
            return
        if _is_all(item) and view.index_var_name == "_idx":
            values = np.asanyarray(value)
            if values.ndim == 0 or share.is_whole:
                original(view, item, value, check_units)
                return
            if values.shape == (share.total,):
                original(view, item, values[share.numbers], check_units)
                return
        with share.whole(write=True, only=self._needed(share, view, item)):
            original(view, item, value, check_units)

    def set_with_expression(
        self, view: Any, item: Any, code: str, run_namespace: Any, check_units: bool = True
    ) -> None:
        """Set elements to what a string says."""
        refuse_to_set(view.group)
        original = VariableView.set_with_expression.original_function
        share = share_behind(view.group)
        if share is None:
            original(view, item, code, run_namespace, check_units)
            return
        with share.whole(write=True):
            original(view, item, code, run_namespace, check_units)

    def set_conditional(
        self, view: Any, cond: str, code: str, run_namespace: Any, check_units: bool = True
    ) -> None:
        """Set the elements for which a string holds to what another one says."""
        refuse_to_set(view.group)
        original = VariableView.set_with_expression_conditional.original_function
        share = share_behind(view.group)
        # each rank does it for its own; what it cannot do so, `SetupCodeObject` does for all
        if share is None or view.index_var_name == "_idx":
            original(view, cond, code, run_namespace, check_units)
            return
        with share.whole(write=True):
            original(view, cond, code, run_namespace, check_units)

    @staticmethod
    def _needed(share: SynapseShare, view: Any, item: Any) -> list[Any]:
        """The variables that have to be put together for some elements of a view."""
        own = [view.variable] if view.index_var_name == "_idx" else []
        return own if own and _is_all(item) else [*own, *share.structure()]


def _choosing(original: Callable[..., Any]) -> Callable[..., Any]:
    """``S.indices[...]``."""

    @wraps(original)
    def __getitem__(self: Any, item: Any) -> Any:
        share = share_behind(self.group)
        if isinstance(item, str):
            # not by the original: it looks for names in the frame that calls it
            namespace = local_namespace(level=1)
            with nullcontext() if share is None else share.whole(write=False):
                return _chosen(self.group, item, namespace)
        if share is None:
            return original(self, item)
        with share.whole(write=False, only=share.structure()):
            return original(self, item)

    return __getitem__


def _chosen(group: Any, condition: str, namespace: dict[str, Any]) -> Any:
    """The numbers of the elements for which a string holds, as Brian finds them."""
    variables = Variables(None)
    variables.add_auxiliary_variable("_indices", dtype=np.int32)
    variables.add_auxiliary_variable("_cond", dtype=bool)
    code = create_runner_codeobj(
        group,
        f"_cond = {condition}",
        "group_get_indices",
        run_namespace=namespace,
        additional_variables=variables,
        codeobj_class=get_device().code_object_class(
            fallback_pref="codegen.string_expression_target"
        ),
    )
    return code()


def _part(original: Callable[..., Any]) -> Callable[..., Any]:
    """``S[...]``."""

    @wraps(original)
    def __getitem__(self: Any, item: Any) -> Any:
        part = original(self, item)
        share = share_behind(self)
        if share is not None:
            part._genn_total = share.total
        return part

    return __getitem__


def _indices_of_part(original: Callable[..., Any]) -> Callable[..., Any]:
    """The numbers of the synapses in ``S[...]``."""

    @wraps(original)
    def _indices(self: Any, index_var: str = "_idx") -> Any:
        share = share_behind(self.synapses)
        if share is None:
            return original(self, index_var)
        if share.total != getattr(self, "_genn_total", share.total):
            raise RuntimeError(
                "Synapses have been added/removed since this synaptic subgroup has been created"
            )
        return self._stored_indices

    return _indices


#: Methods of Brian's that look into arrays of synapses without asking the device.
_REPLACED = (
    (IndexWrapper, "__getitem__", _choosing),
    (Synapses, "__getitem__", _part),
    (SynapticSubgroup, "_indices", _indices_of_part),
)


def let_brian_see_all() -> None:
    """Put the replacements in place, once; they concern divided synapses only."""
    for owner, name, make in _REPLACED:
        original = vars(owner)[name]
        if not hasattr(original, "_genn_of_all"):
            replaced = make(original)
            replaced._genn_of_all = original  # type: ignore[attr-defined]
            setattr(owner, name, replaced)
