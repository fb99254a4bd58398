"""What a random network must do, and who is asked.

The device must give what Brian's runtime gives with its NumPy target. That is a sound reference
with these amendments.

- *Rounding.* Where Brian's own result changes after a change of the script's numbers as small as a
  rounding error, there is nothing to compare with.
- *Delays.* Brian's queues write outside of their memory where delays are negative, are no numbers
  or have more than 31 bits. The reference is Brian's runtime with what the device promises put
  before its queues (`defined_delays`): negative ones are none, the others are an error.
- *A restored structure.* States of another number of synapses fit before Brian 2.10 only by luck.
  There, an error of the device is as good as a result; a result has to be Brian's.
- *One spike after the other.* Two spikes at one synapse in one step count once in Brian's NumPy
  code, and twice in its compiled code, as Brian's documentation has it. And all of its targets load
  what a subexpression of synapses depends on before the code of a pathway changes it. What the code
  says, spike by spike and statement by statement, is the reference, too (`one_by_one`).
- *Errors of NumPy's code*: where all neurons have one value, Brian's NumPy target fails to index
  it; where they have not, it may ask for the truth of a whole array (``and`` within ``int``); and
  NumPy has no ``2**-1`` of whole numbers. There is no reference then.
- *Rounding to whole numbers*: ``floor`` and ``ceil`` in Brian's NumPy code make numbers of 32 bits,
  of what has none such as infinity the smallest one; in its compiled code they are C's. The
  reference is NumPy's where there is such a number, and what C gives elsewhere (`wide_rounding`).
- *Assignments*: ``change = r`` makes a second name for one array in NumPy's code, and ``r *= 2``
  changes what both name. An assignment is a value in all other targets: `values_assigned`.
- *Whole numbers*: NumPy computes those of 32 bits with 32, and wraps around; compiled code has
  Brian's ``N`` and literals as numbers of 64. Where such numbers are tried, a difference from NumPy
  is right if NumPy with 64 bits gives the same (`wide_integers`).
- *Times of spikes* that have no number of a step in 32 bits are never reached (`defined_times`).
- *Divisions by zero* of numbers of the script are errors in Python, and infinite in compiled code:
  there is no reference.
- *Constants in code*: Brian collects them into one, which may overflow or vanish where the code as
  it is written does not. The device may do either; what is written is the reference, too. Where
  Brian writes the infinity into its code, as a name that nobody knows, there is no reference.
  With time constants like 1e300 ms, Brian's solution of an equation is ``q + (v - q)``: where the
  device computes ``v``, what the sum rounds away makes no difference.
- *A dt that is neither halved nor doubled* while spikes are under way: Brian's queues write past
  their end. The device only has to live.

Before a difference is reported, Brian's Cython target is asked, because who differs from whom is
the first thing one wants to know. That it agrees with the device is no excuse.

Everything happens in processes of its own: the device first, Brian afterwards. A process that dies
while the device is at work has died of the device. If it dies later, Brian is tried alone, and what
Brian does not die of alone, it was the device's doing.
"""

import gc
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from brian2 import prefs

from tests import devices
from tests.random_networks.build import function_text, tolerance_of
from tests.random_networks.description import Description
from tests.random_networks.isolation import apart
from tests.random_networks.reference import (
    AMENDMENTS,
    constants_as_written,
    one_by_one,
    wide_integers,
)
from tests.semantics.harness import (
    DOUBLE,
    NAMED_INFINITY,
    NUMPY_ERROR,
    Case,
    Result,
    Tolerance,
    compare,
    kind_of,
)

#: Seconds for a network, and for what Cython compiles of it.
SECONDS, CYTHON_SECONDS = 300, 420

#: What is lost where a number of a script (they are about 1) is taken away and added again.
ROUNDED_AWAY = 1e-15

#: The hazards with numbers of which one order of operations, or one type, may make nothing.
OF_NUMBERS = frozenset(("arithmetic", "constants", "values"))

#: What else may hold of a reference with such numbers, and what is said of one that agrees.
EXTREME = {
    "as written, unlike Brian, which collects constants": constants_as_written,
    "as Brian with whole numbers of 64 bits": wide_integers,
}

#: How many lines about differences are shown.
SHOWN = 12

Outcome = Result | Exception
Amendment = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Verdict:
    """What became of a network: for the tally, and what is wrong if something is."""

    kind: str
    complaint: str | None = None


def judged(description: Description, opinions: bool = True) -> Verdict:
    """What becomes of a network; without asking for other opinions, a difference is one."""
    ending = apart(lambda tell: examined(description, tell), SECONDS)
    if ending.death is None:
        verdict = ending.value
        if verdict.complaint is None or not opinions:
            return verdict
        return third_opinion(description, verdict)
    report = f"The process {ending.death}, at work: {ending.stage}.\n{ending.printed}"
    if ending.stage != devices.DEVICE:
        alone = apart(lambda tell: references(description), SECONDS)
        if alone.death is not None:
            return Verdict("of which Brian's runtime dies")
        report += "Brian's runtime does not die of it alone."
    return Verdict("DIED", report)


def examined(description: Description, tell: Callable[[str], None]) -> Verdict:
    """The device's result, Brian's, and how they differ."""
    # Brian collects garbage in each run: what is there already need not be looked through
    gc.freeze()
    text, tolerance = function_text(description), tolerance_of(description)
    with np.errstate(all="ignore"):
        tell(devices.DEVICE)
        result = outcome(text, devices.DEVICE, tolerance)
        tell("Brian's runtime")
        if "clocks" in description.hazards:
            return Verdict("lived")
        reference = outcome(text, "runtime", tolerance)
        complaint = comparison(reference, result, tolerance)
        if NUMPY_ERROR in errors_of(reference):
            return Verdict("beyond Brian's NumPy target")
        if complaint is None:
            failed = isinstance(reference, Exception)
            return Verdict("with the same error" if failed else "with results")
        if "restored" in description.hazards and refused_more(reference, result):
            return Verdict("refused after a restore of another structure")
        if NAMED_INFINITY in errors_of(reference):
            return Verdict("of which Brian makes a name, 'inf'")
        if OF_NUMBERS & set(description.hazards) and "ZeroDivisionError" in errors_of(reference):
            return Verdict("beyond Brian's NumPy target")
        excuse = excused(text, reference, result, tolerance, description.hazards)
        if excuse is not None:
            return Verdict(excuse)
        if is_sensitive(text, reference, tolerance):
            return Verdict("too sensitive")
        return Verdict("DIFFERENT", complaint)


def excused(
    text: str, reference: Outcome, result: Outcome, tolerance: Tolerance, hazards: Sequence[str]
) -> str | None:
    """Why a result is right although it differs from what Brian's NumPy target gives."""
    extreme = bool(OF_NUMBERS & set(hazards))
    reasons = {"as written, spike by spike": (one_by_one,)}
    if extreme:
        reasons |= {reason: (amendment,) for reason, amendment in EXTREME.items()}
        reasons |= {f"{reason}, spike by spike": (amendment, one_by_one)
                    for reason, amendment in EXTREME.items()}  # fmt: skip
    for reason, amendments in reasons.items():
        amended = outcome(text, "runtime", tolerance, amendments=amendments)
        if comparison(amended, result, tolerance) is None:
            return reason
    rounded = replace(tolerance, absolute=ROUNDED_AWAY)
    if extreme and comparison(reference, result, rounded) is None:
        return "as Brian, but for what it has rounded away"
    return None


def references(description: Description) -> None:
    """All that Brian's runtime is asked for."""
    text, tolerance = function_text(description), tolerance_of(description)
    with np.errstate(all="ignore"):
        outcome(text, "runtime", tolerance, amendments=(one_by_one,))
        is_sensitive(text, outcome(text, "runtime", tolerance), tolerance)


def third_opinion(description: Description, verdict: Verdict) -> Verdict:
    """Ask Brian's Cython target who is right where the device differs from its NumPy target."""
    ending = apart(lambda tell: targets_compared(description), CYTHON_SECONDS)
    if ending.death is not None:
        who = f"Brian's Cython target gave no answer: the process {ending.death}."
        return Verdict("DIFFERENT", f"{verdict.complaint}\n\n{who}")
    device, numpy = ending.value
    if numpy is None:
        who = "Brian's Cython target agrees with its NumPy target."
    elif device is None:
        who = f"Brian's Cython target agrees with {devices.DEVICE}; its NumPy target differs."
    else:
        who = f"All three differ. Compared with Brian's Cython target, the device {device}"
    return Verdict("DIFFERENT", f"{verdict.complaint}\n\n{who}")


def targets_compared(description: Description) -> tuple[str | None, str | None]:
    """How the device and the NumPy target differ from Brian's Cython target."""
    gc.freeze()
    text, tolerance = function_text(description), tolerance_of(description)
    prefs["codegen.cpp.extra_compile_args"] = ["-w", "-O0"]
    prefs._backup()
    with np.errstate(all="ignore"):
        cython = outcome(text, "runtime", tolerance, "cython")
        results = [outcome(text, device, tolerance) for device in (devices.DEVICE, "runtime")]
    device, numpy = (comparison(cython, result, tolerance) for result in results)
    return device, numpy


@cache
def names() -> dict:
    """What a script knows."""
    known: dict = {}
    exec("from brian2 import *\nfrom tests.semantics.harness import kind_of, observe", known)
    return known


def compiled(text: str) -> Callable[[], Result]:
    """The function in a text."""
    known = dict(names())
    exec(compile(text, "<random network>", "exec"), known)
    return known["network"]


def outcome(
    text: str,
    device: str,
    tolerance: Tolerance,
    target: str = "numpy",
    amendments: Iterable[Amendment] = (),
) -> Outcome:
    """What a network gives, or the error that it ends with."""
    with ExitStack() as stack:
        if device == "runtime":
            for each in (*AMENDMENTS, *amendments):
                stack.enter_context(each())
        try:
            return Case(compiled(text), tolerance=tolerance).run(device, target)
        except Exception as error:
            return error


def nudged(text: str, by: float) -> str:
    """The same network with all its odd numbers a little larger."""
    return re.sub(r"\d+\.\d{5}", lambda found: repr(float(found[0]) * (1 + by)), text)


def is_sensitive(text: str, reference: Outcome, tolerance: Tolerance) -> bool:
    """Whether Brian's own result changes after a difference as small as a rounding error."""
    by = 1e-12 if tolerance is DOUBLE else 3e-7
    others = (outcome(nudged(text, change), "runtime", tolerance) for change in (by, -by))
    return any(
        comparison(without_delays(reference), without_delays(other), tolerance) is not None
        for other in others
    )


def without_delays(result: Outcome) -> Outcome:
    """A result without what is compared bit by bit and was itself changed by `nudged`."""
    if isinstance(result, Exception):
        return result
    return {name: value for name, value in result.items() if not name.endswith("delay")}


def refused_more(reference: Outcome, result: Outcome) -> bool:
    """Whether the device has ended a statement with an error where Brian has not, or Brian has."""
    return errors_of(reference) != errors_of(result)


def errors_of(result: Outcome) -> list[str]:
    """The kinds of all errors on the way."""
    if isinstance(result, Exception):
        return [kind_of(result)]
    return [str(kind) for kind in result["errors"]]


def comparison(reference: Outcome, result: Outcome, tolerance: Tolerance) -> str | None:
    """How two outcomes differ."""
    both = [isinstance(one, Exception) for one in (reference, result)]
    if all(both) and errors_of(reference) == errors_of(result):
        return None
    if any(both):
        texts = [
            f"{type(one).__name__}: {one} ({one.__cause__})"
            if isinstance(one, Exception)
            else "a result"
            for one in (result, reference)
        ]
        return f"{texts[0]}, but the reference ends with {texts[1]}"
    try:
        compare(reference, result, tolerance)
    except AssertionError as error:
        lines = str(error).splitlines()
        if errors_of(reference) != errors_of(result):
            lines.insert(1, f"errors {errors_of(result)}, not {errors_of(reference)}")
        return "\n".join(lines if len(lines) <= SHOWN else [*lines[:SHOWN], "and more"])
    return None
