"""What is made for GeNN, checked against a strict double of its interface: no GeNN is needed."""

import sys

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    Synapses,
    ms,
    network_operation,
    seed,
    set_device,
)

import brian2genn
from brian2genn.backends.cache import tidying
from brian2genn.backends.cache.folder import cache_directory
from brian2genn.backends.pygenn.replay import GennUnavailable
from brian2genn.backends.refusal import RefusedNetwork
from tests import devices
from tests.backends.pygenn import double, networks


@pytest.fixture(autouse=True)
def _another_device_afterwards():
    yield
    brian2genn.genn_device.build_options = {}
    set_device("runtime")


@pytest.fixture
def genn(monkeypatch):
    """The double in the place of pygenn."""
    module = double.module()
    monkeypatch.setitem(sys.modules, "pygenn", module)
    set_device("genn", backend="pygenn")
    yield module
    devices.reset()


@pytest.mark.parametrize("build", networks.ALL, ids=lambda build: build.__name__)
def test_the_interface_takes_it(build, genn):
    build()
    (model, *_) = genn.GeNNModel.made
    assert model.loaded
    assert model.steps > 0


def made(genn):
    return genn.GeNNModel.made[-1].populations


def test_neurons_reset_then_update_then_look_for_spikes(genn):
    group = networks.neurons(name="cells")
    Network(group).run(1 * ms)
    code = made(genn)["cells"].model.codes["sim"]
    reset = code.index("// reset")
    assert reset < code.index("// state update") < code.index("// threshold")
    assert made(genn)["cells"].spike_recording_enabled


def test_fixed_delays_are_axonal(genn):
    group = networks.neurons()
    synapses = networks.connected(group, group, on_pre="ge_post += 0.1", delay=1.5 * ms, name="s")
    Network(group, synapses).run(1 * ms)
    (pathway,) = [p for n, p in made(genn).items() if n.startswith("s_pre")]
    assert pathway.axonal_delay_steps == 15
    assert pathway.post_target_var == "in_ge_s_pre"
    assert "addToPost(0.1)" in pathway.model.codes["pre_spike"]


def test_delays_of_single_synapses_are_dendritic(genn):
    group = networks.neurons()
    synapses = networks.connected(group, group, on_pre="ge_post += 0.1", name="s")
    synapses.delay = np.linspace(0, 2, 300) * ms
    Network(group, synapses).run(1 * ms)
    pathway = made(genn)["s_pre"]
    assert pathway.max_dendritic_delay_timesteps == 21
    assert pathway.axonal_delay_steps == 0
    assert "addToPostDelay(0.1, delay)" in pathway.model.codes["pre_spike"]


def test_no_time_step_is_executed_beside_genn(genn):
    beside = (networks.brian_at_both_ends, networks.synapses_made_during_a_run)
    for build in networks.ALL:
        if build not in beside:
            genn.GeNNModel.made.clear()
            build()
            notes = " ".join(brian2genn.explain().notes)
            assert "and 0 were executed on the processor" in notes, build.__name__


def test_only_what_brian_uses_is_copied(genn):
    """An operation every millisecond that looks at `v`; nobody asks for `far` or `x` in between."""
    group = NeuronGroup(
        30,
        """dv/dt = (far - v)/(10*ms) : 1
        dx/dt = -x/(10*ms) : 1
        far : 1""",
        threshold="v > 1",
        reset="v = 0",
        method="exact",
        name="cells",
    )
    synapses = networks.connected(
        group, group, "dy/dt = -y/ms : 1 (clock-driven)", on_pre="v_post += y", name="s"
    )
    seen = []
    looking = network_operation(dt=1 * ms)(lambda: seen.append(group.v[0]))
    network = Network(group, synapses, looking)
    for _ in range(2):
        network.run(10 * ms)
    populations = made(genn)
    copies = {
        name: (variable.pushed, variable.pulled)
        for population in ("cells", "s")
        for name, variable in populations[population].vars.items()
    }
    assert len(seen) == 20
    # the reset and the effect of the synapses are executed here before Brian looks
    assert copies["v"] == (20, 20)
    # at the beginning and at the end of each run
    assert copies["far"] == (2, 0)
    assert copies["x"] == (2, 2)
    notes = " ".join(brian2genn.explain(network).notes)
    assert "executed 100 time steps of the last run, and 0" in notes
    assert "GeNN stops before time steps in which Brian runs" in notes


def test_what_a_script_has_kept_is_copied_whenever_brian_comes(genn):
    group = networks.neurons(name="cells")
    kept = group.variables["ge"].get_value()
    network = Network(group, network_operation(dt=1 * ms)(lambda: None))
    for _ in range(2):
        network.run(10 * ms)
    assert made(genn)["cells"].vars["ge"].pulled == 20
    assert made(genn)["cells"].vars["lastspike"].pulled == 2
    assert kept is group.variables["ge"].get_value()


def test_numbers_of_the_script_are_dynamic_parameters(genn):
    tau = 10 * ms
    group = NeuronGroup(3, "dv/dt = -v/tau : 1", method="exact", name="cells")
    network = Network(group)
    network.run(1 * ms, namespace={"tau": tau})
    assert made(genn)["cells"].params["tau"] == 0.01
    network.run(1 * ms, namespace={"tau": 2 * tau})
    assert made(genn)["cells"].params["tau"] == 0.02
    assert len(genn.GeNNModel.made) == 1


def refused(build):
    with pytest.raises(RefusedNetwork) as caught:
        build()
    return str(caught.value)


@pytest.mark.parametrize("is_gone", [False, True])
def test_what_was_removed_from_the_cache_is_built_again(genn, is_gone):
    """Between two runs of a long script, by another process that needed room."""
    seed(1)
    group = NeuronGroup(10, "dv/dt = xi*ms**-0.5 : 1", method="euler")
    network = Network(group)
    network.run(1 * ms)
    models = len(genn.GeNNModel.made)
    if is_gone:
        tidying.clear(cache_directory())
    seed(1)
    network.run(1 * ms)
    assert len(genn.GeNNModel.made) == models + is_gone


def test_a_refused_network_does_not_report_that_it_starts(genn, capsys):
    group = NeuronGroup(3, "v : 1\nc : 1 (shared)", name="cells")
    network = Network(group, group.run_regularly("c += 1"))
    refused(lambda: network.run(1 * ms, report="text"))
    assert "Starting simulation" not in capsys.readouterr().out


def test_an_effect_that_needs_an_order_is_refused_before_anything_is_built(genn):
    group = networks.neurons()
    synapses = networks.connected(group, group, on_pre="v_post += 0.1*(2 - v_post)", name="s")
    network = Network(group, synapses)
    message = refused(lambda: network.run(1 * ms))
    assert "'s_pre'" in message
    assert 'backend="cpu"' in message
    assert 'backend="cuda"' in message
    assert not genn.GeNNModel.made
    explanation = brian2genn.explain(network)
    assert explanation.where("s_pre") == "refused"
    assert "one after the other" in str(explanation)


def synaptic_noise(group):
    return networks.connected(group, group, on_pre="v_post += 0.1*rand()")


def delayed_plasticity(group):
    synapses = networks.connected(group, group, "w : 1", on_pre="ge_post += w; w *= 0.9")
    synapses.delay = np.linspace(0, 2, 300) * ms
    return synapses


def delayed_reading(group):
    return networks.connected(group, group, on_pre="ge_post += 0.1*v_pre", delay=1 * ms)


def several_targets_of_what_changes(group):
    return networks.connected(
        group, group, "w : 1", on_pre="ge_post += w; v_post += w; w *= 0.9"
    )  # fmt: skip


def an_effect_of_the_target_on_itself(group):
    return networks.connected(group, group, on_post="v_post += 0.1")


def a_shared_variable(group):
    return group.run_regularly("shared_one += 1", dt=1 * ms)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (synaptic_noise, "random numbers in the code of synapses"),
        (delayed_plasticity, "different delays of single synapses"),
        (delayed_reading, "'v_pre' is read with a delay"),
        (several_targets_of_what_changes, "several variables of a neuron"),
        (an_effect_of_the_target_on_itself, "an effect of postsynaptic spikes"),
        (a_shared_variable, "shared variable"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_genn_cannot_express_is_refused(build, words, genn):
    group = NeuronGroup(
        30, networks.LIF + "shared_one : 1 (shared)", threshold="v > 1", reset="v = 0",
        method="euler",
    )  # fmt: skip
    assert words in refused(lambda: Network(group, build(group)).run(1 * ms))
    assert not genn.GeNNModel.made


def test_without_pygenn_one_error_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygenn", None)
    with pytest.raises(GennUnavailable, match="build pygenn") as caught:
        set_device("genn", backend="pygenn")
    assert "'cpu' and 'cuda' need none of it" in str(caught.value)


def test_a_backend_that_this_genn_lacks(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygenn", double.module())
    with pytest.raises(GennUnavailable, match="has no backend 'cuda'"):
        set_device("genn", backend="pygenn", genn_backend="cuda")


def test_an_old_genn(monkeypatch):
    old = double.module()
    old.__version__ = "5.1.0"
    monkeypatch.setitem(sys.modules, "pygenn", old)
    with pytest.raises(GennUnavailable, match=r"this is 5\.1\.0"):
        set_device("genn", backend="pygenn")


def test_export_needs_no_genn(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pygenn", None)
    set_device("genn", backend="cpu")
    group = networks.neurons(name="cells")
    synapses = Synapses(group, group, "w : 1", on_pre="ge_post += w", delay=1 * ms, name="syn")
    synapses.connect(i=[0, 1, 2], j=[1, 2, 3])
    network = Network(group, synapses)
    script = brian2genn.export_genn(network, tmp_path / "model")
    text = script.read_text()
    compile(text, str(script), "exec")
    assert "axonal_delay_steps = 10" in text
    data = np.load(script.with_name("data.npz"))
    np.testing.assert_array_equal(data["syn_pre.post"], [1, 2, 3])
