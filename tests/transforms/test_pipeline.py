"""The order of passes, and a look at what each has made."""

import pytest
from brian2 import NeuronGroup, ms, prefs, run, set_device
from brian2.core.preferences import PreferenceError

from brian2genn.backends.trial.network import make_trial
from brian2genn.model.network import describe
from brian2genn.model.verify import verify
from brian2genn.transforms import pipeline
from brian2genn.transforms.pipeline import FOR_A_GPU, FOR_A_PROCESSOR, FOR_GENN, SHOWN, lower, shown

LISTS = {"cpu": FOR_A_PROCESSOR, "gpu": FOR_A_GPU, "genn": FOR_GENN}


@pytest.mark.parametrize("passes", LISTS.values(), ids=LISTS)
def test_passes_leave_a_whole_network(passes):
    network = make_trial().network.copied()
    lower(network, passes)
    verify(network)


def test_passes_are_applied_in_their_order():
    seen = []

    def first(network):
        seen.append("first")

    def second(network):
        seen.append("second")

    lower(make_trial().network, (second, first))
    assert seen == ["second", "first"]


def named(passes):
    return [one.__name__ for one in passes]


@pytest.mark.parametrize("name", SHOWN)
def test_what_a_pass_has_made_is_shown(name, capsys):
    network = make_trial().network.copied()
    expected = make_trial().network.copied()
    passes = FOR_A_GPU
    if name != pipeline.TRANSLATED:
        passes = next(some for some in LISTS.values() if name in named(some))
        lower(expected, passes[: named(passes).index(name) + 1])
    with shown(name, network):
        lower(network, passes)
    assert capsys.readouterr().out == describe(expected) + "\n"
    lower(make_trial().network.copied(), passes)
    assert capsys.readouterr().out == ""


def test_the_passes_of_all_lists_can_be_shown():
    assert set(SHOWN) == {pipeline.TRANSLATED}.union(*map(named, LISTS.values()))


def test_a_network_that_fails_is_shown_all_the_same(capsys):
    network = make_trial().network.copied()
    with pytest.raises(ZeroDivisionError), shown(True, network):
        raise ZeroDivisionError
    assert capsys.readouterr().out == describe(network) + "\n"


def test_the_preference_names_a_pass(device, capsys):
    set_device(device)
    prefs.devices.genn.debug = "specialise"
    _group = NeuronGroup(1, "dv/dt = v/ms : 1", method="euler", name="group")
    run(0.1 * ms)
    assert capsys.readouterr().out.count("Update group") == 1
    with pytest.raises(PreferenceError, match="'simplify'"):
        prefs.devices.genn.debug = "simplfy"
