"""Models made by hand of synapses whose neurons have something in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from brian2genn.backends.trial.sketch import Code, Sketch, Term, call
from brian2genn.model.kernel import PLACE, RUN, Access, Kernel
from brian2genn.model.network import Clock, Deliver, Network, Role, Sum, Update
from tests.interpreter.values import Values

#: Neurons on each side; all are connected to all.
PRE, POST = 3, 4
N = PRE * POST

Body = Callable[[Code], None]


def model() -> Sketch:
    """Arrays, and no steps yet."""
    sketch = Sketch()
    pre, post = (one.ravel().astype(np.int32) for one in np.indices((PRE, POST)))
    for name, role in (("pre", Role.SOURCE), ("post", Role.TARGET)):
        sketch.array(name, pre if name == "pre" else post)
        sketch.network.arrays[name] = replace(sketch.network.arrays[name], role=role)
    sketch.network.clocks = [Clock("clock", t="t")]
    sketch.zeros("t", 1)
    sketch.network.arrays["t"] = replace(sketch.network.arrays["t"], role=Role.TIME)
    sketch.array("dt", np.full(1, 0.5))
    sketch.zeros("later", 1)
    sketch.zeros("last", N)
    # what neurons have in common is the same at the beginning
    sketch.array("x", 0.3 + 0.1 * pre)
    sketch.array("y", 0.2 + 0.05 * post)
    sketch.array("c", 0.5 + 0.25 * pre)
    sketch.array("w", np.linspace(0.1, 0.9, N))
    sketch.zeros("z", N)
    sketch.array("small", np.ones(N, dtype=np.float32))
    sketch.zeros("g", POST)
    sketch.array("v", np.linspace(0.1, 0.2, PRE))
    sketch.param("N", N)
    return sketch


def arrives(sketch: Sketch, side: str, *body: Body, **what: object) -> Deliver:
    """A pathway of one side."""
    code = sketch.code(str(what.get("name", f"on_{side}")))
    for one in body:
        one(code)
    number = sketch.network.queues
    sketch.network.queues += 1
    sketch.step(
        Deliver, code.kernel.origin, code, queue=number, side=side,
        synapses=str(what.get("synapses", "S")), domain="S",
    )  # fmt: skip
    return sketch.network.steps[-1]


def goes_on(sketch: Sketch, *body: Body, **what: object) -> Update:
    """A state update of all synapses."""
    code = sketch.code(str(what.get("name", "update")))
    for one in body:
        one(code)
    domain = str(what.get("domain", "S"))
    sketch.step(Update, code.kernel.origin, code, size="N", domain=domain)
    return sketch.network.steps[-1]


def summed(sketch: Sketch, *terms: str) -> Sum:
    """A sum over synapses."""
    code = sketch.code("summed")
    value = code[terms[0]] * 1.0
    for name in terms[1:]:
        value = value * code[name]
    code.output("_synaptic_var", value)
    for name, number in (("zero", 0), ("N_post", POST)):
        sketch.param(name, number)
    sketch.step(
        Sum, "summed", code, size="N", target="g", target_dtype="float64", index="post",
        start="zero", target_size="N_post", domain="S",
    )  # fmt: skip
    return sketch.network.steps[-1]


# -- what kernels do ---------------------------------------------------------------
def present(code: Code, name: str, tau: float = 2.0, stamp: str = "last") -> Term:
    """A variable, brought up to the present."""
    return code[name] * call("exp", -(code.shared("t") - code[stamp]) / tau)


def jumps(name: str, by: float = 1.0) -> Body:
    """A variable is brought up to the present, and grows."""

    def body(code: Code) -> None:
        code[name] = present(code, name) + by

    return body


def decays(name: str) -> Body:
    """A variable is brought up to the present."""

    def body(code: Code) -> None:
        code[name] = present(code, name)

    return body


def learns(name: str, by: float = 0.1) -> Body:
    """The weight grows by the present value of a variable."""

    def body(code: Code) -> None:
        code["w"] = code["w"] + by * present(code, name)

    return body


def sets(name: str, *terms: str | tuple[str, str] | float) -> Body:
    """A variable becomes a product."""

    def body(code: Code) -> None:
        value = None
        for one in terms:
            it = one if isinstance(one, float) else code[one]
            value = it if value is None else value * it
        code[name] = value

    return body


def stamps(code: Code) -> None:
    """The time of the last event is noted."""
    code["last"] = code.shared("t")


def excites(code: Code) -> None:
    """The weight arrives."""
    code["g", "post"] = code["g", "post"] + code["w"]


def stdp(*more_pre: Body, more_post: tuple[Body, ...] = (), leave_out: tuple = ()) -> Sketch:
    """Spike-timing dependent plasticity, with these changes."""
    sketch = model()
    pre = [jumps("x"), decays("y"), learns("y"), stamps, excites]
    post = [jumps("y"), decays("x"), learns("x", 0.2), stamps]
    arrives(sketch, "pre", *pre, *more_pre)
    arrives(sketch, "post", *post, *more_post)
    return sketch


def learns_from(name: str) -> Body:
    """The weight grows by a variable as it is; and by what is of no neuron that is known."""

    def body(code: Code) -> None:
        code["w"] = code["w"] + 0.1 * code[name] * code["v", "pre"]

    return body


# -- execution ---------------------------------------------------------------------
class Given(Values):
    """The values of kernels that steps have given values to."""

    given: dict[str, np.ndarray]

    def place(self, access: Access) -> object:
        """Where an access reads and writes in its array."""
        if access.index in self._kernel.given:
            return self.given[str(access.index)]
        return super().place(access)


def execute(kernel: Kernel, arrays: dict, params: dict, elements: np.ndarray, **given) -> dict:
    """Execute a kernel for elements at once; returns its outputs."""
    values = Given(kernel, arrays, params, elements, 7, 1, 0)
    values.given = given
    new = [(store, values.of(store.value)) for store in kernel.stores]
    outputs = {name: values.of(value) for name, value in kernel.outputs.items()}
    for store, value in new:
        access = kernel.accesses[store.name]
        arrays[access.array][values.place(access)] = value
    return outputs


def simulate(sketch: Sketch, network: Network, steps: int = 40) -> dict[str, np.ndarray]:
    """The arrays of synapses and neurons after some time steps, in which neurons spike at random.

    What neurons keep is set up here, where there are no delays: a run for each neuron.
    """
    arrays = {name: values.copy() for name, values in sketch.arrays.items()}
    params = dict(sketch.params)
    numbers = {side: arrays[side] for side in ("pre", "post")}
    for traces in network.traces:
        for end in traces.ends:
            n = {"pre": PRE, "post": POST}[end.side]
            firsts = np.array([np.flatnonzero(numbers[end.side] == k)[0] for k in range(n)])
            arrays[end.key] = numbers[end.side]
            if end.size is not None:
                params[end.size] = n
            if end.since is not None:
                arrays[end.since] = np.zeros(n)
            for own, kept in (end.traces | end.constants).items():
                arrays[kept] = arrays[own][firsts]
            for name in end.results:
                arrays[name] = np.zeros(n, dtype=network.arrays[name].dtype)
        for name, (side, _) in traces.places.items():
            arrays[name] = numbers[side]
    random = np.random.RandomState(5)
    for step in range(steps):
        arrays["t"][0] = 0.5 * step
        spikes = {side: random.random_sample(n) < 0.3 for side, n in (("pre", PRE), ("post", POST))}
        for one in network.steps:
            if isinstance(one, Deliver):
                for neuron in np.flatnonzero(spikes[one.side]):
                    if one.before is not None:
                        execute(one.before, arrays, params, np.array([neuron]))
                    some = np.flatnonzero(numbers[one.side] == neuron)
                    runs = np.full(len(some), neuron)
                    execute(one.kernel, arrays, params, some, **{RUN: runs, PLACE: some})
            elif isinstance(one, Sum):
                every = np.arange(N)
                value = execute(one.kernel, arrays, params, every)["_synaptic_var"]
                arrays["g"][:] = np.bincount(numbers["post"], value, POST)
            elif isinstance(one, Update):
                execute(one.kernel, arrays, params, np.arange(params[one.size]))
    for traces in network.traces:
        execute(traces.kernel, arrays, params, np.arange(N))
    return {name: arrays[name] for name in sketch.arrays}
