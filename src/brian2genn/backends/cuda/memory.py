"""Arrays of Brian and their images on the device: copied when one side is stale."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .driver import Driver
from .queue import DeviceQueue


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
        self.host_is_stale = False
        self.device_is_stale = True
        self._finalizer: weakref.finalize | None = None

    def update_host(self) -> None:
        """Make the host's array current."""
        if not self.host_is_stale:
            return
        self.host_is_stale = False
        array = self._host()
        if self.is_events:
            flags = np.empty(array.size - 1, dtype=np.uint8)
            self._driver.download(flags, self.address)
            (events,) = np.nonzero(flags)
            array[: events.size] = events
            array[-1] = events.size
        elif array.size:
            self._driver.download(array, self.address)

    def update_device(self) -> bool:
        """Make the device's array current; whether its address or length has changed."""
        if not self.device_is_stale:
            return False
        self.device_is_stale = False
        array = self._host()
        if not array.flags.c_contiguous:
            raise ValueError("an array of the network is not contiguous")
        data = self._flags(array) if self.is_events else array
        moved = self._reserve(data.nbytes) or self.length != array.size
        self.length = array.size
        if data.nbytes:
            self._driver.upload(self.address, data)
        return moved

    def is_kept(self) -> bool:
        """Whether somebody has the host's array itself, and can use it without asking."""
        array = self._host()
        # one reference each: Brian's device, `array`, the argument of getrefcount
        return sys.getrefcount(array) > 3 and self._host() is array

    @staticmethod
    def _flags(array: np.ndarray) -> np.ndarray:
        flags = np.zeros(array.size - 1, dtype=np.uint8)
        flags[array[: array[-1]]] = 1
        return flags

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


class DeviceMemory:
    """The images of all of Brian's variables that programs have used.

    Parameters
    ----------
    driver : Driver
    raw : callable
        From a Brian variable to its array, without looking at the device.
    """

    def __init__(self, driver: Driver, raw: Callable[[Any], np.ndarray]) -> None:
        self.driver = driver
        #: from a Brian variable to its array, without looking at the device
        self.raw = raw
        self._images: weakref.WeakKeyDictionary[Any, Image] = weakref.WeakKeyDictionary()
        self._arrangements: weakref.WeakKeyDictionary[DeviceQueue, tuple[int, dict[str, Image]]]
        self._arrangements = weakref.WeakKeyDictionary()
        self._only_reading = False

    def image(self, variable: Any, is_events: bool) -> Image:
        """The image of a Brian variable."""
        image = self._images.get(variable)
        if image is None or image.is_events != is_events:
            if image is not None:
                image.update_host()
            reference = weakref.ref(variable)
            raw = self.raw
            image = Image(self.driver, lambda: raw(reference()), is_events)
            self._images[variable] = image
        return image

    def nbytes(self) -> int:
        """How much of the device's memory the variables take."""
        return sum(image.nbytes for image in self._images.values())

    def constant(self, array: np.ndarray) -> Image:
        """The image of an array that belongs to one program."""
        return Image(self.driver, lambda: array, is_events=False)

    def arrangement(self, queue: DeviceQueue) -> dict[str, Image]:
        """The arrays in which a queue's synapses are arranged, on the device."""
        version, images = self._arrangements.get(queue, (-1, {}))
        if version != queue.version:
            images = {
                field: self.constant(array)
                for field, array in vars(queue.arrangement).items()
                if isinstance(array, np.ndarray)
            }
            for image in images.values():
                image.update_device()
            self._arrangements[queue] = queue.version, images
        return images

    @contextmanager
    def only_reading(self) -> Iterator[None]:
        """Within this, nobody writes to the arrays that are asked for."""
        before, self._only_reading = self._only_reading, True
        try:
            yield
        finally:
            self._only_reading = before

    def before_access(self, variable: Any) -> None:
        """Make a variable's array current; whoever asks may write to it."""
        image = self._images.get(variable)
        if image is not None:
            image.update_host()
            if not self._only_reading:
                image.device_is_stale = True

    def exchange_kept(self) -> None:
        """Make current the arrays that a script has kept; it may read and write them now.

        ``array = group.variables["v"].get_value()`` is the group's memory, in Brian.
        """
        for image in list(self._images.values()):
            if image.is_kept():
                image.update_host()
                image.device_is_stale = True

    def read(self, variable: Any) -> np.ndarray:
        """A variable's current array, only to be read."""
        with self.only_reading():
            self.before_access(variable)
        return self.raw(variable)
