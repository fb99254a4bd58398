"""What is done while a library that every script needs is waited for.

The first script on a machine waits for compilers, which work in processes of their own. Meanwhile
Python has time to do what a run will ask for: templates of programs, and integrators' algebra,
which is kept on the disk by what it depends on, and so is found there. No thread of its own does it
before: it would hold up those that start the compilers.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from typing import Any
from weakref import WeakSet

from brian2.groups.neurongroup import NeuronGroup
from brian2.utils.logger import catch_logs

from ...backends.host.waiting import meanwhile
from ...codegen.c.program import load_templates

#: Frames of these packages and modules are not the script's.
_BELOW = ("brian2", "brian2genn", "contextlib")

#: Groups whose integrators have been called, or cannot be.
_seen: WeakSet[NeuronGroup] = WeakSet()


def using_the_time() -> AbstractContextManager[None]:
    """Within this, something useful is done if a library has to be waited for."""
    return meanwhile(_work)


def _work() -> None:
    load_templates()
    integrate()


def integrate() -> None:
    """Let the integrators of all groups that have not run do their algebra.

    A run asks them again. If nothing has changed until then, which is usual, what they have made is
    on the disk; if something has, or if it was an error, this here has no effect.
    """
    namespace = _of_the_script()
    for instance in list(NeuronGroup.__instances__()):
        group = instance()
        if type(group) is not NeuronGroup or group in _seen:
            continue
        _seen.add(group)
        if _is_text(group.state_updater.method_choice):
            # whatever goes wrong, or is chosen, the run tells
            with catch_logs(), suppress(Exception):
                group.state_updater.update_abstract_code(namespace)


def _is_text(method: Any) -> bool:
    """Whether an integrator makes nothing but statements, as all do but those of GSL.

    Nor does the deprecated one, which says so once, and would be heard by nobody.
    """
    names = [method] if isinstance(method, str) else method
    if not isinstance(names, list | tuple):
        return False
    return not any("gsl" in str(name) or name == "independent" for name in names)


def _of_the_script() -> Mapping[str, Any]:
    """The names that the script sees where it has called Brian."""
    frame = sys._getframe()
    while frame.f_back is not None:
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package not in _BELOW:
            break
        frame = frame.f_back
    return {**frame.f_globals, **frame.f_locals}
