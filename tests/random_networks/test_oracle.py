"""That a random network which dies or differs is found, and that nothing else is."""

import logging
import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest

from tests import devices
from tests.random_networks import oracle
from tests.random_networks.build import function_text, script
from tests.random_networks.description import (
    Connections,
    Description,
    Neurons,
    Pathway,
    Regular,
    Source,
)
from tests.random_networks.isolation import Ending, apart
from tests.random_networks.oracle import Verdict, judged, outcome, third_opinion
from tests.random_networks.reference import one_by_one
from tests.random_networks.smaller import smaller
from tests.semantics.harness import DOUBLE

pytestmark = [
    pytest.mark.skipif(devices.DEVICE != "genn", reason="compares nothing of the device"),
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(autouse=True)
def _quiet():
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def network(*actions: str, delay: str | None = None, hazards: tuple = ("delays",)) -> Description:
    """A source with two spikes, one synapse, and a target that counts them."""
    return Description(
        dt="0.1*ms",
        precision="double",
        schedule=None,
        preamble=(),
        groups=(Neurons("cells", 1, ("v : 1", "last : second")),),
        sources=(Source("inputs", "SpikeGeneratorGroup", 1, ("1", "[0, 0]", "[0, 0.2]*ms")),),
        connections=(
            Connections(
                "syn",
                "inputs",
                "cells",
                ("w : 1",),
                (Pathway("pre", "pre", ("v_post += 1", "last_post = t", "w += 1"), delay=delay),),
                "",
            ),
        ),
        monitors=(),
        operations=(),
        actions=actions,
        hazards=hazards,
    )


def only_under(device: str, statement: str) -> str:
    """A statement that one of the two devices executes."""
    return f"get_device() is all_devices[{device!r}] and {statement}"


DIE = "__import__('os').kill(__import__('os').getpid(), 11)"


def test_a_value_comes_back():
    assert apart(lambda tell: np.arange(3).sum(), 60) == Ending(value=3)


def test_the_last_stage_is_known():
    def work(tell):
        tell("the first")
        tell("the second")
        os.kill(os.getpid(), signal.SIGSEGV)

    ending = apart(work, 60)
    assert ending.stage == "the second"
    assert ending.death is not None and "signal 11" in ending.death
    assert "Segmentation fault" in ending.printed


def test_a_process_that_ends_with_a_status_has_died():
    ending = apart(lambda tell: os._exit(3), 60)
    assert ending.death == "ended with status 3, without a result"


def test_an_error_is_told():
    ending = apart(lambda tell: 1 // 0, 60)
    assert ending.death is not None
    assert "ZeroDivisionError" in ending.printed


def test_what_does_not_end_is_ended():
    start = time.monotonic()
    ending = apart(lambda tell: time.sleep(60), 0.3)
    assert ending.death == "did not end within 0.3 s"
    assert time.monotonic() - start < 30


def test_a_network_that_dies_of_the_device():
    verdict = judged(network("network.run(0*ms)", only_under("genn", DIE)))
    assert verdict.kind == "DIED"
    assert verdict.complaint is not None and "at work: genn" in verdict.complaint


def test_a_network_that_brian_dies_of():
    verdict = judged(network("network.run(0*ms)", only_under("runtime", DIE)))
    assert verdict == Verdict("of which Brian's runtime dies")


def test_brian_that_does_not_die_alone(monkeypatch):
    """Then it was the device that has left something behind."""
    endings = iter([Ending(death="died of signal 11", stage="Brian's runtime"), Ending(value=None)])
    monkeypatch.setattr(oracle, "apart", lambda work, seconds: next(endings))
    verdict = judged(network())
    assert verdict.kind == "DIED"
    assert verdict.complaint is not None and "does not die of it alone" in verdict.complaint


def test_a_difference():
    verdict = judged(network(only_under("genn", "found.append(1)")), opinions=False)
    assert verdict.kind == "DIFFERENT"
    assert verdict.complaint is not None and "found" in verdict.complaint


def test_errors_of_statements_are_compared():
    failing = "syn.w[7] = 1"
    assert judged(network(failing, "network.run(0.1*ms)")).kind == "with results"
    verdict = judged(network(only_under("genn", "undefined")), opinions=False)
    assert verdict.complaint is not None and "errors ['NameError'], not []" in verdict.complaint


def runtime(description: Description) -> dict:
    result = outcome(function_text(description), "runtime", DOUBLE)
    assert not isinstance(result, Exception), result
    return result


@pytest.mark.parametrize("delay", ["-0.3*ms", "-1e9*ms", "'-20*ms'", "-1e300*ms"])
def test_the_reference_delivers_negative_delays_at_once(delay):
    assign = (f"syn.pre.delay = {delay}",)
    result = runtime(network(*assign, "network.run(0.25*ms)"))
    assert not result["errors"].size
    np.testing.assert_allclose(result["cells.last"], [0.2e-3])
    assert result["syn.pre.delay"][0] < 0


@pytest.mark.parametrize("delay", ["nan*ms", "inf*ms", "-inf*ms", "7e8*ms", "1e300*ms"])
@pytest.mark.parametrize("scalar", [True, False])
def test_the_reference_refuses_and_can_be_repaired(delay, scalar):
    options = {"delay": delay} if scalar else {}
    first = () if scalar else (f"syn.pre.delay = {delay}",)
    repaired = ("syn.pre.delay = 0.1*ms", "network.run(0.4*ms)")
    result = runtime(network(*first, "network.run(0.25*ms)", *repaired, **options))
    np.testing.assert_array_equal(result["errors"], ["ValueError"])
    np.testing.assert_array_equal(result["cells.v"], [2])


def test_delays_are_refused_before_anything_else():
    """A name that nobody knows is found later, when the code is made."""
    both = regularly("v = unknown", before=("syn.pre.delay = nan*ms",))
    whole = network("syn.pre.delay = nan*ms", "network.run(0.1*ms)")
    both = replace(both, sources=whole.sources, connections=whole.connections)
    both = replace(both, groups=(replace(both.groups[0], equations=("v : 1", "last : second")),))
    assert list(runtime(both)["errors"]) == ["ValueError"]
    assert judged(both, opinions=False).complaint is None


#: The first spike is under way for three steps (a delay of 2.5 steps is rounded up), the second
#: for one.
MEETING = (
    "syn.pre.delay = '0.25*ms'",
    "network.run(0.15*ms)",
    "syn.pre.delay = '0.1*ms'",
    "network.run(0.5*ms)",
)


def test_two_spikes_that_meet_are_no_alarm():
    """Both have their effect, in Brian's compiled targets; in its NumPy code one has."""
    meeting = network(*MEETING)
    assert judged(meeting, opinions=False).kind == "as written, spike by spike"
    assert list(runtime(meeting)["syn.w"]) == [1]
    alone = outcome(function_text(meeting), "runtime", DOUBLE, amendments=(one_by_one,))
    assert not isinstance(alone, Exception) and list(alone["syn.w"]) == [2]


@pytest.mark.parametrize(
    "model, code, expected",
    [
        (("w : 1", "double = 2*w : 1"), ("w += 1", "v_post = double"), 4),
        (("w : 1", "double = 2*w : 1", "more = double + 1 : 1"), ("w += 1", "v_post = more"), 5),
        # an event-driven update is a change, too: from 0 to 0, then the spike's
        (("w : 1", "dx/dt = -x/(5*ms) : 1 (event-driven)", "double = 2*x : 1"),
         ("x = 3", "v_post = double", "x = 0"), 6),
        # of the target, by two names
        (("w : 1", "double = 2*v_post : 1"), ("v_post += 1", "v_post = double"), 6),
    ],
)  # fmt: skip
def test_a_subexpression_is_what_it_is_where_it_is_used(model, code, expected):
    """Brian's targets load what it depends on at the beginning."""
    whole = network("network.run(0.5*ms)")
    (syn,) = whole.connections
    changed = replace(syn, equations=model, pathways=(Pathway("pre", "pre", code),))
    using = replace(whole, connections=(changed,))
    alone = outcome(function_text(using), "runtime", DOUBLE, amendments=(one_by_one,))
    assert not isinstance(alone, Exception), alone
    assert list(alone["cells.v"]) == [expected]
    kind = judged(using, opinions=False).kind
    assert kind in ("as written, spike by spike", "with results")


@pytest.mark.parametrize(
    "ending, said",
    [
        (Ending(value=(None, "differs")), "agrees with genn"),
        (Ending(value=("differs", None)), "agrees with its NumPy target"),
        (Ending(value=("differs", "too")), "All three differ"),
        (Ending(death="did not end"), "gave no answer"),
    ],
)
def test_what_brians_cython_target_says(monkeypatch, ending, said):
    """It is told, and excuses nothing."""
    monkeypatch.setattr(oracle, "apart", lambda work, seconds: ending)
    verdict = third_opinion(network(), Verdict("DIFFERENT", "differs"))
    assert verdict.kind == "DIFFERENT"
    assert verdict.complaint is not None and said in verdict.complaint


def decaying(tau: str, hazards: tuple) -> Description:
    """A neuron with a time constant, for one time step."""
    options = (("method", "'euler'"),)
    cells = Neurons("cells", 1, ("dx/dt = (0.56137 - x)/tau : 1",), options=options)
    whole = network("cells.x = 0.57", "network.run(0.1*ms)", hazards=hazards)
    return replace(whole, preamble=(f"tau = {tau}",), groups=(cells,), sources=(), connections=())


def regularly(*statements: str, model: tuple = (), before: tuple = (), **options) -> Description:
    """A network of one neuron that executes code for one time step."""
    whole = network(*before, "network.run(0.1*ms)", **options)
    cells = Neurons("cells", 1, ("v : 1", *model), operations=(Regular(statements),))
    return replace(whole, groups=(cells,), sources=(), connections=())


def test_an_assignment_is_no_view():
    """In Brian's NumPy code, ``change`` is another name of what ``r`` is."""
    aliasing = regularly("change = r", "r *= 0.5", "v = change", model=("r : 1",),
                         before=("cells.r = 3",))  # fmt: skip
    result = runtime(aliasing)
    assert (result["cells.v"], result["cells.r"]) == ([3], [1.5])
    assert judged(aliasing, opinions=False).kind == "with results"
    twice = regularly("a = r", "b = a", "a += 1", "b *= 4", "v = a", "r = b", model=("r : 1",),
                      before=("cells.r = 3",))  # fmt: skip
    result = runtime(twice)
    assert (result["cells.v"], result["cells.r"]) == ([4], [12])


@pytest.mark.slow
def test_an_assignment_is_no_view_for_cython_either():
    aliasing = regularly("change = r", "r *= 0.5", "v = change", model=("r : 1",),
                         before=("cells.r = 3",))  # fmt: skip
    device, numpy = oracle.targets_compared(aliasing)
    assert device is None and numpy is None


def test_whole_numbers_wider_than_32_bits():
    """``n - N`` does not fit into 32 bits, with which NumPy computes it."""
    code, model, before = "n = (-(n - 2*N)) % 13", ("n : integer",), ("cells.n = -2147483648",)
    kinds = {}
    for hazards in ("values",), ("names",):
        small = regularly(code, model=model, before=before, hazards=hazards)
        kinds[hazards] = judged(small, opinions=False).kind
    assert kinds == {("values",): "as Brian with whole numbers of 64 bits", ("names",): "DIFFERENT"}


def test_times_of_spikes_beyond_all_steps_are_never_reached():
    """Brian's NumPy code looks for numbers of steps by bisection, as if they were sorted."""
    late = network("inputs.set_spikes([0, 0], [0.2, 1e9]*ms)", "network.run(0.4*ms)")
    assert runtime(late)["cells.v"] == [1]
    assert judged(late, opinions=False).complaint is None


def test_numbers_that_brian_writes_as_names_are_no_reference():
    single = replace(network("syn.pre.delay = '-1e300*ms'"), precision="single")
    assert judged(single, opinions=False).kind == "of which Brian makes a name, 'inf'"
    unknown = network(only_under("runtime", "unknown"))
    assert judged(unknown, opinions=False).kind == "DIFFERENT"


def test_collected_constants_that_are_no_numbers_are_no_reference():
    """Brian divides dt by a time constant that leaves nothing of it but infinity."""
    kinds = {
        hazards: judged(decaying("1e-310*ms", hazards), opinions=False).kind
        for hazards in (("constants",), ("names",))
    }
    written = "as written, unlike Brian, which collects constants"
    assert kinds == {("constants",): written, ("names",): "DIFFERENT"}


def test_a_division_of_two_numbers_by_zero_is_no_reference():
    zero = replace(regularly("v = 2/rate", hazards=("constants",)), preamble=("rate = 0.0",))
    assert judged(zero, opinions=False).kind == "beyond Brian's NumPy target"


def test_infinity_rounded_to_a_whole_number_is_no_alarm():
    """NumPy's code makes the smallest number of it; in range, its rounding is the reference."""
    rounding = network("cells.v = 'clip(floor(inf*(v + 1)), -2, 3) + ceil(0.4)'")
    assert judged(rounding).kind == "with results"
    result = runtime(rounding)
    assert result["cells.v"] == [4] and result["errors"].size == 0
    for expression, value in (("floor(-1.5)", -2), ("ceil(3e9 + 0.5)", 3e9 + 1)):
        assert runtime(network(f"cells.v = {expression!r}"))["cells.v"] == [value]


def test_powers_that_numpy_does_not_have_are_no_alarm():
    verdict = judged(network("cells.v = '2**clip(-N, -1, 2)'"))
    assert verdict.kind == "beyond Brian's NumPy target"


def test_conditions_of_writes_that_numpy_does_not_load_are_no_alarm():
    """Both ends of a synapse may be refractory, and the code writes to both of them."""
    model = tuple(f"d{name}/dt = -{name}/(9*ms) : 1 (unless refractory)" for name in "vr")
    options = (("method", "'euler'"), ("threshold", "'v > 2'"), ("refractory", "1*ms"))
    both = (Pathway("pre", "pre", ("r_pre += 1", "v_post += 1")),)
    alike = replace(
        network("cells.v = 3", "network.run(0.3*ms)"),
        groups=(Neurons("cells", 1, model, options=options),),
        sources=(),
        connections=(Connections("syn", "cells", "cells", (), both, ""),),
    )
    assert judged(alike, opinions=False).kind == "beyond Brian's NumPy target"


def test_smaller():
    """What is not needed goes, at any depth."""
    whole = network("network.run(0.1*ms)", "network.run(0.2*ms)", hazards=("delays", "values"))
    whole = replace(whole, groups=(*whole.groups, Neurons("others", 2, ("x : 1", "y : 1"))))

    def still_wrong(attempt: Description) -> bool:
        text = script(attempt)
        return "y : 1" in text and "run(0.2" in text

    left = smaller(whole, still_wrong, 60)
    assert left.groups == (Neurons("others", 2, ("y : 1",)),)
    assert left.actions == ("network.run(0.2*ms)",)
    assert not left.connections and not left.sources
    assert left.hazards == whole.hazards
