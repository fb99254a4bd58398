"""What the pathways of some synapses leave in common to the synapses of a neuron."""

from dataclasses import replace

import pytest

from brian2genn.backends.trial.sketch import Term, call, draw
from brian2genn.model import expr as ex
from brian2genn.model.footprint import Touched
from brian2genn.model.kernel import Kernel, Store, Table, UserFunction
from brian2genn.model.network import Deliver
from brian2genn.transforms.in_common import accesses_of, find
from tests.transforms.plastic import (
    arrives,
    decays,
    excites,
    goes_on,
    jumps,
    learns,
    learns_from,
    model,
    present,
    sets,
    stamps,
    stdp,
    summed,
)


def found(sketch, constants=True):
    """Sides, what is brought to the present, the stamp (with "!" if it stays), and constants."""
    network = sketch.network
    steps = [s for s in network.steps if isinstance(s, Deliver) and s.synapses == "S"]
    going_on = [s for s in network.steps if not isinstance(s, Deliver) and s.domain == "S"]
    common = find(network, steps, going_on, Touched(network.steps), constants=constants)
    if common is None:
        return None
    assert (common.stamp == "") == (common.now == "")
    stamp = common.stamp + ("!" if common.stamp_stays else "")
    return common.side, set(common.flows), stamp, common.constants


#: Spike-timing dependent plasticity, and of it the trace of one side alone.
STDP = ({"x": "pre", "y": "post"}, {"x", "y"}, "last", {})
ONLY_X = ({"x": "pre"}, {"x"}, "last!", {})
ONLY_Y = ({"y": "post"}, {"y"}, "last!", {})


def of(pre=(), post=(), *more):
    """Synapses with these pathways, and state updates."""
    sketch = model()
    if pre:
        arrives(sketch, "pre", *pre)
    if post:
        arrives(sketch, "post", *post)
    for add in more:
        add(sketch)
    return sketch


PRE = (jumps("x"), decays("y"), learns("y"), stamps)
POST = (jumps("y"), decays("x"), learns("x"), stamps)


def jumps_by(value):
    def body(code):
        code["x"] = present(code, "x") + value(code)

    return body


def plastic(jump):
    """With another jump of the trace of the presynaptic side."""
    return of((jump, *PRE[1:]), POST)


def user(code):
    function = UserFunction("f", "f", "float64", stateless=True, vectorised=False)
    return Term(ex.make("user", (code.shared("dt").node,), function))


def sampled(code):
    table = Table("f", "v", "rows", None, "epsilon", "up")
    return Term(ex.make("table", (code.shared("t").node,), table))


def reads_last(code):
    code["z"] = code.shared("t") - code["last"]


def reads(name):
    def body(code):
        code["z"] = code[name] * code["v", "pre"]

    return body


def stamps_late(code):
    code["last"] = code.shared("later")


def from_to(start, end):
    """A variable decays from one time to another, whatever these are."""

    def body(code):
        now = code.shared(end) if end in ("t", "later") else code[end]
        code["x"] = code["x"] * call("exp", -(now - code[start]) / 2.0)

    return body


def stamps_more(code):
    code["last"] = code.shared("t") + 1.0


def stamps_a_copy(code):
    code["last"] = code["c"]


def decays_otherwise(code):
    code["x"] = present(code, "x", 3.0)


def grows(code):
    code["x"] = present(code, "x") * 2.0


def updates(*body, **what):
    return lambda sketch: goes_on(sketch, *body, **what)


def sums(*terms):
    return lambda sketch: summed(sketch, *terms)


ALONE = (sets("x", "x", 0.5), learns_from("x"))
X = {"x": "pre"}


@pytest.mark.parametrize(
    ("sketch", "expected"),
    [
        (stdp(), STDP),
        (of(PRE, POST), STDP),
        # synapses need the time of their own last event, too
        (stdp(reads_last), (*STDP[:2], "last!", {})),
        (stdp(more_post=(reads_last,)), (*STDP[:2], "last!", {})),
        # what one side alone changes needs no time
        (of(ALONE), (X, set(), "", {})),
        (of((), ALONE), ({"x": "post"}, set(), "", {})),
        (of((sets("x", "x", 0.5), learns_from("y")), (sets("y", "y", 0.5), learns_from("x"))),
         ({"x": "pre", "y": "post"}, set(), "", {})),
        (of((), (excites,)), None),
        # one is made of another
        (of((sets("x", "x", 0.5), sets("z", "x", "z"), learns_from("z"))),
         ({"x": "pre", "z": "pre"}, set(), "", {})),
        (of((sets("x", "x", 0.5), sets("z", "x", ("v", "pre")))), (X, set(), "", {})),
        (of((sets("x", "x", ("v", "pre")), sets("z", "x", "z"))), None),
        # the jump is the same for all synapses of the neuron, or not
        (plastic(jumps_by(lambda code: code.shared("dt"))), STDP),
        (plastic(jumps_by(lambda code: code["c"])), (*STDP[:3], {"c": "pre"})),
        (plastic(jumps_by(lambda code: code["w"])), ONLY_Y),
        (plastic(jumps_by(lambda code: code["v", "pre"])), ONLY_Y),
        (plastic(jumps_by(lambda code: draw("rand", 0))), ONLY_Y),
        (plastic(jumps_by(user)), ONLY_Y),
        (plastic(jumps_by(sampled)), ONLY_Y),
        (plastic(jumps_by(lambda code: present(code, "y"))), ONLY_Y),
        (plastic(jumps_by(lambda code: code["last"] * 0.1)), ONLY_Y),
        (plastic(jumps_by(lambda code: code["x"])), ONLY_Y),
        # synapses read it as it was at the last event
        (stdp(reads("x")), ONLY_Y),
        (stdp(more_post=(reads("x"),)), ONLY_Y),
        (of((*ALONE, reads("x"))), (X, set(), "", {})),
        # at the other side it is not brought up to the present, in another way, or in two
        (of(PRE, (jumps("y"), stamps)), ONLY_Y),
        (of(PRE, (jumps("y"), jumps("x"), stamps)), ONLY_Y),
        (of(PRE, (jumps("y"), grows, stamps)), ONLY_Y),
        (of(PRE, (jumps("y"), decays_otherwise, stamps)), ONLY_Y),
        (of((*PRE,), POST, lambda s: arrives(s, "post", decays_otherwise, stamps, name="more")),
         None),
        # of all pathways
        (of(PRE, POST, lambda s: arrives(s, "pre", jumps("x"), decays("y"), stamps, name="more")),
         STDP),
        (of(PRE, POST, lambda s: arrives(s, "pre", decays("y"), stamps, name="more")), ONLY_Y),
        (of(PRE, POST, lambda s: arrives(s, "pre", jumps("x"), stamps, name="more")), ONLY_X),
        (of(PRE, POST, lambda s: arrives(s, "post", learns("x"), name="more")), STDP),
        # without a time of the last event
        (of((jumps("x"), decays("y"), stamps_late), (jumps("y"), decays("x"), stamps_late)), None),
        (of((jumps("x"), decays("y"), stamps_more), (jumps("y"), decays("x"), stamps_more)), None),
        (of((jumps("x"), decays("y"), stamps_a_copy), (jumps("y"), decays("x"), stamps_a_copy)),
         None),
        (of((jumps("x"), decays("y"), stamps), (jumps("y"), decays("x"), stamps_late)), None),
        (of((from_to("last", "later"), stamps_late), (from_to("last", "later"), stamps_late)),
         None),
        (of((sets("x", 0.5), stamps_a_copy), (from_to("last", "c"), stamps_a_copy)), None),
        # constants of the synapses' own
        (of((sets("x", "x", 0.5), sets("w", "x", "c", ("v", "pre")))), (X, set(), "", {})),
        # the time is noted at one side alone: it belongs to those neurons
        (of((jumps("x"), decays("y"), stamps), (jumps("y"), decays("x"))),
         ({"last": "pre"}, set(), "", {})),
        (of((jumps("x"), stamps), (jumps("y"),)), ({"last": "pre", "x": "pre"}, set(), "", {})),
        # others look at it
        (of(PRE, POST, updates(sets("z", "x"), domain="other", name="looks")), ONLY_Y),
        (of(PRE, POST, updates(sets("last", 0.0), domain="other", name="looks")), None),
        (of(PRE, POST, lambda s: arrives(s, "pre", sets("z", "x"), name="o", synapses="O")),
         ONLY_Y),
        # what is not of a synapse, or not in double precision
        (of((sets(("v", "pre"), ("v", "pre"), 0.5),)), None),
        (of((sets("small", 0.5),)), None),
        # in every time step
        (of(ALONE, (), updates(sets("x", "x", 0.9))), (X, set(), "", {})),
        (of(ALONE, (learns_from("x"),), updates(sets("x", "x", 0.9))), (X, set(), "", {})),
        (of((learns_from("x"),), (), updates(sets("x", "x", 0.9))), (X, set(), "", {})),
        (of((), (learns_from("x"),), updates(sets("x", "x", 0.9))),
         ({"x": "post"}, set(), "", {})),
        (of(ALONE, (), updates(sets("x", "x", "c"))), (X, set(), "", {"c": "pre"})),
        (of(ALONE, (), updates(sets("x", "x", "w"))), None),
        (of(ALONE, (), updates(sets("x", "x", ("v", "pre")))), None),
        (of(ALONE, (), updates(sets("x", "x", 0.9), sets("z", "x", "w"))), (X, set(), "", {})),
        (of(ALONE, (), sums("x", "w")), (X, set(), "", {})),
        # nobody brings it up to the present for a sum, or for a state update
        (of(PRE, POST, sums("x", "w")), ONLY_Y),
        (of(PRE, POST, updates(sets("x", "x", 0.9))), ONLY_Y),
        (of(PRE, POST, updates(sets("z", "last", "w"))), None),
        # constants of its own side only
        (of((learns_from("w"),), (sets("x", "x", "c"), learns_from("x"))), None),
    ],
)  # fmt: skip
def test_what_is_in_common(sketch, expected):
    assert found(sketch) == expected


def test_constants_are_left_out_on_demand():
    sketch = of(ALONE, (), updates(sets("x", "x", "c")))
    assert found(sketch, constants=False) is None
    assert found(of(ALONE), constants=False) == (X, set(), "", {})


@pytest.mark.parametrize("number", [0, 1])
def test_pathways_that_are_left_alone(number):
    def change(**what):
        sketch = stdp()
        step = sketch.network.steps[number]
        for name, value in what.items():
            setattr(step if name == "clock" else step.kernel, name, value)
        return sketch

    assert found(change()) == STDP
    assert found(change(clock=1)) is None
    assert found(change(careful=True)) is None
    assert found(change(shared_stores=[Store("t", ex.const(0.0))])) is None


def test_names_that_mean_two_things():
    """A variable called by two names is not kept; neither are two called by one."""
    sketch = stdp()
    accesses = sketch.network.steps[1].kernel.accesses
    accesses["y"] = replace(accesses["y"], array="z")
    assert found(sketch) is None
    sketch = stdp()
    accesses = sketch.network.steps[1].kernel.accesses
    accesses["again"] = replace(accesses["x"], name="again")
    assert found(sketch) == ONLY_Y


def test_accesses_of_several_kernels():
    sketch = stdp()
    kernels = [step.kernel for step in sketch.network.steps]
    assert accesses_of(kernels) == kernels[0].accesses | kernels[1].accesses
    other = Kernel("k", "test", {"x": replace(kernels[0].accesses["x"], dtype="float32")})
    assert accesses_of([*kernels, other]) is None
    assert accesses_of([]) == {}


def test_given_values_are_a_synapses_own():
    def jump(code):
        code.kernel.given = {"place": "int32"}
        code["x"] = present(code, "x") + call("exp", code.given("place").cast("float64"))

    assert found(plastic(jump)) == ONLY_Y
