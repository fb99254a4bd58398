"""Look at values where they are, to copy only those that somebody should see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....codegen.cuda.small import print_value_check
from ..device.driver import Driver, Launch
from .image import Image

#: Arrays in one launch.
_MOST = 64

#: Brian warns of values that are larger.
_LIMIT = 1e50

_CHECKED = np.dtype(
    [
        ("data", np.uint64),
        ("length", np.int64),
        ("is_double", np.int32),
        ("found", np.int32),
    ]
)


def _text() -> str:
    return print_value_check(_MOST, _LIMIT)


class ValueCheck:
    """Finds arrays with values that are not finite or very large, on the device.

    Parameters
    ----------
    driver : Driver
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._module: Any = None

    def compile_ahead(self) -> None:
        """Begin to compile what looks at them."""
        self._driver.compile_ahead(_text())

    def valid(self, images: Sequence[Image]) -> list[bool]:
        """For every image, whether all its values are finite and of a usual size.

        Parameters
        ----------
        images : sequence of Image
            Current on the device, of floating point numbers.
        """
        if self._module is None:
            self._module = self._driver.build(_text())
        found: list[bool] = []
        for first in range(0, len(images), _MOST):
            found += self._some(images[first : first + _MOST])
        return [not one for one in found]

    def _some(self, images: Sequence[Image]) -> list[bool]:
        driver, module = self._driver, self._module
        table = np.zeros(len(images), dtype=_CHECKED)
        for record, image in zip(table, images, strict=True):
            record["data"], record["length"] = image.address, image.length
            record["is_double"] = image.dtype == np.float64
        driver.upload(module.symbol("b2g_checked"), table)
        count = np.array([len(images)], dtype=np.int32)
        driver.upload(module.symbol("b2g_n_checked"), count)
        longest = max(image.length for image in images)
        blocks = min(-(-longest // driver.threads), 8 * driver.multiprocessors)
        kernel = module.kernel("check_values")
        driver.launch([Launch(kernel, max(blocks, 1), driver.threads)])
        driver.download(table, module.symbol("b2g_checked"))
        return [bool(record["found"]) for record in table]
