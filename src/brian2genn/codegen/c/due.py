"""Which steps have something to do in a time step, as C text."""

from __future__ import annotations

from ...model import expr as ex
from ...model.network import Deliver, OnEvents, Push, RecordEvents, Step
from ...transforms.demand import Users
from ..symbols import Symbols


def due(step: Step, symbols: Symbols, on_demand: dict[str, Users]) -> str:
    """C text: whether a step has something to do; empty if it always has.

    Most time steps have no events for most groups and pathways: then nobody is called. Nor are
    sums that nobody uses now.
    """
    if step.name in on_demand:
        return _demand(step, on_demand[step.name])
    if isinstance(step, Deliver):
        return f"b2g_arrives(ctx->queues[{step.queue}])"
    if not isinstance(step, Push | RecordEvents | OnEvents):
        return ""
    kernels = step.kernels()
    if any(kernel.shared_stores for kernel in kernels):
        return ""  # these are written in every time step
    if any(node.op == "user" for kernel in kernels for node in ex.walk(kernel.roots())):
        return ""  # whatever it does besides may be wanted
    return f"b2g_happened(ctx, {symbols.arrays[step.events]})"


def _demand(step: Step, users: Users) -> str:
    """C text of when a sum is used."""
    own = f"&ctx->clocks[{step.clock}]"
    asked = ["ctx->last", f"b2g_is_seen(ctx->clocks, ctx->n_clocks, {own})"]
    asked += [f"ctx->clocks[{clock}].active" for clock in users.now]
    asked += [f"b2g_ticks_next(&ctx->clocks[{clock}], {own})" for clock in users.next]
    return f"({' || '.join(asked)})"
