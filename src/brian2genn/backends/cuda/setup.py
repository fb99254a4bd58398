"""Set-up code on the device: synapses, and values for many elements."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from ...codegen.cuda.setup import CudaSetupSource, print_cuda_setup, why_on_host
from ...model.network import Network
from ...model.setup import CONDITION, Assign, Connect
from ...transforms.pipeline import FOR_SETUP, lower
from .device.driver import Driver, Launch, Module
from .memory.coherence import DeviceMemory
from .memory.image import Image

#: Elements to assign to, or pairs of neurons to look at, from which the device is sooner done
#: with it than the host, whose compiler has less to do.
_WORTHWHILE = 1 << 20

#: The same while it is not known yet whether the device computes right, for which the host would
#: have to wait.
_WORTH_WAITING = 1 << 26

#: The same where the device's program has to be compiled first: that takes a quarter of a second.
_WORTH_COMPILING = 1 << 24

#: How many programs are kept loaded.
_MOST = 16

#: What a set-up program of a synapse's row cannot exceed.
_MOST_SYNAPSES = 2**31 - 1


class DeviceSetup:
    """Executes set-up code on a device, where it can and where it is worth it.

    Parameters
    ----------
    driver : Driver
    memory : DeviceMemory
    setup_from : int, optional
        Elements to assign to, or pairs of neurons to look at, from which the device does it. By
        default those from which it is sooner done: whether it has a program is looked at, too.
    """

    def __init__(self, driver: Driver, memory: DeviceMemory, setup_from: int | None = None) -> None:
        self._driver = driver
        self._memory = memory
        self._always = setup_from is not None
        self._setup_from = _WORTHWHILE if setup_from is None else setup_from
        #: waits for the verdict on the device; None if there is none to wait for
        self.is_right: Callable[[], bool] | None = None
        self._loaded: OrderedDict[str, Module] = OrderedDict()

    def assign(
        self, network: Network, arrays: Mapping[str, Any], params: Mapping[str, float], key: int
    ) -> bool:
        """Set variables; whether it was done.

        Parameters
        ----------
        network : Network
            With a single set-up step.
        arrays : mapping
            From the names of arrays to Brian variables, or to arrays.
        params : mapping
        key : int
            Of the random streams.
        """
        (step,) = network.steps
        if not isinstance(step, Assign) or step.size is None:
            return False
        size = int(params[step.size])
        if not self._is_worth_it(size) or why_on_host(network) is not None:
            return False
        written = step.kernel.written_arrays()
        try:
            overwritten = {name for name in written if self._overwrites(step, arrays[name], size)}
            overwritten -= step.kernel.read_arrays()
            program = self._program(network, arrays, params, key, size, overwritten)
            if program is None:
                return False
            program.launch("assign_elements", size)
        except MemoryError:
            return False  # the host may have more
        for name in written:
            program.images[name].host_is_stale = True
        self._memory.exchange_kept()
        return True

    def connect(
        self, network: Network, arrays: Mapping[str, Any], params: Mapping[str, float], key: int
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """The neurons of new synapses, in Brian's order; None if the host has to make them.

        Parameters
        ----------
        network, arrays, params, key
            As for `assign`.
        """
        (step,) = network.steps
        if not isinstance(step, Connect):
            return None
        n_rows = int(params[step.rows])
        size = n_rows * int(params[step.partners])
        if not self._is_worth_it(size) or why_on_host(network) is not None:
            return None
        try:
            program = self._program(network, arrays, params, key, size)
            if program is None:
                return None
            rows = program.reserve("rows", 8 * n_rows)
            program.update()
            program.launch("count_rows", n_rows)
            counts = np.empty(n_rows, dtype=np.int64)
            self._driver.download(counts, rows)
            total = int(counts.sum())
            if counts.min(initial=0) < 0 or total > _MOST_SYNAPSES:
                return None  # an error: the host finds out which, and says so as Brian does
            first = np.zeros(n_rows, dtype=np.int64)
            np.cumsum(counts[:-1], out=first[1:])
            self._driver.upload(rows, first)
            ends = [np.empty(total, dtype=np.int32) for _ in ("pre", "post")]
            places = [program.reserve(name, 4 * total) for name in ("pre", "post")]
            program.update()
            program.launch("fill_rows", n_rows)
            for end, place in zip(ends, places, strict=True):
                if total:
                    self._driver.download(end, place)
            return ends[0], ends[1]
        except MemoryError:
            return None

    def _is_worth_it(self, size: int) -> bool:
        if size < self._setup_from or self.is_right is None:
            return size >= self._setup_from
        return size >= _WORTH_WAITING and self.is_right()

    def _is_ready(self, text: str, size: int) -> bool:
        """Whether it is not worth it to leave it to the host while the program is compiled."""
        if text in self._loaded or self._always or size >= _WORTH_COMPILING:
            return True
        return self._driver.compile_ahead(text, exact=True)

    def _overwrites(self, step: Assign, variable: Any, size: int) -> bool:
        """Whether a step writes every element of an array."""
        return CONDITION not in step.kernel.outputs and self._memory.raw(variable).size == size

    def _program(
        self,
        network: Network,
        arrays: Mapping[str, Any],
        params: Mapping[str, float],
        key: int,
        size: int,
        overwritten: Collection[str] = (),
    ) -> _Execution | None:
        """The program for so many elements; None if the host is sooner done."""
        network = network.copied()
        lower(network, FOR_SETUP)
        source = print_cuda_setup(network)
        if not self._is_ready(source.text, size):
            return None
        module = self._module(source.text)
        program = _Execution(self._driver, self._memory, source, module, params, key)
        program.place(arrays, overwritten)
        program.update()
        return program

    def _module(self, text: str) -> Module:
        module = self._loaded.pop(text, None) or self._driver.build(text, exact=True)
        self._loaded[text] = module
        if len(self._loaded) > _MOST:
            self._loaded.popitem(last=False)
        return module


class _Execution:
    """One execution of a set-up program: its memory on the device."""

    def __init__(
        self,
        driver: Driver,
        memory: DeviceMemory,
        source: CudaSetupSource,
        module: Module,
        params: Mapping[str, float],
        key: int,
    ) -> None:
        self._driver = driver
        self._memory = memory
        self._source = source
        self._module = module
        self._params = params
        self._key = key
        self._own: dict[str, Image] = {}
        self.images: dict[str, Image] = {}

    def place(self, arrays: Mapping[str, Any], overwritten: Collection[str]) -> None:
        """Have the arrays on the device; those that are overwritten as they may be."""
        for name, thing in arrays.items():
            if isinstance(thing, np.ndarray):
                self.images[name] = self._memory.constant(thing)
                continue
            image = self.images[name] = self._memory.image(thing, False)
            # a clock's time, for example, which programs and Brian write without a word
            if self._memory.raw(thing).size == 1 and not image.host_is_stale:
                image.device_is_stale = True
        for name, image in self.images.items():
            if name in overwritten:
                image.reserve_to_overwrite()
            else:
                image.update_device()

    def reserve(self, name: str, nbytes: int) -> int:
        """Memory that is given back with this object."""
        image = self._own[name] = self._memory.constant(np.empty(0, dtype=np.uint8))
        return image.reserve(nbytes)

    def update(self) -> None:
        """Tell the program where everything is."""
        source = self._source
        counts = (len(source.arrays), len(source.numbers), len(source.integers))
        n_arrays, n_numbers, n_integers = (max(count, 1) for count in counts)
        record = np.zeros(
            (),
            [
                ("arrays", np.uint64, (n_arrays,)),
                ("lengths", np.int64, (n_arrays,)),
                ("numbers", np.float64, (n_numbers,)),
                ("integers", np.int64, (n_integers,)),
                ("seed", np.uint64),
                ("random_step", np.uint64),
                ("rows", np.uint64),
                ("pre", np.uint64),
                ("post", np.uint64),
            ],
        )
        for k, name in enumerate(source.arrays):
            record["arrays"][k] = self.images[name].address
            record["lengths"][k] = self.images[name].length
        for field, names in (("numbers", source.numbers), ("integers", source.integers)):
            for k, name in enumerate(names):
                record[field][k] = self._params[name]
        record["seed"] = self._key
        for name, image in self._own.items():
            record[name] = image.address
        self._driver.upload(self._module.symbol("b2g_setup"), record)

    def launch(self, kernel: str, elements: int) -> None:
        """Execute a kernel, one thread for each element."""
        blocks = max(1, -(-elements // self._driver.threads))
        self._driver.launch([Launch(self._module.kernel(kernel), blocks, self._driver.threads)])
