"""A description as a script, and both results of that script."""

import gc
import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
from brian2 import all_devices
from brian2.synapses.spikequeue import SpikeQueue

from tests import devices
from tests.random_networks.description import (
    Connections,
    Description,
    Monitor,
    Neurons,
    Operation,
    Regular,
    Source,
)
from tests.semantics.harness import DOUBLE, SINGLE, Case, Result, Tolerance, compare

#: The tolerance of networks that compute some variables, but not all, in single precision.
MIXED = Tolerance(SINGLE.relative, SINGLE.floor)


def keywords(*positional: str, **options: str) -> str:
    """The arguments of a call."""
    return ", ".join([*positional, *(f"{name}={text}" for name, text in options.items())])


def quoted(lines: tuple[str, ...]) -> str:
    """Several lines as one string of the script."""
    text = "\n".join(lines)
    return f'"""{text}"""' if len(lines) > 1 else repr(text)


def regular_lines(name: str, operation: Regular) -> Iterator[str]:
    if operation.event is None:
        arguments = keywords(quoted(operation.statements), **dict(operation.options))
        yield f"{name}.run_regularly({arguments})"
    else:
        arguments = keywords(
            repr(operation.event), quoted(operation.statements), **dict(operation.options)
        )
        yield f"{name}.run_on_event({arguments})"


def neurons_lines(group: Neurons) -> Iterator[str]:
    options = dict(group.options)
    if "threshold" in options:
        options["reset"] = quoted(group.reset)
    if group.events:
        options["events"] = repr(dict(group.events))
    options["name"] = repr(group.name)
    arguments = keywords(str(group.size), quoted(group.equations), **options)
    yield f"{group.name} = NeuronGroup({arguments})"
    yield from group.settings
    for operation in group.operations:
        yield from regular_lines(group.name, operation)


def source_lines(source: Source) -> Iterator[str]:
    arguments = keywords(*source.arguments, **dict(source.options), name=repr(source.name))
    yield f"{source.name} = {source.kind}({arguments})"


def connections_lines(synapses: Connections) -> Iterator[str]:
    options = dict(synapses.options)
    paths = synapses.pathways
    for side in ("pre", "post"):
        mine = [path for path in paths if path.side == side]
        if mine:
            code = ", ".join(f"{path.name!r}: {quoted(path.statements)}" for path in mine)
            options[f"on_{side}"] = "{" + code + "}"
    fixed = [path for path in paths if path.delay is not None and not path.delay.startswith("'")]
    if fixed:
        options["delay"] = "{" + ", ".join(f"{path.name!r}: {path.delay}" for path in fixed) + "}"
    if any(path.event != "spike" for path in paths):
        options["on_event"] = repr({path.name: path.event for path in paths})
    options["name"] = repr(synapses.name)
    arguments = keywords(synapses.source, synapses.target, quoted(synapses.equations), **options)
    yield f"{synapses.name} = Synapses({arguments})"
    yield f"{synapses.name}.connect({synapses.connect})"
    yield from synapses.settings
    for operation in synapses.operations:
        yield from regular_lines(synapses.name, operation)


def monitor_lines(monitor: Monitor) -> Iterator[str]:
    arguments = keywords(*monitor.arguments, **dict(monitor.options), name=repr(monitor.name))
    yield f"{monitor.name} = {monitor.kind}({arguments})"


def operation_lines(operation: Operation) -> Iterator[str]:
    yield f"@network_operation({keywords(**dict(operation.options))})"
    yield f"def {operation.name}(t):"
    for line in operation.body:
        yield f"    {line}"


def body(description: Description) -> Iterator[str]:
    """The statements of the script."""
    yield f"defaultclock.dt = {description.dt}"
    yield from description.preamble
    objects: list[str] = []
    for things, lines in [
        (description.groups, neurons_lines),
        (description.sources, source_lines),
        (description.connections, connections_lines),
        (description.monitors, monitor_lines),
    ]:
        for thing in things:
            yield from lines(thing)
            objects.append(thing.name)
    yield "seen = []"
    for operation in description.operations:
        yield from operation_lines(operation)
    yield f"network = Network({', '.join([*objects, *(o.name for o in description.operations)])})"
    if description.schedule is not None:
        yield f"network.schedule = {description.schedule}"
    yield from description.actions
    observed = [f"{name}={name}" for name in [*objects, "network", "seen"]]
    observed += [
        # types and shapes of what is computed on reading differ between Brian's own targets
        f"{group.name}_{name}=ones({group.name}.N)*asarray({group.name}.{name}[:])"
        for group in description.groups
        for name in group.subexpressions
    ]
    yield f"return observe({', '.join(observed)})"


def function_text(description: Description) -> str:
    """The script as a function, in the form of a case of `tests/semantics`."""
    text = "\n".join(body(description))
    # strings of several lines keep their lines, whatever their indentation
    return "def network():\n" + textwrap.indent(text, "    ")


def script(description: Description) -> str:
    """A script that runs by itself and compares both devices."""
    tolerance = {DOUBLE: "DOUBLE", SINGLE: "SINGLE"}[tolerance_of(description)]
    if tolerance_of(description) is MIXED:
        tolerance = "Tolerance(1e-5, 1e-5)"
    return "\n".join(
        [
            "import brian2genn",
            "from brian2 import *",
            "from tests.semantics.harness import (",
            "    DOUBLE, SINGLE, Case, Tolerance, check, observe)",
            "",
            "",
            function_text(description),
            "",
            "",
            f"check(Case(network, tolerance={tolerance}))",
        ]
    )


#: Errors in the code that Brian makes for NumPy where its compiled targets give a result: values
#: that are the same for all neurons are single numbers there, and cannot be indexed.
NUMPY_ERRORS = ("invalid index to scalar variable.", "'float' object is not subscriptable")


def tolerance_of(description: Description) -> Tolerance:
    """How exact the results must be."""
    if description.precision == "single":
        return SINGLE
    if "float32" in repr(description.groups):
        return MIXED
    return DOUBLE


@cache
def names() -> dict:
    """What a script knows."""
    known: dict = {}
    exec("from brian2 import *\nfrom tests.semantics.harness import observe", known)
    return known


def compiled(text: str) -> Callable[[], Result]:
    """The function in a text."""
    known = dict(names())
    exec(compile(text, "<random network>", "exec"), known)
    return known["network"]


def outcome(text: str, device: str, tolerance: Tolerance) -> Result | Exception:
    """What a network gives, or the error that it ends with."""
    try:
        return Case(compiled(text), tolerance=tolerance).run(device)
    except Exception as error:
        return error


def nudged(text: str, by: float) -> str:
    """The same network with all its odd numbers a little larger."""
    return re.sub(r"\d+\.\d{5}", lambda found: repr(float(found[0]) * (1 + by)), text)


def disagreement(description: Description, tally: Counter) -> str | None:
    """How the device differs from Brian's runtime; nothing if it does not.

    The tally counts what became of the networks. There is nothing to compare with where Brian's
    own result changes after a difference as small as a rounding error, or where Brian's NumPy code
    does something else than its compiled targets (see `spikes_meet`).
    """
    # Brian collects garbage in each run: what is there already need not be looked through
    gc.freeze()
    text, tolerance = function_text(description), tolerance_of(description)
    reference = outcome(text, "runtime", tolerance)
    result = outcome(text, devices.DEVICE, tolerance)
    complaint = comparison(reference, result, tolerance)
    if isinstance(reference, Exception) and str(reference.__cause__) in NUMPY_ERRORS:
        tally["beyond Brian's NumPy target"] += 1
        return None
    if complaint is None:
        tally["with the same error" if isinstance(reference, Exception) else "with results"] += 1
        return None
    by = 1e-12 if tolerance is DOUBLE else 3e-7
    for change in (by, -by):
        other = outcome(nudged(text, change), "runtime", tolerance)
        if comparison(without_delays(reference), without_delays(other), tolerance) is not None:
            tally["too sensitive"] += 1
            return None
    if spikes_meet(text, tolerance):
        tally["with two spikes at one synapse in one step"] += 1
        return None
    tally["DIFFERENT"] += 1
    return complaint


def spikes_meet(text: str, tolerance: Tolerance) -> bool:
    """Whether two spikes arrive at one synapse in one time step, after a change of delays.

    Both have their effect in Brian's compiled targets, but only one in its NumPy code.
    """
    runtime, found = all_devices["runtime"], []

    class Watched(SpikeQueue):
        def peek(self):
            synapses = super().peek()
            found.append(len(np.unique(synapses)) < len(synapses))
            return synapses

    runtime.spike_queue = Watched
    try:
        outcome(text, "runtime", tolerance)
    finally:
        del runtime.spike_queue
    return any(found)


def without_delays(result: Result | Exception) -> Result | Exception:
    """A result without what is compared bit by bit and was itself changed by `nudged`."""
    if isinstance(result, Exception):
        return result
    return {name: value for name, value in result.items() if not name.endswith("delay")}


def cause(result: Result | Exception) -> type:
    """The type of what Brian wraps into an error that names the object."""
    if isinstance(result, Exception) and result.__cause__ is not None:
        result = result.__cause__
    return type(result)


def comparison(
    reference: Result | Exception, result: Result | Exception, tolerance: Tolerance
) -> str | None:
    """How two outcomes differ."""
    if isinstance(reference, Exception) or isinstance(result, Exception):
        if cause(reference) is cause(result):
            return None
        texts = [
            f"{type(one).__name__}: {one} ({one.__cause__})"
            if isinstance(one, Exception)
            else "a result"
            for one in (result, reference)
        ]
        return f"{texts[0]}, but Brian's runtime ends with {texts[1]}"
    try:
        compare(reference, result, tolerance)
    except AssertionError as error:
        return str(error)
    return None
