"""Steps that differ only by what they work on share one function, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import (
    Hz,
    Network,
    NeuronGroup,
    PoissonGroup,
    PopulationRateMonitor,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    ms,
    network_operation,
    prefs,
    seed,
)

from brian2genn.codegen.c import program as printing
from brian2genn.codegen.c.alike import StepText, find_alike
from tests import devices
from tests.backends.cpu import test_shared_work
from tests.semantics.harness import Cases, observe

if devices.BACKEND != "cpu":
    pytest.skip("about the processor", allow_module_level=True)

cases = Cases()


def together(*steps: StepText) -> list[list[str]]:
    """The names of steps that share functions."""
    return [[scope.step.name for scope in one.scopes] for one in find_alike(list(steps))]


def function(number: int, body: str, name: str = "", **more: object) -> StepText:
    name = name or f"step_{number}"
    head = f"/* step {number} */\nstatic int32_t {name}(b2g_context *ctx)"
    text = f"{head}\n{{\n    CONSTANTS;\n{body}\n}}\n"
    return StepText(number, name, text, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a_[ctx->arrays[3]] = ctx->numbers[1];", "a_[ctx->arrays[7]] = ctx->numbers[9];"),
        ("const double v_ = _array_g_v[0];", "const double w_ = _array_other_w[0];"),
        ("x_ = (2.5 * y_);", "x_ = (3.5 * y_);"),
        ("x_ = (y_ + 2.5);", "x_ = (y_ + 1e-05);"),
        ("x_ = (y_ - (-2.5));", "x_ = (y_ - (-3.0));"),
        ("x_ = (2.5f * y_);", "x_ = (3.5f * y_);"),
        ("b2g_rand(ctx->seed, 3, i); b2g_rand(ctx->seed, 4, i);",
         "b2g_rand(ctx->seed, 8, i); b2g_rand(ctx->seed, 9, i);"),
        ("b2g_push(ctx->queues[0], e); /* of one */", "b2g_push(ctx->queues[2], e); /* of two */"),
        ("b2g_share_out_some(ctx, 0, f);", "b2g_share_out_some(ctx, 1, f);"),
        ("b2g_share_out_some(ctx, 0, step_0);", "b2g_share_out_some(ctx, 1, step_1);"),
        ("column_v[j] = v_;", "column_w[j] = w_;"),
    ],
)  # fmt: skip
def test_what_may_differ(one, other):
    assert together(function(0, one), function(1, other)) == [["step_0", "step_1"]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x_ = exp(y_);", "x_ = sin(y_);"),
        ("x_ = f_(y_);", "x_ = g_(y_);"),  # functions may have such names
        ("x_ = step_0_f(y_);", "x_ = step_1_f(y_);"),  # and such ones
        ("x_ = (y_ + y_);", "x_ = (y_ + z_);"),
        ("x_ = y_; z_ = y_;", "x_ = y_; z_ = x_;"),
        ("a_ = ctx->arrays[1] + ctx->arrays[1];", "a_ = ctx->arrays[1] + ctx->arrays[2];"),
        ("a_ = ctx->arrays[1] + ctx->lengths[1];", "a_ = ctx->arrays[1] + ctx->lengths[2];"),
        ("a_ = ctx->numbers[1];", "a_ = ctx->integers[1];"),
        ("x_ = pow(y_, 2.0);", "x_ = pow(y_, 3.0);"),
        ("x_ = (y_ / 2.0);", "x_ = (y_ / 3.0);"),
        ("x_ = c_ ? 1.0 : y_;", "x_ = c_ ? 2.0 : y_;"),
        ("x_ = (2 * y_);", "x_ = (3 * y_);"),
        ("x_ = (2.5 * y_);", "x_ = (2.5f * y_);"),
        ("b2g_share_out_some(ctx, 0, f);", "b2g_share_out_some(ctx, 1, g);"),
        ("b2g_rand(ctx->seed, 3, i); b2g_rand(ctx->seed, 4, i);",
         "b2g_rand(ctx->seed, 8, i); b2g_rand(ctx->seed, 8, i);"),
        ("b2g_rand(ctx->seed, 3, i, 1);", "b2g_rand(ctx->seed, 3, i, 2);"),
        ("const double v_ = 0;", "const float v_ = 0;"),
        ("b2g_sum(ctx->sums[0]);", "b2g_sum(ctx->sums[1]);"),
    ],
)  # fmt: skip
def test_what_may_not_differ(one, other):
    assert together(function(0, one), function(1, other)) == []


@pytest.mark.parametrize(
    "body",
    [
        "if (ctx->only < 0) x_ = 1;",
        "ctx->error = 3;",
        "ctx->seconds[0] += 1;",
        "b2g_share_out_some(ctx, 7, f);",  # another step's
        "x_ = constants->_c5;",  # another step's
    ],
)
def test_what_a_scope_has_not(body):
    assert together(function(0, body), function(1, body)) == []


def test_constants():
    def step(number, first, types, statement):
        return function(
            number, f"x_ = constants->_c{first + 1};", constants=range(first, first + len(types)),
            types=types, prepare=[statement.format(first)],
        )  # fmt: skip

    statement, two = "constants->_c{0} = ctx->numbers[3] + 2.0;", ["double", "bool"]
    same = step(0, 0, two, statement), step(1, 4, two, statement.replace("3", "5"))
    assert together(*same) == [["step_0", "step_1"]]
    assert together(same[0], step(1, 4, ["double", "double"], statement)) == []
    assert together(same[0], step(1, 4, two, "constants->_c{0} = sin(ctx->numbers[3]);")) == []
    (shared,) = find_alike(list(same))
    assert "constants->_c1" in shared.text
    assert shared.prepare[-1] == "constants->_c0 = ctx->numbers[0] + 2.0;"


def test_numbers_without_a_place_to_declare_them_are_the_same():
    text = "static int32_t {0}(b2g_context *ctx)\n{{\n    x_ = ({1} * y_);\n}}\n"
    steps = [StepText(k, f"s{k}", text.format(f"s{k}", 2.5 + (k == 2))) for k in range(4)]
    assert together(*steps) == [["s0", "s1", "s3"]]


# -- networks ------------------------------------------------------------------------
@cases.over(dtype=[np.float64, np.float32])
def pathways(dtype):
    """Pathways with numbers of their own, delays of several kinds, and plasticity."""
    prefs.core.default_float_dtype = dtype
    inputs = [PoissonGroup(60 + 7 * k, rates=(40 + 20 * k) * Hz) for k in range(3)]
    cells = NeuronGroup(
        90,
        "dv/dt = -v/(8*ms) : 1\nda/dt = -a/(5*ms) : 1\nn : integer",
        threshold="v > 1",
        reset="v = 0",
        method="exact",
    )
    made = []
    for number, source in enumerate([*inputs, *inputs, cells]):
        target = "av"[number % 2]
        synapses = Synapses(
            source,
            cells,
            "w : 1\ndx/dt = -x/(4*ms) : 1 (event-driven)",
            on_pre=f"{target}_post += {0.5 + number}*w; n_post += 1; x += {number + 2}",
            on_post="w = clip(w + 0.01*x, 0, 1)",
            method="exact",
        )
        synapses.connect(p=0.2)
        synapses.w = "0.05*rand()"
        if number % 3:
            synapses.delay = "rand()*ms" if number % 3 == 1 else f"{number}*0.3*ms"
        made.append(synapses)
    monitors = [SpikeMonitor(group) for group in [*inputs, cells]]
    states = StateMonitor(cells, ["v", "a"], record=[1, 5, 17])
    rate = [PopulationRateMonitor(group) for group in [*inputs, cells]]
    network = Network(inputs, cells, made, monitors, states, rate)
    network.run(10 * ms)
    made[0].w = 0.5
    made[1].connect(i=[1, 2], j=[3, 4])
    network.run(10 * ms)
    assert monitors[-1].num_spikes
    return observe(
        cells=cells, states=states, **{f"s{k}": one for k, one in enumerate(made)},
        **{f"m{k}": one for k, one in enumerate(monitors)},
        **{f"r{k}": one for k, one in enumerate(rate)},
    )  # fmt: skip


@cases.over(operation=[False, True])
def groups(operation):
    """Groups of several sizes with random numbers and constants; arrays that move."""
    table = TimedArray(np.arange(6.0), dt=2 * ms)
    made = [
        NeuronGroup(
            40 + 30 * k,
            f"""dv/dt = (drive - v)/tau + {0.1 * (k + 1)}*xi*tau**-0.5 : 1 (unless refractory)
                drive = table(t) : 1
                tau : second (constant, shared)""",
            threshold="v > 0.5",
            reset="v = 0.1*rand()",
            refractory=1 * ms,
            method="euler",
            namespace={"table": table},
        )
        for k in range(4)
    ]
    for number, group in enumerate(made):
        group.tau = (3 + number) * ms
    monitors = [SpikeMonitor(group) for group in made]
    states = [StateMonitor(group, "v", record=[0, 3]) for group in made]
    network = Network(made, monitors, states)
    if operation:

        @network_operation(dt=0.5 * ms)
        def change():
            made[1].v = made[1].v[:] * 0.9
            seed(int(network.t / ms))

        network.add(change)
    network.run(8 * ms)
    made[2].tau = 1 * ms
    network.run(4 * ms, profile=True)
    return observe(
        **{f"g{k}": one for k, one in enumerate(made)},
        **{f"m{k}": one for k, one in enumerate(monitors)},
        **{f"s{k}": one for k, one in enumerate(states)},
    )


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("case", [*cases, *test_shared_work.cases], ids=str)
def test_results_are_those_of_functions_of_their_own(monkeypatch, case, threads):
    devices.set_defaults(monkeypatch, processor=devices.processor(share_always=True))
    shared_steps, asked = [], []

    def counted(steps):
        found = find_alike(steps)
        shared_steps.append(sum(len(one.scopes) for one in found))
        return found

    def none(steps):
        asked.append(steps)
        return []

    monkeypatch.setattr(printing, "find_alike", counted)
    shared = test_shared_work.run_case(case, threads)
    monkeypatch.setattr(printing, "find_alike", none)
    alone = test_shared_work.run_case(case, threads)
    assert len(asked) == len(shared_steps) > 0
    if case.function in (pathways, groups):
        assert max(shared_steps) >= 8
    assert shared.keys() == alone.keys()
    for name, value in shared.items():
        assert value.tobytes() == alone[name].tobytes(), name
