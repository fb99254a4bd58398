"""Every way to create synapses. The synapses, and what they then transmit, are the same."""

import pytest
from brian2 import Network, NeuronGroup, Synapses, ms, run, um

from tests.semantics.harness import Cases, check, observe

cases = Cases()

#: The arguments of `connect`, by what is to be shown.
FORMS = {
    "all_to_all": {},
    "condition": {"condition": "i != j"},
    "condition_on_variables": {"condition": "x_pre > y_post and abs(i - j) < 3"},
    "condition_on_positions": {"condition": "abs(position_pre - position_post) < 25*um"},
    "certain": {"p": 1},
    "never": {"p": 0},
    "certain_with_condition": {"condition": "i < j", "p": "1.0"},
    "false": {"condition": "i > 100"},
    "pair": {"i": 2, "j": 3},
    "one_to_many": {"i": 1, "j": [0, 2, 3]},
    "arrays": {"i": [0, 0, 4, 2, 2], "j": [1, 3, 0, 2, 1]},
    "arrays_repeated": {"i": [3, 0, 3, 0, 3], "j": [1, 2, 1, 2, 0]},
    "copies": {"condition": "i == j", "n": 3},
    "copies_by_number": {"i": [0, 1], "j": [1, 0], "n": 2},
    "copies_by_expression": {"condition": "i >= j", "n": "i - j"},
    "j_from_i": {"j": "(i*2 + 1) % N_post"},
    "j_from_i_skipping": {"j": "i + 2", "skip_if_invalid": True},
    "i_from_j": {"i": "N_pre - 1 - j"},
    "i_from_j_skipping": {"i": "j - 1", "skip_if_invalid": True},
    "range": {"j": "k for k in range(i, N_post)"},
    "range_with_step": {"j": "k for k in range(0, N_post, 2) if k != i"},
    "range_skipping": {"j": "k for k in range(i - 2, i + 3)", "skip_if_invalid": True},
    "range_of_presynaptic": {"i": "k for k in range(0, N_pre, 2)"},
    "expression_of_range": {"j": "i + 3*k for k in range(3)", "skip_if_invalid": True},
    "generator_with_condition": {"j": "k for k in range(N_post) if x_pre < 3 and k % 2 == 0"},
    "sample_of_all": {"j": "k for k in sample(N_post, p=1)"},
    "sample_of_none": {"j": "k for k in sample(N_post, p=0)"},
    "sample_of_fixed_size": {"j": "k for k in sample(N_post, size=N_post)"},
}


@cases.over(form=list(FORMS))
def connect(form):
    pre = NeuronGroup(5, "x : 1\nposition : meter", threshold="t_in_timesteps == i", reset="x += 1")
    post = NeuronGroup(4, "y : 1\nposition : meter\ntotal : 1")
    pre.x, post.y = [4, 1, 3, 0, 2], [2, 0, 3, 1]
    pre.position, post.position = "i*10*um", "i*15*um"
    synapses = Synapses(pre, post, "w : 1", on_pre="total_post += w")
    synapses.connect(**FORMS[form])
    synapses.w = "1 + 10*i + 0.1*j"
    network = Network(pre, post, synapses)
    network.run(0.7 * ms)
    return observe(post=post, synapses=synapses, length=len(synapses), unit=float(um))


@cases
def several_calls():
    """Synapses of one object created in several steps, some of them after a run."""
    pre = NeuronGroup(3, "v : 1", threshold="True")
    post = NeuronGroup(3, "v : 1")
    synapses = Synapses(pre, post, "w : 1", on_pre="v_post += w")
    synapses.connect(i=0, j=[1, 2])
    synapses.w = 1
    synapses.connect(j="i")
    synapses.w["i == j"] = 10
    run(0.3 * ms)
    synapses.connect(condition="i > j")
    synapses.w["i > j"] = "100 + i"
    run(0.2 * ms)
    return observe(post=post, synapses=synapses)


@cases
def with_external_names():
    """Conditions and generators that use names of the caller."""
    reach = 2
    group = NeuronGroup(5, "v : 1", threshold="True")
    first = Synapses(group, group, on_pre="v_post += 1")
    first.connect(condition="abs(i - j) <= reach")
    second = Synapses(group, group, on_pre="v_post += 100", namespace={"step": 3})
    second.connect(j="(i + step*k) % N_post for k in range(reach)")
    run(0.2 * ms)
    return observe(group=group, first=first, second=second)


@cases
def between_subgroups():
    """Indices in conditions and generators count from the start of the subgroup."""
    group = NeuronGroup(10, "v : 1", threshold="t_in_timesteps == i")
    low, high = group[1:5], group[4:9]
    first = Synapses(low, high, on_pre="v_post += 1 + i")
    first.connect(condition="i == j or j == 4")
    second = Synapses(high, low, on_pre="v_post += 100*(1 + i)")
    second.connect(j="k for k in range(i, 4)", skip_if_invalid=True)
    third = Synapses(low, low, on_pre="v_post += 1000")
    third.connect(i=[0, 3], j=[3, 1])
    run(1.2 * ms)
    return observe(group=group, first=first, second=second, third=third)


@cases
def synaptic_values_by_every_index():
    """Weights set by pairs, slices, strings, arrays and subsets, and read back."""
    group = NeuronGroup(4, "v : 1", threshold="True")
    synapses = Synapses(group, group, "w : 1\nn : integer", on_pre="v_post += w")
    synapses.connect()
    synapses.w = 1
    synapses.w[0, :] = 2
    synapses.w[:, 1] = 3
    synapses.w[2, 3] = 4
    synapses.w["i == j"] = "w + 10*i"
    synapses.w[[14, 15]] = [50, 60]
    synapses.n[1:3, 2:] = 7
    synapses.n["w > 10"] = "i + j"
    run(0.2 * ms)
    synapses.w[1, 0] = -1
    run(0.1 * ms)
    return observe(
        group=group,
        synapses=synapses,
        row=synapses.w[0, :],
        some=synapses.w["w > 2 and n == 0"],
        where=synapses.indices[1:3, 2:],
    )


@cases
def numbers_of_synapses():
    """Counts of in- and outgoing synapses used in the effect."""
    pre = NeuronGroup(3, "v : 1", threshold="i < 2")
    post = NeuronGroup(4, "v : 1")
    synapses = Synapses(pre, post, on_pre="v_post += 1.0/N_incoming + 10*N_outgoing")
    synapses.connect(condition="i <= j")
    run(0.2 * ms)
    return observe(
        post=post,
        synapses=synapses,
        incoming=synapses.N_incoming_post[:],
        outgoing=synapses.N_outgoing_pre[:],
    )


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)
