"""For pytest in another package's environment: every test begins under one device.

It knows nothing of this project's tests, so it can be loaded anywhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

DEVICE = os.environ["ECOSYSTEM_DEVICE"]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    import brian2

    if DEVICE == "genn":
        import brian2genn

        assert brian2genn
        brian2.set_device("genn", backend="cpu")


@pytest.fixture(autouse=True)
def _device() -> Iterator[None]:
    """Tests of standalone devices choose another one, and may leave it."""
    import brian2

    options = {"backend": "cpu"} if DEVICE == "genn" else {}
    if brian2.get_device() is not brian2.devices.device.all_devices[DEVICE]:
        brian2.set_device(DEVICE, **options)
    yield
