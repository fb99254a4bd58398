"""What users' functions call ``brian::...``, as C++ text."""

from __future__ import annotations

from ..model.dtypes import BOOL, C_TYPE
from ..model.network import Network, View

#: The types of elements as Brian's standalone programs have them.
_TYPE = {**C_TYPE, BOOL: "char"}


def declarations(network: Network) -> list[str]:
    """Declarations of all views, for a namespace."""
    return [
        f"static {_type(view, number)} {view.name};" for number, view in enumerate(network.views)
    ]


def _type(view: View, number: int) -> str:
    element = _TYPE.get(view.dtype, "double")
    match view.kind:
        case "pointer":
            return f"{element} *"
        case "size":
            return "int"
        case "vector" if view.recorder < 0:
            return f"b2g_views::vector<{element}, {number}>"
        case "vector":
            return f"b2g_views::recorded<{element}, {number}>"
        case "matrix":
            return f"b2g_views::matrix<{element}, {number}>"
        case "count":
            return f"b2g_views::recorded_count<{element}>"
    return f"b2g_views::{view.kind}"


def bindings(network: Network) -> list[str]:
    """Statements after which all views show the arrays of the context ``ctx``."""
    numbers = {name: number for number, name in enumerate(network.arrays)}
    return [
        line
        for view in network.views
        for line in _bind(view, [numbers[name] for name in view.arrays])
    ]


def _bind(view: View, arrays: list[int]) -> list[str]:
    place = f"brian::{view.name}"
    match view.kind:
        case "pointer":
            return [f"{place} = ({_TYPE[view.dtype]} *)ctx->arrays[{arrays[0]}];"]
        case "size":
            return [f"{place} = (int)ctx->lengths[{arrays[0]}];"]
        case "vector" if view.recorder < 0:
            return [f"{place}.bind(ctx, {arrays[0]});"]
        case "vector" | "matrix":
            return [f"{place}.bind(ctx, {arrays[0]}, {view.recorder}, {view.column});"]
        case "count":
            return [f"{place}.bind(ctx, {arrays[0]}, {view.recorder});"]
        case "clock":
            types = ("t", "double"), ("timestep", "int64_t"), ("dt", "double")
            return [
                f"{place}.{name} = ({ctype} *)ctx->arrays[{array}];"
                for (name, ctype), array in zip(types, arrays, strict=False)
            ]
    return []


def origins(network: Network) -> list[str]:
    """What the views show, for people."""
    return [
        network.arrays[view.arrays[0]].origin if view.arrays else view.kind
        for view in network.views
    ]
