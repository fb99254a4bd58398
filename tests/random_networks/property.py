"""The property, for a given number of networks from a given seed."""

import logging
import os
import sys
import traceback
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, seed, settings

from tests.random_networks.build import disagreement, script
from tests.random_networks.description import Description
from tests.random_networks.strategies import networks

#: Names a file that holds the network at work, for the case that the process dies of it.
CURRENT_VARIABLE = "BRIAN2GENN_TEST_CURRENT"


def explore(number: int, examples: int) -> Counter:
    """Draw networks and compare; fail with the smallest one found that differs, as a script."""
    tally: Counter = Counter()
    current = os.environ.get(CURRENT_VARIABLE)

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(networks())
    def agrees(description: Description) -> None:
        if current:
            Path(current).write_text(script(description))
        with np.errstate(all="ignore"):
            complaint = disagreement(description, tally)
        assert complaint is None, f"{complaint}\n\n{script(description)}"

    agrees()
    return tally


def main() -> None:
    """One batch of the long run: seed and number of networks."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    from brian2 import prefs

    from tests import devices

    devices.register()
    prefs.codegen.target = "numpy"
    prefs._backup()
    try:
        tally = explore(int(sys.argv[1]), int(sys.argv[2]))
    except BaseException:
        # Brian's hook for exceptions would write to its log
        traceback.print_exc()
        sys.exit(1)
    print(", ".join(f"{count} {what}" for what, count in sorted(tally.items())))


if __name__ == "__main__":
    main()
