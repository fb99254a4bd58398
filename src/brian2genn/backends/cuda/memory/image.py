"""The device's copy of an array."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import numpy as np

from ...host.memory import is_kept
from ..device.driver import Driver


class Image:
    """The device's copy of one array.

    Parameters
    ----------
    driver : Driver
    host : callable
        Returns the array in the host's memory, without looking at the device.
    is_events : bool
        Whether the host's array is an event space of Brian (a list of elements
        and, last, their number) and the device's a flag for every element.
    """

    def __init__(self, driver: Driver, host: Callable[[], np.ndarray], is_events: bool) -> None:
        self._driver = driver
        self._host = host
        self.is_events = is_events
        self.address = 0
        self.length = 0
        self.nbytes = 0
        #: counts how often the device's array may have got other values
        self.version = 0
        self._host_is_stale = False
        self.device_is_stale = True
        self._finalizer: weakref.finalize | None = None

    @property
    def host_is_stale(self) -> bool:
        """Whether the device has written to its array."""
        return self._host_is_stale

    @host_is_stale.setter
    def host_is_stale(self, stale: bool) -> None:
        self.version += stale
        self._host_is_stale = stale

    def update_host(self) -> None:
        """Make the host's array current."""
        if not self.host_is_stale:
            return
        array = self._host()
        if self.is_events:
            flags = np.empty(array.size - 1, dtype=np.uint8)
            self._driver.download(flags, self.address)
            (events,) = np.nonzero(flags)
            array[: events.size] = events
            array[-1] = events.size
        elif array.size:
            self._driver.download(array, self.address)
        self.host_is_stale = False

    def update_device(self) -> bool:
        """Make the device's array current; whether its address or length has changed."""
        if not self.device_is_stale:
            return False
        array = self._host()
        if not array.flags.c_contiguous:
            raise ValueError("an array of the network is not contiguous")
        data = self._flags(array) if self.is_events else array
        moved = self._reserve(data.nbytes) or self.length != array.size
        self.length = array.size
        if data.nbytes:
            self._driver.upload(self.address, data)
        self.version += 1
        self.device_is_stale = False
        return moved

    @property
    def dtype(self) -> np.dtype:
        """The type of the host's elements."""
        return self._host().dtype

    def is_kept(self) -> bool:
        """Whether somebody has the host's array itself, and can use it without asking."""
        return is_kept(self._host)

    @staticmethod
    def _flags(array: np.ndarray) -> np.ndarray:
        flags = np.zeros(array.size - 1, dtype=np.uint8)
        flags[array[: array[-1]]] = 1
        return flags

    def reserve(self, nbytes: int) -> int:
        """Memory of this size, whatever the array's; its address."""
        self._reserve(nbytes)
        self.device_is_stale = False
        return self.address

    def reserve_to_overwrite(self) -> None:
        """Memory for an array of which the device will write every element."""
        array = self._host()
        self.length = array.size
        self.reserve(array.nbytes)

    def _reserve(self, nbytes: int) -> bool:
        nbytes = max(nbytes, 16)
        if self.address and nbytes <= self.nbytes < 2 * nbytes + 4096:
            return False
        self.free()
        self.address = self._driver.allocate(nbytes)
        self.nbytes = nbytes
        self._finalizer = weakref.finalize(self, self._driver.free, self.address)
        return True

    def free(self) -> None:
        """Give the device's memory back."""
        if self._finalizer is not None:
            self._finalizer()
            self._finalizer = None
        self.address = self.nbytes = 0
        self.device_is_stale = True
