"""What a backend cannot take, said before anything is built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """One construct of one object that a backend cannot take.

    Attributes
    ----------
    owner : str
        The name of the Brian object.
    construct : str
        What it has.
    reason : str
        Why that cannot be.
    """

    owner: str
    construct: str
    reason: str

    def __str__(self) -> str:
        return f"'{self.owner}': {self.construct}: {self.reason}"


class RefusedNetwork(NotImplementedError):
    """A network that a backend cannot take; nothing has been built.

    Parameters
    ----------
    backend : str
        Who refuses.
    refusals : sequence of Refusal
    able : sequence of str
        The backends that can.
    """

    def __init__(
        self, backend: str, refusals: Sequence[Refusal], able: Sequence[str] = ("cpu", "cuda")
    ) -> None:
        self.refusals = list(refusals)
        self.able = list(able)
        can = " or ".join(f'set_device("genn", backend="{name}")' for name in able)
        listed = "\n".join(f"- {refusal}" for refusal in self.refusals)
        super().__init__(
            f"The backend {backend} cannot run this network, and does not approximate it:\n"
            f"{listed}\nWrite {can}, which can."
        )
