"""What goes wrong in a pass of ours, and the object that it goes wrong for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class _Owned(Protocol):
    """A step of the model, or what else says whose it is."""

    @property
    def owner(self) -> str:
        """The label of the Brian object."""


class Mishap(Exception):
    """A defect of ours: a pass over the model has failed, for one object as far as is known.

    Whoever runs the network hands the object to Brian.

    Attributes
    ----------
    owner : str
        The label of the Brian object; empty if the pass was busy with all of them.
    error : Exception
        What went wrong in the pass.
    """

    def __init__(self, message: str, owner: str, error: Exception | None = None) -> None:
        super().__init__(message)
        self.owner = owner
        self.error: Exception = self if error is None else error


@contextmanager
def working_on(step: _Owned | None) -> Iterator[None]:
    """Within this, a pass works on one step; an error tells its object.

    Too little memory is no defect of a pass, and stays what it is.

    Parameters
    ----------
    step : Step or None
        None for what concerns all of a network.
    """
    try:
        yield
    except (Mishap, MemoryError):
        raise
    except Exception as error:
        owner = "" if step is None else step.owner
        raise Mishap(f"{type(error).__name__}: {error}", owner, error) from error
