"""How the text of a program reaches its arrays and parameters."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.dtypes import C_TYPE, is_float
from ..model.network import Network, Role


class Symbols:
    """How a program reaches arrays and parameters.

    Parameters
    ----------
    arrays, numbers, integers : sequence of str
        Their names, in order.

    Attributes
    ----------
    arrays : dict
        Array name to its number.
    numbers, integers : list of str
        Parameter names by kind, in order.
    params : dict
        Parameter name to the C text that reads it: a double or an ``int64_t``.
    """

    def __init__(
        self, arrays: Sequence[str], numbers: Sequence[str], integers: Sequence[str]
    ) -> None:
        self.arrays = {name: number for number, name in enumerate(arrays)}
        self.numbers, self.integers = list(numbers), list(integers)
        self.params = {name: f"ctx->numbers[{k}]" for k, name in enumerate(numbers)}
        self.params.update({name: f"ctx->integers[{k}]" for k, name in enumerate(integers)})

    @classmethod
    def of(cls, network: Network) -> Symbols:
        """Those of all arrays and parameters of a network."""
        numbers = [name for name, param in network.params.items() if is_float(param.dtype)]
        known = set(numbers)
        integers = [name for name in network.params if name not in known]
        return cls(list(network.arrays), numbers, integers)

    def array(self, name: str) -> str:
        """C text of an array's address."""
        return f"ctx->arrays[{self.arrays[name]}]"

    def length(self, name: str) -> str:
        """C text of an array's length."""
        return f"ctx->lengths[{self.arrays[name]}]"


def user_arrays(network: Network) -> list[tuple[str, str, int]]:
    """Name, C type and number of the arrays that users' functions reach by a pointer."""
    return [
        (name, C_TYPE[array.dtype], number)
        for number, (name, array) in enumerate(network.arrays.items())
        if array.role is Role.NAMESPACE
    ]
