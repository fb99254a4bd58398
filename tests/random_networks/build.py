"""A description as a script."""

import textwrap
from collections.abc import Iterator

from tests.random_networks.description import (
    Connections,
    Description,
    Monitor,
    Neurons,
    Operation,
    Regular,
    Source,
)
from tests.semantics.harness import DOUBLE, SINGLE, Tolerance

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


def guarded(action: str) -> Iterator[str]:
    """A statement that may end with an error, after which the script goes on."""
    yield "try:"
    yield f"    {action}"
    yield "except Exception as error:"
    yield "    errors.append(kind_of(error))"


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
    yield "seen, found, errors = [], [], []"
    for operation in description.operations:
        yield from operation_lines(operation)
    yield f"network = Network({', '.join([*objects, *(o.name for o in description.operations)])})"
    if description.schedule is not None:
        yield f"network.schedule = {description.schedule}"
    for action in description.actions:
        yield from guarded(action) if description.hazards else [action]
    observed = [f"{name}={name}" for name in [*objects, "network", "seen", "found", "errors"]]
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
    trouble = f"# with trouble: {', '.join(description.hazards)}\n" if description.hazards else ""
    return trouble + "\n".join(
        [
            "import brian2genn",
            "from brian2 import *",
            "from tests.semantics.harness import (",
            "    DOUBLE, SINGLE, Case, Tolerance, check, kind_of, observe)",
            "",
            "",
            function_text(description),
            "",
            "",
            f"check(Case(network, tolerance={tolerance}))",
        ]
    )


def tolerance_of(description: Description) -> Tolerance:
    """How exact the results must be."""
    if description.precision == "single":
        return SINGLE
    if "float32" in repr(description.groups):
        return MIXED
    return DOUBLE
