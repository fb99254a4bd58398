"""Variables that are called what attributes of Brian's objects are called."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeMonitor, StateMonitor, Synapses, ms

from tests.semantics.harness import Cases, Result, check, observe

cases = Cases()

#: Attributes of groups, monitors, synapses and code, beside those that Brian needs itself.
NAMES = """
    equations namespace values events method data objects user_code abstract_code explicit
    contained_objects delay queue conditional_write identifiers recorded made_of
    """.split()  # noqa: SIM905


@cases.over(name=NAMES)
def monitors_of_a_variable(name) -> Result:
    """Monitors show the variables that they record as attributes; several runs look at them."""
    group = NeuronGroup(
        4, f"d{name}/dt = (1.5 - {name})/(5*ms) : 1", threshold=f"{name} > 0.9", reset=f"{name} = 0"
    )
    group.variables[name].set_value(0.3 * np.arange(4))
    part = group[1:3]
    states = StateMonitor(part, name, record=True)
    spikes = SpikeMonitor(part, variables=[name])
    synapses = Synapses(part, group, on_pre=f"{name}_post += 0.1")
    synapses.connect()
    network = Network(group, part, states, spikes, synapses)
    network.run(1 * ms)
    network.run(1 * ms)
    network.store()
    network.run(1 * ms)
    network.restore()
    network.run(0.5 * ms)
    # by their variables: what the attributes are is Brian's matter
    arrays = {
        "group": group.variables[name],
        "states": states.variables[name],
        "at_spikes": spikes.variables[name],
    }
    return observe(i=spikes.i[:], t=spikes.t_[:], **{k: v.get_value() for k, v in arrays.items()})


@cases.over(name=["equations", "namespace", "owner", "values"])
def synapses_with_a_variable(name) -> Result:
    group = NeuronGroup(3, "v : 1", threshold="v > 1", reset="v = 0")
    group.v = "i"
    synapses = Synapses(group, group, f"w : 1\n{name}1 : 1", on_pre=f"{name}1 += w; v_post += w")
    synapses.connect()
    synapses.w = 0.5
    states = StateMonitor(synapses, f"{name}1", record=True)
    network = Network(group, synapses, states)
    network.run(0.5 * ms)
    network.run(0.5 * ms)
    return observe(group=group, synapses=synapses, states=states)


@pytest.mark.parametrize("case", cases, ids=str)
def test_names_of_variables(case):
    check(case)
