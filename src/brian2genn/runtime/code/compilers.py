"""Whether there is a compiler, and what is said if there is none."""

from __future__ import annotations

from collections.abc import Callable

from brian2.utils.logger import get_logger

from ...backends.host import toolchain
from ...backends.host.structures import support
from ...backends.interface import Backend
from .meanwhile import using_the_time

logger = get_logger("brian2.devices.genn")

#: Why Brian does all the work.
NO_COMPILER = "there is no C compiler"


class Compilers:
    """What can be compiled on this machine; looked for when first asked.

    Parameters
    ----------
    backend : callable
        Returns the backend in use.
    """

    def __init__(self, backend: Callable[[], Backend]) -> None:
        self._backend = backend
        #: what is wrong with the C compiler; empty if nothing is, None if nobody has asked
        self._problem: str | None = None

    @property
    def for_networks(self) -> bool:
        """Whether networks can be compiled; says so once if they cannot."""
        if not self._backend().needs_c_compiler or (self.for_setup and self._has_support()):
            return True
        logger.warn(
            f"{self._problem} Until then, Brian's NumPy runtime does all the work: correct,"
            " but slow.",
            "no_compiler",
            once=True,
        )
        return False

    @property
    def for_setup(self) -> bool:
        """Whether there is a C compiler; set-up code needs one with every backend.

        Most set-up code needs no support library: it is not waited for.
        """
        if self._problem is None:
            try:
                passed_over = toolchain.find().passed_over
                if passed_over:
                    logger.warn(
                        f"The compiler that the environment asks for (CC) does not work:"
                        f" {passed_over}. Instead, {' '.join(toolchain.find().c)} is used.",
                        "passed_over",
                        once=True,
                    )
                self._problem = ""
            except (toolchain.ToolchainError, toolchain.CompileError) as error:
                self._problem = str(error)
        return not self._problem

    def _has_support(self) -> bool:
        """Whether the support library is there, with which networks run."""
        try:
            with using_the_time():
                support()
        except (toolchain.ToolchainError, toolchain.CompileError) as error:
            self._problem = str(error)
        return not self._problem

    @property
    def problem(self) -> str:
        """What is wrong with the C compiler; empty if nothing is known to be."""
        return self._problem or ""
