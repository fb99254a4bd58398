"""What scripts for Brian2GeNN 1.x, and other tools, say to the device."""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2.core.network import Network
from brian2.devices.device import RuntimeDevice, reset_device, set_device
from brian2.groups.neurongroup import NeuronGroup
from brian2.units import ms
from brian2.utils.logger import get_logger

from ..preferences import old_preferences_in_use
from .explain import Explanations, SetupLog

logger = get_logger("brian2.devices.genn")

#: Arguments of ``set_device`` and ``device.build``, and why they do nothing now.
_WITHOUT_MEANING = {
    "directory": "nothing is written to a build directory",
    "compile": "a network is compiled when it is run",
    "run": "a network runs when run() is called",
    "use_GPU": "backend='cpu' or backend='cuda' chooses",
    "debug": "there is no separate program to debug",
    "with_output": "there is no separate program that prints",
    "direct_call": "there is no separate program to call",
    "clean": "nothing is written to a build directory",
    # names from before 1.0
    "project_dir": "nothing is written to a build directory",
    "compile_project": "a network is compiled when it is run",
    "run_project": "a network runs when run() is called",
}

#: The arguments of ``device.build`` in 1.x, in their order.
_OF_BUILD = ("directory", "compile", "run", "use_GPU", "debug", "with_output", "direct_call")


class LegacyInterface:
    """Old arguments are accepted; each that has no meaning any more says so once."""

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """Brian's runtime device, for tools that know Brian's own devices by their class.

        brian2modelfitting finds out by its name whether values can be set between runs.
        """
        return RuntimeDevice

    def activate(self, build_on_run: bool = True, **kwargs: Any) -> None:
        """Called by ``set_device``."""
        if kwargs.get("use_GPU") is False:
            del kwargs["use_GPU"]
            kwargs.setdefault("backend", "cpu")
        self._explain_old_arguments(kwargs)
        if not build_on_run:
            logger.info(
                "'build_on_run=False' has no effect: the device is live, every run() runs at"
                " once, and device.build() has nothing left to do.",
                "build_on_run",
                once=True,
            )
        # the device class behind this one in the bases has it
        super().activate(build_on_run=build_on_run, **kwargs)  # type: ignore[misc]

    def build(self, *args: Any, **kwargs: Any) -> None:
        """Accepted for old scripts: everything has been run already."""
        self._explain_old_arguments(dict(zip(_OF_BUILD, args, strict=False)) | kwargs)

    def run(self, *args: Any, run_args: Any = None, **kwargs: Any) -> None:
        """Accepted for old scripts, but for values with which a program is to be repeated.

        Raises
        ------
        NotImplementedError
            With `run_args`. Without this method Brian would ignore the call, and a loop over
            values would give the same result for each.
        """
        if run_args:
            raise NotImplementedError(
                "device.run(run_args=...) repeats a standalone program with other values. This"
                " device is live: what the script runs has been run already. To run again with"
                " other values, call store() before run(); then, for each of them, restore(),"
                " assign the values, and run()."
            )
        self._explain_old_arguments(kwargs)

    def apply_run_args(self) -> None:
        """Accepted for scripts for standalone devices: there are no such arguments."""

    def reinit(self) -> None:
        """Forget what was said about earlier networks."""
        self._explanations = Explanations()
        self._setup_log = SetupLog()

    @staticmethod
    def explain_old_preferences() -> None:
        """Say once of every 1.x preference that is set that it does nothing now."""
        for name, purpose in old_preferences_in_use():
            logger.info(
                f"The preference '{name}' of Brian2GeNN 1.x ({purpose}) has no effect.",
                f"legacy_{name}",
                once=True,
            )

    def insert_code(self, slot: str, code: str) -> None:
        """Accepted for old scripts: there is no main program to put C++ code into."""
        instead = " Call seed() for random numbers." if "srand" in code else ""
        logger.warn(
            f"The code inserted into '{slot}' is ignored: there is no C++ main program.{instead}",
            "insert_code",
            once=True,
        )

    @staticmethod
    def _explain_old_arguments(arguments: dict[str, Any]) -> None:
        for name in arguments:
            if name in _WITHOUT_MEANING:
                logger.info(
                    f"The argument '{name}' has no effect: {_WITHOUT_MEANING[name]}.",
                    f"legacy_{name}",
                    once=True,
                )


def example_run(debug: bool = False, **build_options: Any) -> None:
    """Run a small network with the device: a check of the installation.

    Parameters
    ----------
    debug : bool
        Without effect, as for ``set_device``.
    **build_options
        Passed to ``set_device("genn", ...)``, such as ``backend="cuda"``.

    Raises
    ------
    RuntimeError
        If the result is wrong.
    """
    set_device("genn", debug=debug, **build_options)
    try:
        cells = NeuronGroup(100, "dv/dt = -v/(10*ms) : 1", method="exact")
        cells.v = "i/100"
        Network(cells).run(1 * ms)
        if not np.allclose(cells.v[:], np.arange(100) / 100 * np.exp(-0.1)):
            raise RuntimeError(f"The example gave {cells.v[:]}.")
    finally:
        reset_device()
    print("Example run was successful.")
