"""Arrays of Brian and their images on the device: copied when one side is stale."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ....codegen.cuda.source import Part
from ...reading import Reading
from ..device.driver import CudaError, Driver, Module
from .arranged import ArrangedValues
from .checks import ValueCheck
from .image import Image
from .lookups import inverse_of
from .queue import DeviceQueue


class DeviceMemory(Reading):
    """The images of all of Brian's variables that programs have used.

    Parameters
    ----------
    driver : Driver
    raw : callable
        From a Brian variable to its array, without looking at the device.
    """

    def __init__(self, driver: Driver, raw: Callable[[Any], np.ndarray]) -> None:
        super().__init__()
        self.driver = driver
        #: from a Brian variable to its array, without looking at the device
        self.raw = raw
        self._images: weakref.WeakKeyDictionary[Any, Image] = weakref.WeakKeyDictionary()
        self._arrangements: weakref.WeakKeyDictionary[DeviceQueue, tuple[int, dict[str, Image]]]
        self._arrangements = weakref.WeakKeyDictionary()
        self._by_target: weakref.WeakKeyDictionary[DeviceQueue, tuple[Any, dict[Part, Image]]]
        self._by_target = weakref.WeakKeyDictionary()
        self._arranged = ArrangedValues(driver)
        self._by_owner: weakref.WeakKeyDictionary[
            DeviceQueue, tuple[int, dict[Any, tuple[dict[str, Image], int]]]
        ]
        self._by_owner = weakref.WeakKeyDictionary()
        #: whether nothing may be on the device yet
        self.is_closed = False
        #: finds values that are not finite, on the device
        self.check = ValueCheck(driver)

    def image(self, variable: Any, is_events: bool) -> Image:
        """The image of a Brian variable."""
        self._must_be_open()
        image = self._images.get(variable)
        if image is None or image.is_events != is_events:
            if image is not None:
                image.update_host()
            reference = weakref.ref(variable)
            raw = self.raw
            image = Image(self.driver, lambda: raw(reference()), is_events)
            self._images[variable] = image
        return image

    def constant(self, array: np.ndarray) -> Image:
        """The image of an array that belongs to one program."""
        self._must_be_open()
        return Image(self.driver, lambda: array, is_events=False)

    def _must_be_open(self) -> None:
        """Computing begins with memory: so nothing is computed where that must not be yet."""
        if self.is_closed:
            raise RuntimeError("it is not known yet whether this GPU computes right")

    def arrangement_so_far(self, queue: DeviceQueue) -> dict[str, Image]:
        """Those of them that are there."""
        return self._arrangements.get(queue, (0, {}))[1]

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

    def arranged(self, queue: DeviceQueue, images: Sequence[Image], module: Module) -> list[int]:
        """Where copies of synapses' arrays are, in the order of a queue; 0 if there are none."""
        order = self.arrangement(queue).get("order")
        return self._arranged.addresses(queue, order, images, module)

    def by_target(self, queue: DeviceQueue, indices: Any, n_targets: int) -> dict[Part, Image]:
        """The synapses of a queue by the neurons that they have an effect on, on the device.

        Parameters
        ----------
        queue : DeviceQueue
        indices : Variable
            Of every synapse, the neuron.
        n_targets : int

        Returns
        -------
        dict
            As `inverse_of` has it, and ``source`` and ``delay`` of every synapse.
        """
        known = self._by_target.get(queue)
        # synapses that are added change the queue's version
        key = queue.version, id(indices), n_targets
        if known is None or known[0] != key:
            arrangement = queue.arrangement
            assert arrangement is not None
            arrays = inverse_of(self.read(indices), n_targets)
            source, delay = (a[arrays["order"]] for a in arrangement.by_synapse())
            arrays |= {"source": source, "delay": delay}
            images = {part: self.constant(array) for part, array in arrays.items()}
            for image in images.values():
                image.update_device()
            known = self._by_target[queue] = key, images
        return known[1]

    def by_owner(
        self, queue: DeviceQueue, indices: Any, each: int, n_owners: int
    ) -> tuple[dict[str, Image], int]:
        """The synapses of a queue by who owns their targets (see `Arrangement.by_owner`).

        And how many an owner has at most. What is known is kept: ways to execute time steps, which
        share them out otherwise, are tried in turn.
        """
        version, known = self._by_owner.get(queue, (-1, {}))
        if version != queue.version:
            version, known = self._by_owner[queue] = queue.version, {}
        key = id(indices), each, n_owners
        if key not in known:
            assert queue.arrangement is not None
            arrays = queue.arrangement.by_owner(self.read(indices), each, n_owners)
            images = {field: self.constant(array) for field, array in arrays.items()}
            for image in images.values():
                image.update_device()
            bounds = arrays["owned_start"][:: queue.arrangement.n_runs]
            known[key] = images, int(np.diff(bounds).max(initial=0))
        return known[key]

    def before_access(self, variable: Any) -> None:
        """Make a variable's array current; whoever asks may write to it."""
        image = self._images.get(variable)
        if image is not None:
            image.update_host()
            if not self._only_reading:
                image.device_is_stale = True

    def valid(self, variables: Sequence[Any]) -> list[bool]:
        """Which variables are known to have finite values of a usual size.

        Those that are current here, on the host, are not looked at.
        """
        images = [self._images.get(variable) for variable in variables]
        there = [
            image
            for image in images
            if image is not None
            and image.host_is_stale
            and not image.is_events
            and image.dtype in (np.float64, np.float32)
        ]
        valid = dict(zip(map(id, there), self.check.valid(there), strict=True))
        return [valid.get(id(image), False) for image in images]

    def exchange_kept(self) -> None:
        """Make current the arrays that a script has kept; it may read and write them now.

        ``array = group.variables["v"].get_value()`` is the group's memory, in Brian.
        """
        for image in list(self._images.values()):
            if image.is_kept():
                image.update_host()
                image.device_is_stale = True

    def update_host(self) -> None:
        """Make all of the host's arrays current; nobody writes to them here.

        Raises
        ------
        CudaError
            The first that came up; all arrays have been tried.
        """
        failure = None
        for image in list(self._images.values()):
            try:
                image.update_host()
            except CudaError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def read(self, variable: Any) -> np.ndarray:
        """A variable's current array, only to be read."""
        with self.only_reading():
            self.before_access(variable)
        return self.raw(variable)
