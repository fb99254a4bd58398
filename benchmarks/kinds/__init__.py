"""Kinds of networks from the field, each of which the device should run fast.

``python -m benchmarks.kinds`` runs them. A kind is a small function that makes a network (`kind`
takes it into the list); some are those of `benchmarks.networks`.
"""

from __future__ import annotations

import importlib
from functools import partial

from benchmarks.kinds.registry import KINDS, Kind, add
from benchmarks.networks import NETWORKS

#: Networks with other papers' names, and for how many biological seconds they run here.
_FIELD = {
    "cobahh": 0.3,
    "cuba": 8.0,
    "mushroom_body": 0.5,
    "brunel_hakim": 0.4,
    "brunel_hakim_delays": 0.4,
    "stdp": 2.0,
    "stdp_delays": 2.0,
    "microcircuit": 0.6,
}

for _name, _seconds in _FIELD.items():
    _network = NETWORKS[_name]
    _module = importlib.import_module(f"benchmarks.networks.{_network.module}")
    add(
        Kind(
            _name,
            _network.title,
            partial(_module.build, **_network.size),
            _seconds,
            _network.quick,
            _network.quick_duration,
            random=True,
        )
    )

for _idea in (
    "balanced", "published", "learning", "transmission", "cells", "rates", "inputs", "recording",
    "structure",
):  # fmt: skip
    importlib.import_module(f"benchmarks.kinds.{_idea}")

__all__ = ["KINDS", "Kind"]
