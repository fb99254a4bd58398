"""The property, for a given number of networks from a given seed."""

import logging
import os
import sys
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.random_networks.build import script
from tests.random_networks.description import Description
from tests.random_networks.oracle import judged
from tests.random_networks.smaller import smaller
from tests.random_networks.strategies import HOSTILE_PERCENT, networks

#: Seconds that may be spent on making a network that fails smaller, and for how many of them.
SHRINKING, SHRUNK = 90, 4


@dataclass
class Found:
    """What became of a number of networks."""

    tally: Counter = field(default_factory=Counter)
    #: of networks that died or differ: what is wrong, and a script
    failures: list[str] = field(default_factory=list)


def explore(
    number: int,
    examples: int,
    hostile: int = HOSTILE_PERCENT,
    shrinking: float = SHRINKING,
) -> Found:
    """Draw networks, so many percent of them hostile, and judge each one.

    What fails ends nothing: one network after the other is tried, and all that fail are told of.
    """
    found = Found()

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(networks(hostile))
    def agrees(description: Description) -> None:
        verdict = judged(description)
        found.tally[verdict.kind] += 1
        if verdict.complaint is None:
            return
        if shrinking and len(found.failures) < SHRUNK:

            def still_wrong(attempt: Description) -> bool:
                return judged(attempt, opinions=False).kind == verdict.kind

            description = smaller(description, still_wrong, shrinking)
            again = judged(description)
            verdict = verdict if again.complaint is None else again
        found.failures.append(f"{verdict.kind}: {verdict.complaint}\n\n{script(description)}")

    agrees()
    return found


def quiet() -> None:
    """Prepare a process for networks that give Brian much to warn of."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    from brian2 import prefs

    from brian2genn import genn_device
    from brian2genn.backends.host.structures import support
    from brian2genn.runtime.run import recordings
    from tests import devices

    devices.register()
    if not int(os.environ.get("BRIAN2GENN_TEST_THREADS", "0")):
        # neurons keep what their synapses have in common however short a run is; with threads, too
        made = devices.processor(fitted_from=0)
        genn_device.defaults = replace(genn_device.defaults, processor=made)
    # what monitors record is written where scripts find it, however little it is
    recordings._LENT_BYTES = 1
    prefs.codegen.target = "numpy"
    prefs._backup()
    # what every network needs is compiled here, and not in each of their processes
    support()


def main() -> None:
    """One batch of the long run: seed, number of networks, percent that are hostile."""
    quiet()
    try:
        found = explore(*(int(argument) for argument in sys.argv[1:4]))
    except BaseException:
        # Brian's hook for exceptions would write to its log
        traceback.print_exc()
        sys.exit(1)
    print(", ".join(f"{count} {what}" for what, count in sorted(found.tally.items())))
    for failure in found.failures:
        print(f"\n{failure}")
    sys.exit(bool(found.failures))


if __name__ == "__main__":
    main()
