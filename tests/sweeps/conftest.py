"""Sweeps have cores of their own in tests, whatever the machine has."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    """As on a machine with two cores."""
    from brian2genn.sweeps import resources

    monkeypatch.setattr(resources, "usable_cores", lambda: 2)
