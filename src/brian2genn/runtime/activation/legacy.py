"""What scripts for Brian2GeNN 1.x, and other tools, say to the device."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from brian2.core.network import Network
from brian2.devices.device import RuntimeDevice, reset_device, set_device
from brian2.groups.neurongroup import NeuronGroup
from brian2.units import ms
from brian2.utils.logger import get_logger

from ...backends.choice import Defaults
from ...preferences import old_preferences_in_use
from ..memory.pickling import Handle
from ..messages.log import NetworkLog
from ..repeat.script import RecordedScript
from .arguments import check_set_device, explain_without_meaning, of_build, of_run
from .inheritance import hand_down
from .undoing import undone_if_it_fails

logger = get_logger("brian2.devices.genn")


class LegacyInterface(Handle):
    """Old arguments are accepted; each that has no meaning any more says so once."""

    build_options: dict[str, Any]
    defaults: Defaults
    log: NetworkLog

    #: what the script has run, where it wants to repeat it
    _script: RecordedScript | None = None
    _directory: str | None = None

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """Brian's runtime device, for tools that know Brian's own devices by their class.

        brian2modelfitting finds out by its name whether values can be set between runs.
        """
        return RuntimeDevice

    def activate(self, build_on_run: bool = True, **kwargs: Any) -> None:
        """Called by ``set_device``; ``docs/reference/set_device.md`` has the arguments.

        Raises
        ------
        TypeError, ValueError
            For unknown arguments and for wrong values. The device that was active before is the
            active one then.
        """
        with undone_if_it_fails(self, sys._getframe()):
            check_set_device({"build_on_run": build_on_run, **kwargs}, self.defaults.backend)
            asks = "backend" in kwargs
            if not kwargs.get("use_GPU", True) and kwargs.get("backend") is None:
                del kwargs["use_GPU"]
                kwargs["backend"] = "cpu"
            explain_without_meaning(kwargs)
            # the device class behind this one in the bases has it
            super().activate(build_on_run=build_on_run, **kwargs)  # type: ignore[misc]
            self._activated(asks)
            if build_on_run or self._script is None:
                self._record_anew()
            else:
                self._script.begin_anew_at_next_run()
            hand_down(self.build_options if build_on_run else {"build_on_run": False, **kwargs})

    def _activated(self, at_once: bool) -> None:
        """Take the options of a device that was activated.

        Parameters
        ----------
        at_once : bool
            Whether the script asks for a backend: one that cannot be had is an error now.
        """

    def build(self, *args: Any, **kwargs: Any) -> None:
        """Accepted for old scripts: everything has been run already.

        With ``run_args``, what was run is repeated with these values.
        """
        arguments = of_build(args, kwargs, self.build_options)
        run_args = arguments.pop("run_args", None)
        explain_without_meaning(arguments)
        self._directory = arguments.get("directory")
        if run_args:
            self.run(run_args=run_args)
        elif self._script is not None:
            self._script.close()

    def run(self, *args: Any, **kwargs: Any) -> None:
        """Repeat what the script has run, from the beginning of its first run.

        Nothing is compiled again. Needs ``build_on_run=False`` in ``set_device``.

        Parameters
        ----------
        run_args : mapping or list of str, optional
            Values to begin with: ``{group.v: 1*mV, timed_array: values}``.
        directory, results_directory, with_output, use_GPU
            Without effect. Monitors and variables hold the results.

        Raises
        ------
        NotImplementedError
            If nothing is recorded. Brian would ignore the call, and a loop over values would give
            the same result for each.
        """
        arguments = of_run(args, kwargs)
        run_args = arguments.pop("run_args", None)
        if self._script is None:
            raise NotImplementedError(
                "device.run() repeats what a script has run, if the script says so before its first"
                " run: set_device('genn', build_on_run=False). Without it, nothing is kept that"
                " could be repeated. Or call store() before run(); then, for each of the values,"
                " restore(), assign them, and run(). In a process of its own (of multiprocessing,"
                " with the start method 'spawn'), run the network first."
            )
        explain_without_meaning(arguments)
        self._script.repeat(run_args, arguments.get("directory") or self._directory)

    def apply_run_args(self) -> None:
        """Let ``device.run`` begin here, with its values given, and not at the first run.

        What the script does from here on is done again: values computed from others, synapses
        made, random numbers drawn.
        """
        if self._script is not None:
            self._script.start()

    def delete(
        self,
        code: bool = True,
        data: bool = True,
        run_args: bool = True,
        directory: bool = True,
        force: bool = False,
    ) -> None:
        """Accepted for old scripts: there are no files. What ``device.run`` needs is let go."""
        if code or directory:
            self._record_anew()

    def _record_anew(self) -> None:
        """Forget what was recorded for ``device.run``; go on as the script has asked."""
        if self._script is not None:
            self._script.forget()
        records = not getattr(self, "build_on_run", True)
        self._script = RecordedScript(self) if records else None  # type: ignore[arg-type]

    def reinit(self) -> None:
        """Forget what was said about earlier networks, and what could be repeated."""
        self._record_anew()
        self.log.clear()

    def insert_code(self, slot: str, code: str) -> None:
        """Accepted for old scripts: there is no main program to put C++ code into."""
        instead = " Call seed() for random numbers." if "srand" in code else ""
        logger.warn(
            f"The code inserted into '{slot}' is ignored: there is no C++ main program.{instead}",
            "insert_code",
            once=True,
        )


def explain_old_preferences() -> None:
    """Say once of every 1.x preference that is set that it does nothing now."""
    for name, purpose in old_preferences_in_use():
        logger.info(
            f"The preference '{name}' of Brian2GeNN 1.x ({purpose}) has no effect.",
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
