"""In which order Brian's objects were made.

Their names do not tell: Brian uses names of objects that are gone again, and when objects are gone
is up to Python's garbage collector. Of two groups, `neurongroup_3` may be the first and
`neurongroup_1` the second one. Nothing else that Brian knows of an object tells either, nor does it
tell a device. So objects are counted where Brian gives each of them its identity.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from brian2.core.names import Nameable

_NUMBER = "_brian2genn_number"
_numbers = count(1)
_assign_id = Nameable.assign_id


def _assign_id_and_number(self: Nameable) -> None:
    _assign_id(self)
    # past groups' own way to set attributes; Brian's magic network gets one identity after another
    vars(self).setdefault(_NUMBER, next(_numbers))


Nameable.assign_id = _assign_id_and_number


def creation(thing: Any) -> int:
    """Counts the objects that Brian has made; 0 for those that are older than this module."""
    number: int = getattr(thing, _NUMBER, 0)
    return number
