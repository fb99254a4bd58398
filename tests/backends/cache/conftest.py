"""A toolchain that knows of nothing compiled so far."""

from tests.faults.conftest import fresh

__all__ = ["fresh"]
