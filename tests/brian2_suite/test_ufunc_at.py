"""What Brian's `test_ufunc_at_vectorisation`, which is left out, says of results.

That test executes statements whose outcome does not depend on the order of synapses, and compares.
It also counts what the generator of NumPy code has to say, which is silent under the device.
"""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, all_devices, defaultclock, get_device
from brian2.tests.test_synapses import permutation_analysis_good_examples
from brian2.utils.stringtools import deindent, get_identifiers

from tests.semantics.harness import Cases, check, observe

cases = Cases()

#: Ends of names, which say where Brian's examples keep a variable.
KINDS = ("pre", "post", "syn", "shared", "const")


@cases.over(number=range(len(permutation_analysis_good_examples)))
def independent_of_order(number):
    code = deindent(permutation_analysis_good_examples[number])
    names = {kind: [] for kind in KINDS}
    for identifier in sorted(get_identifiers(code)):
        name, _, kind = identifier.rpartition("_")
        if kind in names:
            names[kind].append(name)
    sources = NeuronGroup(3, "\n".join(f"{n} : 1" for n in names["pre"]), threshold="True")
    targets = NeuronGroup(3, "\n".join(f"{n} : 1" for n in names["post"]))
    if get_device() is not all_devices.get("genn"):
        # Brian's NumPy target takes 'w = a' for another name of the same values, and 'a += 1' then
        # changes both; its compiled target does not, and the device neither
        code = code.replace("w_syn = a_syn", "w_syn = 0.5*a_syn + 0.5*a_syn")
    for kind in ("syn", "shared", "const"):
        code = code.replace(f"_{kind}", "")
    synapses = Synapses(
        sources,
        targets,
        "\n".join(
            [f"{n} : 1" for n in names["syn"]] + [f"{n} : 1 (shared)" for n in names["shared"]]
        ),
        on_pre=code,
        namespace=dict.fromkeys(names["const"], 42),
    )
    synapses.connect()
    random = np.random.default_rng(number)
    for group, kind in ((sources, "pre"), (targets, "post"), (synapses, "syn")):
        for name in names[kind]:
            setattr(group, name, random.random(len(group)))
    for name in names["shared"]:
        setattr(synapses, name, 3)
    Network(sources, targets, synapses).run(defaultclock.dt)
    return observe(sources=sources, targets=targets, synapses=synapses)


@pytest.mark.brian_suite
@pytest.mark.parametrize("case", cases, ids=str)
def test_result_is_that_of_numpy(case):
    check(case)
