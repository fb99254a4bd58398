"""What is kept from one run to the next: code, programs, and the time for collecting garbage."""

import gc
import weakref

import numpy as np
import pytest
from brian2 import (
    Function,
    Network,
    NeuronGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    defaultclock,
    magic_network,
    ms,
    network_operation,
    prefs,
    run,
    set_device,
)
from brian2.utils.logger import catch_logs

from brian2genn.backends.cpu import program as cpu_program
from brian2genn.frontend.recorded import LOOP_TEMPLATES, RecordedCode
from brian2genn.runtime.code.codeobject import LoopCodeObject
from brian2genn.runtime.run import garbage


@pytest.fixture
def made(monkeypatch) -> dict[str, list]:
    """What was made since the last look: code (by owner and template) and texts of programs."""
    made = {"code": [], "programs": []}
    analyse, print_program = RecordedCode.analyse, cpu_program.print_program

    def count_code(self, target):
        if self.template in LOOP_TEMPLATES:  # set-up code is made when it is executed
            made["code"].append((self.owner.name, self.template))
        analyse(self, target)

    def count_program(network):
        source = print_program(network)
        made["programs"].append(source.text)
        return source

    monkeypatch.setattr(RecordedCode, "analyse", count_code)
    monkeypatch.setattr(cpu_program, "print_program", count_program)
    set_device("genn")
    return made


def take(made: dict[str, list]) -> tuple[list, int]:
    """The code and the number of programs that were made since the last call."""
    result = sorted(made["code"]), len(made["programs"])
    for things in made.values():
        things.clear()
    return result


class Net:
    """A network with every part that is used in most networks."""

    def __init__(self):
        self.group = NeuronGroup(
            2,
            "dv/dt = (1.2 - v)/tau + x*xi*tau**-0.5 : 1 (unless refractory)\nx : 1",
            threshold="v > limit",
            reset="v = 0",
            refractory=1 * ms,
            method="euler",
            name="group",
        )
        self.synapses = Synapses(
            self.group,
            self.group,
            "dw/dt = -w/tau : 1 (event-driven)",
            on_pre="v += 0.1*w",
            on_post="w += 1",
            name="synapses",
        )
        self.synapses.connect()
        self.spikes = SpikeMonitor(self.group, name="spikes")
        self.states = StateMonitor(self.group, "v", record=True, name="states")
        self.group.run_regularly("x = 0.01*rand()", dt=0.5 * ms, name="regularly")
        self.network = Network(self.group, self.synapses, self.spikes, self.states)
        self.namespace = {"tau": 10 * ms, "limit": 1.0}

    def run(self, **changed):
        self.namespace.update(changed)
        self.network.run(1 * ms, namespace=self.namespace)


def test_a_second_run_makes_nothing(made):
    net = Net()
    net.run()
    code, programs = take(made)
    assert len(code) > 6
    assert programs == 1
    net.run()
    net.run()
    assert take(made) == ([], 0)


def test_values_make_nothing(made):
    net = Net()
    net.network.store()
    net.run()
    take(made)
    for k in range(4):
        net.network.restore()
        net.group.x = k
        net.synapses.w = "0.1*i"
        net.run(tau=(5 + k) * ms, limit=1.0 + 0.1 * k)
        defaultclock.dt = defaultclock.dt  # as slow scripts do
    assert take(made) == ([], 0)


def test_an_added_monitor_makes_its_own_code(made):
    net = Net()
    net.run()
    take(made)
    net.network.add(StateMonitor(net.group, "x", record=[0], name="late"))
    net.run()
    assert take(made) == ([("late", "statemonitor")], 1)


def test_inactive_objects_make_another_program_once(made):
    net = Net()
    net.run()
    take(made)
    for active in (False, True, False, True):
        net.states.active = active
        net.run()
    assert take(made) == ([], 1)


def test_changed_code_is_made_anew(made):
    net = Net()
    net.run()
    take(made)
    net.synapses.pre.code = "v += 0.2*w"
    net.run()
    assert take(made) == ([("synapses", "synapses")], 1)


def test_another_time_step_makes_code_but_no_program(made):
    """Integrators look at the time step; the program is given it as a number."""
    net = Net()
    net.run()
    code, _ = take(made)
    defaultclock.dt = 0.05 * ms
    net.run()
    again, programs = take(made)
    # Brian makes the code that pushes spikes only once
    assert again == [one for one in code if one[1] != "synapses_push_spikes"]
    assert programs == 0


def with_whole_number(equations="v : 1\nm : integer", code="") -> Network:
    group = NeuronGroup(3, equations, method="euler", name="group")
    regularly = group.run_regularly(code) if code else None
    return Network([group] if regularly is None else [group, regularly])


@pytest.mark.parametrize(
    "model",
    [
        {"equations": "dv/dt = (v + n)/ms : 1"},
        {"code": "v = n"},
        {"code": "v = -n"},
        {"code": "m = n"},
        {"code": "m += n"},
        {"code": "v -= n"},
        {"code": "m = m*n - n"},
        {"code": "v = int(i > n) + int(m <= -n)"},
        {"code": "v = m/n"},
    ],
    ids=str,
)
def test_a_whole_number_beside_a_variable_is_no_part_of_the_text(made, model):
    expected, network = {}, with_whole_number(**model)
    for device in ("runtime", "genn"):
        set_device(device)
        network = with_whole_number(**model)
        network.store()
        take(made)
        for n in (1, 1, 2, 3, 1):
            network.restore()
            network.run(0.5 * ms, namespace={"n": n})
            found = {name: np.array(getattr(network["group"], name)) for name in ("v", "m")
                     if name in network["group"].variables}  # fmt: skip
            if device == "runtime":
                expected[n] = found
            for name, values in found.items():
                np.testing.assert_allclose(values, expected[n][name], rtol=1e-14)
    assert take(made)[1] == 1


@pytest.mark.parametrize("code", ["v = m**n", "v = v**n", "m = m % n", "m = n*n"])
def test_other_whole_numbers_are_part_of_the_text(made, code):
    """An exponent is how often something is multiplied, a divisor makes a division a product."""
    network = with_whole_number(code=code)
    for n in (1, 2, 1):
        network.run(0.2 * ms, namespace={"n": n})
    assert take(made)[1] == 2


@pytest.mark.parametrize(
    ("dtype", "numbers"),
    # (NumPy refuses 2**40 beside 32 bits, Cython drops bits)
    [(np.int32, (1, 7, 2**30)), (np.int64, (1, 7, 2**30, 2**40))],
)
def test_whole_numbers_of_the_script_wrap_as_integers_of_their_size_do(made, dtype, numbers):
    found = {"runtime": [], "genn": []}
    for device, of_device in found.items():
        set_device(device)
        group = NeuronGroup(
            1, "m : integer\nw : integer", dtype={"m": dtype, "w": dtype}, name="group"
        )
        group.m = 2**31 - 3
        network = Network(group, group.run_regularly("w = m*n; m += n", when="start"))
        for n in numbers:
            network.run(defaultclock.dt, namespace={"n": n})
            of_device.append((int(group.m[0]), int(group.w[0])))
    assert found["genn"] == found["runtime"]


def test_other_objects_of_the_same_model_share_a_program(made):
    for k in range(3):
        group = NeuronGroup(2 + k, "dv/dt = -v/tau : 1", method="euler", name="group")
        group.v = 1
        Network(group).run(1 * ms, namespace={"tau": (2 + k) * ms})
        np.testing.assert_allclose(group.v, (1 - 0.1 / (2 + k)) ** 10, rtol=1e-12)
        del group
    assert take(made) == ([("group", "stateupdate")] * 3, 1)


def test_code_that_brian_runs_is_made_anew(made):
    group = NeuronGroup(1, "dv/dt = f(v)/ms : 1", method="euler", name="group")
    network = Network(group)
    f = Function(lambda x: x, arg_units=[1], return_unit=1)
    for _ in range(2):
        network.run(1 * ms, namespace={"f": f})
    assert take(made)[0] == [("group", "stateupdate")] * 2


def test_a_debugged_model_is_printed_in_each_run(made, capsys):
    prefs.devices.genn.debug = True
    net = Net()
    for _ in range(2):
        net.run()
        assert "Update group" in capsys.readouterr().out


def test_objects_are_as_they_were_after_a_run(made):
    net = Net()
    net.run()
    for obj in net.network.sorted_objects:
        assert "create_code_objects" not in vars(obj)
    with pytest.raises(Exception, match="preparing"):
        net.run(limit=1 * ms)
    for obj in net.network.sorted_objects:
        assert "create_code_objects" not in vars(obj)


def test_what_is_kept_goes_with_its_object(made):
    net = Net()
    net.run()
    net.run()
    gone = weakref.ref(net.group), weakref.ref(net.group.state_updater.codeobj)
    assert isinstance(gone[1](), LoopCodeObject)
    del net
    gc.collect()
    assert [reference() for reference in gone] == [None, None]


def test_a_run_inside_a_run_has_its_own_memory(made):
    outer, inner = Net(), NeuronGroup(1, "dx/dt = 1/ms : 1", method="euler", name="inner")
    inner_network = Network(inner)

    @network_operation(dt=0.5 * ms)
    def run_inner():
        inner_network.run(0.2 * ms)

    outer.network.add(run_inner)
    outer.run()
    outer.run()
    np.testing.assert_allclose(inner.x, 4 * 0.2, rtol=1e-12)


# -- garbage --------------------------------------------------------------------


@pytest.fixture
def collections(monkeypatch) -> list[int]:
    """Grows with each collection of garbage that the device asks for."""
    count: list[int] = []
    collect = gc.collect

    def counted() -> int:
        count.append(1)
        return collect()

    monkeypatch.setattr(garbage.gc, "collect", counted)
    gc.unfreeze()  # what other tests have left would be warned of too
    collect()
    set_device("genn")
    return count


def test_garbage_is_collected_if_there_is_something_new_outside(collections):
    net = Net()
    part = net.group[:1]
    net.run()
    assert not collections
    for _ in range(3):
        net.run()
    assert not collections
    part.x = 1
    another = NeuronGroup(1, "v : 1")
    net.run()
    assert len(collections) == 1
    net.network.add(another)
    net.run()
    net.run()
    assert len(collections) == 1


def test_a_loop_that_makes_networks_gives_back_those_before(collections):
    groups = []
    for _ in range(3):
        net = Net()
        groups.append(weakref.ref(net.group))
        net.run()
        assert sum(reference() is not None for reference in groups) == 1


def test_brian_warns_of_objects_that_nobody_holds(collections):
    net = Net()
    net.run()
    another = NeuronGroup(1, "dv/dt = -v/ms : 1", method="euler", name="forgotten")
    net.run()
    with catch_logs() as logs:
        del another
        net.run()
    assert any("forgotten" in message for _, _, message in logs)


def test_a_loop_of_magic_runs_collects_no_garbage(collections):
    group = NeuronGroup(3, "dv/dt = -v/ms : 1", method="euler")
    run(1 * ms)
    before = len(collections)
    for _ in range(3):
        run(1 * ms)
    assert len(collections) == before
    assert not magic_network.objects
    assert group.t == 4 * ms


def test_objects_that_a_magic_run_no_longer_finds_are_collected(collections):
    group = NeuronGroup(3, "dv/dt = -v/ms : 1", method="euler")
    dropped = NeuronGroup(3, "dv/dt = -v/ms : 1", method="euler", name="dropped")
    elsewhere = Network(NeuronGroup(1, "x : 1"))
    elsewhere.run(1 * ms)
    run(1 * ms)
    reference = weakref.ref(dropped)
    del dropped
    run(1 * ms)
    assert reference() is None
    before = len(collections)
    run(1 * ms)
    assert len(collections) == before
    assert elsewhere.objects
    assert group.t == 3 * ms
