"""Sums over synapses: by target or by number, with tables of what neurons have."""

import functools

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    Synapses,
    TimedArray,
    ms,
    network_operation,
    run,
    second,
)

from brian2genn.backends.cpu.options import Costs
from tests import devices
from tests.semantics.harness import Cases, check_any_threads, compare, observe

cases = Cases()


def neurons(n, name="group"):
    group = NeuronGroup(
        n,
        """dv/dt = (cos(i/7.0) - v)/(3*ms) + 0.05*total/second : 1
           u : 1 (constant)
           total : 1
           k : integer""",
        method="euler",
        name=name,
    )
    group.v, group.u, group.k = "0.1 + sin(i)", "1.0/(1 + i)", "i % 5"
    return group


def pairs(n, degrees, seed=3):
    """Synapses in the order of their sources, or of chance."""
    random = np.random.default_rng(seed)
    if degrees == "all":
        return {"condition": "True"}
    if degrees == "equal":
        return {"j": "(i + 3*k) % N_post for k in range(5)"}
    if degrees == "none":
        return {"condition": "i > N_pre"}
    skewed = (n * random.random(9 * n) ** (3 if degrees == "skewed" else 1)).astype(int)
    return {"i": random.integers(n, size=9 * n), "j": skewed}


@cases.over(
    n=[1, 7, 8, 9, 64, 300],
    degrees=["none", "equal", "chance", "skewed", "all"],
    value=["w*(v_pre - v_post)", "w*tanh(v_pre)*exp(-u_post)", "sin(v_pre - v_post + w)"],
)
def of_all_shapes(n, degrees, value):
    group = neurons(n)
    synapses = Synapses(
        group, group, f"w : 1 (constant)\ntotal_post = {value} : 1 (summed)", name="synapses"
    )
    synapses.connect(**pairs(n, degrees))
    synapses.w = "0.1 + 0.01*i - 0.003*j"
    run(0.5 * ms)
    return observe(group=group)


@cases.over(
    value=[
        "exp(-(v_pre + u_pre)**2) + exp(-v_pre)",
        "exp(v_pre)*exp(v_pre + w) + k_pre % 3",
        "int(v_pre > 0.2)*w + abs(v_post)",
        "w*log(2 + v_pre)/(1 + exp(v_post))",
        "drive(t)*exp(u_pre*t/ms) + table(t, i)",
        "s*tanh(v_pre)",
        "flag*exp(-v_post) + k_post + n",
        "1.0",
    ],
    where=["whole", "parts"],
)
def of_all_sorts(value, where):
    group = neurons(90)
    drive = TimedArray([0.1, 0.2, 0.3], dt=0.1 * ms)
    table = TimedArray(np.arange(300).reshape(3, 100) * 0.01, dt=0.1 * ms)
    source, target = (group, group) if where == "whole" else (group[20:70], group[11:49])
    synapses = Synapses(
        source,
        target,
        f"""w : 1
            n : integer (constant)
            flag : boolean (constant)
            ds/dt = (w - s)/(2*ms) : 1 (clock-driven)
            total_post = {value} : 1 (summed)""",
        name="synapses",
        method="euler",
    )
    synapses.connect(condition="(i*j + 3*i) % 4 < 2")
    synapses.w, synapses.n, synapses.flag = "0.01*i - 0.003*j", "i - j", "i > j"
    run(0.5 * ms, namespace={"drive": drive, "table": table})
    return observe(group=group)


@cases
def a_few_synapses_of_a_large_group():
    """Tables are made for those neurons only that have synapses."""
    group = neurons(2000)
    synapses = Synapses(group, group, "total_post = exp(-v_pre)*tanh(v_post) : 1 (summed)")
    synapses.connect(i=[1999, 3, 3, 700], j=[0, 12, 12, 1999])
    run(0.5 * ms)
    return observe(group=group)


@cases.over(what=["weights", "targets", "more"])
def changed_between_runs(what):
    group = neurons(60)
    synapses = Synapses(
        group, group, "w : 1\ntotal_post = w*tanh(v_pre - 0.1) : 1 (summed)", name="synapses"
    )
    synapses.connect(condition="(i + j) % 3 == 0")
    synapses.w = "0.01*i"
    network = Network(group, synapses)
    network.run(0.3 * ms)
    if what == "weights":
        synapses.w["j > 10"] = "1 - 0.01*i"
    else:
        synapses.connect(i=[0, 59] * 40, j=[59, 3] * 40)
        synapses.w["i > 58"] = 0.5
    network.run(0.3 * ms)
    return observe(group=group, synapses=synapses)


@cases.over(held=[False, True])
def changed_within_a_run(held):
    """An object that Brian runs changes weights, now and then, by a variable or an array."""
    group = neurons(60)
    synapses = Synapses(
        group, group, "w : 1\ntotal_post = w*(v_pre - v_post) : 1 (summed)", name="synapses"
    )
    synapses.connect(condition="(i + j) % 3 == 0")
    synapses.w = "0.01*i"
    values = synapses.variables["w"].get_value()

    @network_operation(dt=0.3 * ms)
    def change(t):
        if held and t > 0.2 * ms:
            values[5:100] += 0.25
        else:
            synapses.w[7] = 10 * t / ms

    network = Network(group, synapses, change)
    network.run(1 * ms)
    return observe(group=group, synapses=synapses)


@cases
def weights_that_a_report_changes():
    group = neurons(60)
    synapses = Synapses(group, group, "w : 1\ntotal_post = w*v_pre : 1 (summed)", name="synapses")
    synapses.connect(condition="(i + j) % 3 == 0")

    def report(elapsed, completed, start, duration):
        synapses.w = "1 + 0.01*j"

    Network(group, synapses).run(1 * ms, report=report, report_period=100 * second)
    return observe(group=group, synapses=synapses)


@cases.over(rows=["one", "two"])
def of_long_rows_with_any_sources(rows):
    """More synapses in a row than are gathered at once, from neurons in no order."""
    source, target = neurons(90), NeuronGroup(1300, "total : 1")
    synapses = Synapses(
        source, target, "w : 1\ntotal_post = w*(v_pre - u_pre) : 1 (summed)", name="synapses"
    )
    numbers = np.arange(1300)
    targets = numbers if rows == "one" else np.concatenate([numbers[5:], numbers[:700]])
    synapses.connect(i=(7 * targets**2 + targets) % 90, j=targets)
    synapses.w = "0.1 + 0.01*i - 0.0003*j"
    run(0.3 * ms)
    return observe(source=source, target=target)


@cases.over(pattern=["lattice", "one_to_one", "one_there_twice", "from_the_middle"])
def of_rows_whose_sources_follow(pattern):
    """What is read of others lies as the synapses do; where it nearly does, it is looked up."""
    source, target = neurons(620), NeuronGroup(600, "total : 1\nu : 1", name="target")
    target.u = "cos(i)"
    synapses = Synapses(
        source, target, "total_post = v_pre - u_post*u_pre : 1 (summed)", name="synapses"
    )
    j = np.arange(600)
    i = j + (11 if pattern == "from_the_middle" else 0)
    if pattern == "one_there_twice":
        i[300] = 301
    elif pattern == "lattice":
        steps = [j[j % 20 > 0], j[j % 20 < 19], j[20:], j[:-20]]
        i = np.concatenate([one + by for one, by in zip(steps, (-1, 1, -20, 20), strict=True)])
        j = np.concatenate(steps)
    synapses.connect(i=i, j=j)
    run(0.5 * ms)
    return observe(source=source, target=target)


@cases
def a_sum_that_reads_what_it_sums_into():
    group = neurons(30)
    synapses = Synapses(group, group, "w : 1\nx : 1\ntotal_post = w*exp(k_pre) : 1 (summed)")
    synapses.connect()
    synapses.w = "0.001*i"
    synapses.run_regularly("w += 0.01*total_post", dt=0.2 * ms)
    run(0.6 * ms)
    return observe(group=group, synapses=synapses)


@cases.over(value=["w*v_pre", "w*(u_pre*v_pre - v_post)", "s*k_pre + w*k_post"])
def of_what_changes(value):
    """Weights that are learnt; synapses in the order of their sources, with any targets."""
    group = neurons(60)
    synapses = Synapses(
        group,
        group,
        f"""w : 1
            ds/dt = (w - s)/(2*ms) : 1 (clock-driven)
            total_post = {value} : 1 (summed)""",
        name="synapses",
        method="euler",
    )
    synapses.connect(condition="(i*j + 3*i) % 7 < 2")
    synapses.w = "0.01*i - 0.003*j"
    synapses.run_regularly("w += 0.001*v_post*(v_pre - w)", dt=0.2 * ms)
    run(1 * ms)
    return observe(group=group, synapses=synapses)


@cases.single
def in_single_precision():
    return of_all_shapes(64, "chance", "w*tanh(v_pre)*exp(-u_post)")


@functools.cache
def expected(number):
    """What Brian's runtime gives for one of the cases, which three tests ask for."""
    return list(cases)[number].run("runtime")


NUMBERED = [pytest.param(number, case, id=str(case)) for number, case in enumerate(cases)]


@pytest.mark.parametrize(("number", "case"), NUMBERED)
def test_agrees_with_runtime(number, case):
    assert expected(number), "the case observes nothing"
    compare(expected(number), case.run(devices.DEVICE), case.tolerance)


@pytest.mark.skipif(devices.BACKEND != "cpu", reason="about the processor")
@pytest.mark.parametrize(("number", "case"), NUMBERED)
@pytest.mark.parametrize(
    "costs",
    [
        {"by_target": -99.0},
        {"in_row": -9e9, "row": 99.0},
        {"in_row": -9e9, "row": 0.0},
        {"by_number": -9e9, "stretch": 0.0},
    ],
    ids=["slices", "rows", "rows of one source", "stretches"],
)
def test_by_target_whatever_it_takes(number, case, costs, monkeypatch):
    """Also where by number would be faster; with several threads the same, bit by bit."""
    check_any_threads(case, expected(number), monkeypatch, costs=Costs(**costs))
