"""Run the installed Brian's own test suite under the device.

    python -m tests.brian2_suite.run [--long] [--float32] [--standalone] [-k EXPRESSION] [-n N]

Three parts, each a session of pytest or several: the tests that do not depend on code generation
(with Brian's doctests), those of the runtime, and those that Brian marks as fit for standalone
devices, with one run and with several. The exit code is 0 if all that ran has passed.
"""

import argparse
import os
import sys
import tempfile
from collections import Counter

os.environ["MPLBACKEND"] = "Agg"

import brian2
import numpy as np
import pytest

from tests import devices
from tests.brian2_suite import plugin


def arguments() -> argparse.Namespace:
    """What is asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.brian2_suite.run")
    parser.add_argument("--long", action="store_true", help="only tests that take long")
    parser.add_argument("--float32", action="store_true", help="in single precision")
    parser.add_argument(
        "--standalone", action="store_true", help="only the tests for standalone devices"
    )
    parser.add_argument("-k", metavar="EXPRESSION", help="only tests that match, as for pytest")
    parser.add_argument("-n", metavar="N", default="auto", help="number of processes")
    return parser.parse_args()


def run(options: argparse.Namespace) -> None:
    """Run Brian's tests; the plugin counts."""
    extra = ["-p", plugin.__name__, "-n", options.n, "--disable-warnings"]
    if options.long:
        extra.append("--only-long")
    if options.k:
        extra += ["-k", options.k]
    brian2.test(
        [] if options.standalone else ["numpy"],
        long_tests=options.long,
        test_codegen_independent=not (options.standalone or options.long),
        test_standalone=devices.DEVICE,
        float_dtype=np.float32 if options.float32 else None,
        additional_args=extra,
    )


def summary() -> None:
    """Print the numbers of all sessions, and every skip and failure."""
    total = sum(plugin.sessions, Counter())
    print(f"\nBrian {brian2.__version__} under the device {devices.DEVICE!r}")
    for kind in plugin.KINDS:
        print(f"{kind:>10} {total[kind]:5}   ({' + '.join(str(s[kind]) for s in plugin.sessions)})")
    for title, lines in (("Skipped", plugin.skipped), ("Failed", plugin.failed)):
        print(f"{title}:", *(sorted(set(lines)) or ["none"]), sep="\n  ")
    print("Left out by deselected.txt:", *plugin.deselected(), sep="\n  ")
    where_it_ran("Objects that do something in a time step", plugin.placements)
    where_it_ran("Pieces of set-up code", plugin.setup_placements)


def where_it_ran(what: str, placements: Counter[tuple[str, str]]) -> None:
    """Print how much of something was compiled, how much Brian itself had to run, and why."""
    if not placements:
        return
    # not under the plain device, which is to be Brian alone
    from brian2genn.frontend.network import BY_BRIAN, COMPILED

    by = Counter()
    for (where, _), count in placements.items():
        by[where] += count
    total = by[COMPILED] + by[BY_BRIAN]
    print(f"{what}: {total}")
    print(f"{COMPILED:>10} {by[COMPILED]:6}")
    print(f"{BY_BRIAN:>10} {by[BY_BRIAN]:6}   ({100 * by[BY_BRIAN] / max(total, 1):.1f} %)")
    for (where, reason), count in placements.most_common():
        if where == BY_BRIAN:
            print(f"{count:17}   {reason}")


def main() -> int:
    """Run, sum up, and say how it went."""
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="brian2genn-suite-") as cache:
        os.environ.setdefault("BRIAN2GENN_CACHE_DIR", cache)
        run(options)
    summary()
    # A session can be without tests, which Brian counts as a failure
    whole = set(plugin.exit_codes) <= {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}
    return 0 if whole and any(session["passed"] for session in plugin.sessions) else 1


if __name__ == "__main__":
    sys.exit(main())
