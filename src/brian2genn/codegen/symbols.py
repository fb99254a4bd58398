"""How the text of a program reaches its arrays and parameters."""

from __future__ import annotations

from ..model.dtypes import C_TYPE, is_float
from ..model.network import Network, Role


class Symbols:
    """How a program reaches the arrays and parameters of a network.

    Attributes
    ----------
    arrays : dict
        Array name to its number.
    numbers, integers : list of str
        Parameter names by kind, in order.
    params : dict
        Parameter name to the C text that reads it: a double or an ``int64_t``.
    """

    def __init__(self, network: Network) -> None:
        self.arrays = {name: number for number, name in enumerate(network.arrays)}
        self.numbers = [name for name, param in network.params.items() if is_float(param.dtype)]
        self.integers = [name for name in network.params if name not in set(self.numbers)]
        self.params = {name: f"ctx->numbers[{k}]" for k, name in enumerate(self.numbers)}
        self.params.update({name: f"ctx->integers[{k}]" for k, name in enumerate(self.integers)})

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
