"""Ask of refractory neurons how early their last spikes were, in place of counting time steps.

Whether a neuron is still refractory, Brian finds out by ``timestep(t - lastspike, dt) >= n``: a
difference, a product, a rounding and a comparison of what does not fit into whole numbers, for
each neuron. The earlier the last spike, the larger the number of time steps, so that there is a
time, the same for all neurons, up to which a last spike is early enough. It is found once per time
step, to the last bit: by trying what is counted for the numbers around it.
"""

from __future__ import annotations

from ..model import expr as ex
from ..model.dtypes import FLOAT64
from ..model.expr import Expr
from ..model.kernel import ELEMENT, Kernel
from ..model.mishap import working_on
from ..model.network import Network, Role, Threshold, Update
from .rates import STEP_RATE, Rates


def latest(network: Network) -> None:
    """Let updates and thresholds compare times, in place."""
    clocks = {name for name, array in network.arrays.items() if array.role is Role.DT}
    for step in network.steps:
        if isinstance(step, Update | Threshold):
            with working_on(step):
                for kernel in step.kernels():
                    _compare_times(kernel, clocks)


def _compare_times(kernel: Kernel, clocks: set[str]) -> None:
    rates = Rates(kernel)

    def rule(old: Expr, args: tuple[Expr, ...]) -> Expr:
        if old.op == "ge" and rates.of(old.args[1]) <= STEP_RATE:
            counted = _count(old.args[0])
            if counted is not None:
                rate, now, time = counted
                if (
                    _is_rate(rate, kernel, clocks)
                    and rates.of(now) <= STEP_RATE
                    and time.op == "load"
                    and time.dtype == FLOAT64
                    and kernel.accesses[time.attr].index == ELEMENT
                ):
                    return _is_between(time, rate, now, old.args[1])
        return ex.make(old.op, args, old.attr, old.dtype) if args else old

    kernel.rewrite(rule)


def _is_between(time: Expr, rate: Expr, now: Expr, steps: Expr) -> Expr:
    """Whether so many steps have passed since `time`.

    What cannot be counted, because it is too far away or no number, counts as the smallest number
    of steps: that is enough where no more than that is asked for (a period that is infinite).
    """
    last = ex.call("latest", (rate, now, steps), FLOAT64)
    first = ex.binary("div", ex.const(-LARGEST), rate)
    between = ex.logical("and", ex.compare("le", time, last), ex.compare("ge", time, first))
    return ex.logical("or", between, ex.compare("le", steps, ex.const(-LARGEST)))


#: Times in time steps that are larger are not counted (`frontend.expressions.timestep`).
LARGEST = float(2**63)


def _count(value: Expr) -> tuple[Expr, Expr, Expr] | None:
    """Of ``trunc(rate*(now - time))``, where it is a number of steps: `rate`, `now` and `time`."""
    if value.op != "select":
        return None
    _, count, other = value.args
    if value is not whole(count) or other.attr != -LARGEST:
        return None
    if count.op != "call" or count.attr != "trunc" or count.args[0].op != "mul":
        return None
    rate, duration = count.args[0].args
    if duration.op != "sub":
        return None
    now, time = duration.args
    return rate, now, time


def whole(count: Expr) -> Expr:
    """A number of time steps, as it is where it fits into 64 bits."""
    fits = ex.compare("lt", ex.call("abs", (count,), FLOAT64), ex.const(LARGEST))
    return ex.select(fits, count, ex.const(-LARGEST))


def _is_rate(value: Expr, kernel: Kernel, clocks: set[str]) -> bool:
    """Whether a value is one by the time step of a clock: it is positive."""
    if value.op != "div" or value.args[0].op != "const" or value.args[0].attr != 1:
        return False
    dt = value.args[1]
    return dt.op == "load" and kernel.accesses[dt.attr].array in clocks
