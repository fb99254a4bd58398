"""Single precision where a last bit decides: what is made of whole numbers and literals alone.

To Brian, numbers of the script are Python's, and integer variables make doubles of them. In loops
in single precision they are single floats here, which differs by rounding, unless ``%``, ``//``, a
comparison or a conversion to whole numbers follows: ``(k*0.1) // 0.1`` has to count tenths.
"""

from __future__ import annotations

from ..model import expr as ex
from ..model.dtypes import FLOAT32, FLOAT64, is_float
from ..model.expr import Expr

#: Whose results are what their operands are.
_OPERATIONS = frozenset(("add", "sub", "mul", "div", "neg", "pow", "mod", "floordiv", "call"))


class Doubles:
    """Finds the doubles in place of which single floats stand."""

    def __init__(self) -> None:
        #: by the serial numbers of single floats; None where there is no double
        self._known: dict[int, Expr | None] = {}

    def of(self, value: Expr) -> Expr | None:
        """The double that Brian has for `value`; None if a single float of a variable is in it."""
        waiting = [value]
        while waiting:
            node = waiting[-1]
            if node.serial in self._known or node.dtype != FLOAT32:
                waiting.pop()
                continue
            missing = [
                arg for arg in node.args if arg.dtype == FLOAT32 and arg.serial not in self._known
            ]
            if missing and node.op in _OPERATIONS:
                waiting += missing
                continue
            waiting.pop()
            self._known[node.serial] = self._made(node)
        return self._known[value.serial] if value.dtype == FLOAT32 else None

    def _made(self, node: Expr) -> Expr | None:
        if node.op in ("const", "param"):
            return ex.make(node.op, attr=node.attr, dtype=FLOAT64)
        if node.op == "cast" and not is_float(node.args[0].dtype):
            return ex.cast(node.args[0], FLOAT64)
        if node.op not in _OPERATIONS:
            return None
        args = []
        for arg in node.args:
            wide = self._known[arg.serial] if arg.dtype == FLOAT32 else arg
            if wide is None:
                return None
            args.append(wide)
        return ex.make(node.op, args, node.attr, FLOAT64)

    def rounded(self, double: Expr) -> Expr:
        """A result as a single float, of which the double is known."""
        single = ex.cast(double, FLOAT32)
        if single.op == "cast":
            self._known[single.serial] = double
        return single

    def both(self, left: Expr, right: Expr) -> tuple[Expr, Expr] | None:
        """Two operands as doubles; None if one is of single precision, or both are anyway."""
        if FLOAT32 not in (left.dtype, right.dtype):
            return None
        operands = []
        for value in (left, right):
            wide = self.of(value) if value.dtype == FLOAT32 else value
            if wide is None:
                return None
            operands.append(wide)
        return operands[0], operands[1]
