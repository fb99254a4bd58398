"""What Brian's NumPy target refuses: numbers where it wants booleans, impossible distributions."""

import numpy as np
import pytest
from brian2 import BinomialFunction, Hz, Network, NeuronGroup, PoissonInput, Synapses, ms

from tests.semantics.harness import Cases, Result, check, kind_of, observe

cases = Cases()


def group_of_all_types() -> NeuronGroup:
    group = NeuronGroup(4, "v : 1\nk : integer\nb : boolean\nhalf = v/2 : 1")
    group.v = "0.5*i"
    group.k = "3 - i"
    group.b = "i > 1"
    return group


def tried(action) -> np.ndarray:
    """What an action returns, or the kind of its error."""
    try:
        return np.array(action())
    except Exception as error:
        return np.array(kind_of(error))


#: Conditions in brackets, most of which are numbers.
INDICES = [
    "v", "half", "0.5", "i", "k", "b", "1", "v > 0", "i + 0.5", "not v", "b and v > 0", "k % 2",
    "rand()", "b*v", "True",
]  # fmt: skip


@cases.over(condition=INDICES)
def indices_of_any_type(condition) -> Result:
    group = group_of_all_types()
    part = group[1:]
    read = {
        "v": tried(lambda: group.v[condition]),
        "k": tried(lambda: group.k[condition]),
        "half": tried(lambda: part.half[condition]),
    }
    synapses = Synapses(group, group, "w : 1")
    synapses.connect()

    def write(thing, name):
        getattr(thing, name)[condition] = 7
        return thing.state(name)

    read["written"] = tried(lambda: write(group, "v"))
    read["synapses"] = tried(lambda: write(synapses, "w"))
    return observe(**read)


@cases.over(
    expression=["v and b", "b or k", "b and b", "k or k", "not v", "not k", "b and 1", "1 and b",
                "b and v > 0 or not b", "int(v) and b", "b and True", "(b or v) + 1"]
)  # fmt: skip
def operators_on_any_type(expression) -> Result:
    def in_loop():
        group = group_of_all_types()
        group.run_regularly(f"v = {expression}")
        Network(group).run(0.1 * ms)
        return group.v[:]

    def in_equations():
        group = NeuronGroup(2, "v : 1\nk : integer\nb : boolean\nw : 1", threshold=expression)
        group.v, group.b = "i", "i > 0"
        Network(group).run(0.1 * ms)
        return group.v[:]

    def in_setup():
        group = group_of_all_types()
        group.v = expression
        return group.v[:]

    actions = {"loop": in_loop, "threshold": in_equations, "setup": in_setup}
    return observe(**{name: tried(action) for name, action in actions.items()})


@cases.over(n=[-1, 0, 5], p=[-0.1, 0, 1, 1.5, np.nan])
def binomial_distributions(n, p) -> Result:
    """Where there are any, the sum of the numbers is not compared: they are others than Brian's."""

    def called():
        group = NeuronGroup(2, "v : 1", namespace={"f": BinomialFunction(n, p)})
        group.run_regularly("v = 0*f()")
        Network(group).run(0.1 * ms)
        return group.v[:]

    def as_input():
        group = NeuronGroup(2, "v : 1")
        network = Network(group, PoissonInput(group, "v", n, p * 10000 * Hz, 0.0))
        network.run(0.1 * ms)
        return group.v[:]

    return observe(called=tried(called), input=tried(as_input))


@pytest.mark.parametrize("case", cases, ids=str)
def test_conditions(case):
    check(case)
