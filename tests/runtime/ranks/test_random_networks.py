"""Random networks have the same results in several processes as in one, bit by bit."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.random_networks.build import function_text
from tests.random_networks.strategies import networks
from tests.runtime.ranks.launch import launch, needs_mpi

pytestmark = needs_mpi

#: Runs networks one after the other; what several processes cannot run together is left out.
SCRIPT = """
import json
from brian2genn.runtime.ranks.running import RefusedOnSeveralRanks
from tests.random_networks.oracle import compiled
from tests.semantics.harness import kind_of
for k, text in enumerate(json.loads(open('../networks.json').read())):
    start_scope()
    try:
        found = compiled(text)()
    except RefusedOnSeveralRanks as error:
        found = dict(refused=np.array(str(error)))
    except Exception as error:
        found = dict(error=np.array(kind_of(error)))
    for name, value in found.items():
        value = np.asarray(value)
        results[f'{k} {name}'] = np.array(repr(value.tolist())) if value.dtype == object else value
"""


def drawn(number, examples):
    """The texts of so many networks, none of which asks for trouble."""
    texts = []

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(networks(0))
    def note(description):
        texts.append(function_text(description))

    note()
    return texts


def outcome(folder, ranks):
    """What every process has found, by the numbers of networks."""
    folder.mkdir()
    done = launch(SCRIPT, folder, ranks, grain=1, seconds=1200)
    assert done.status == 0, done.text
    assert len(done.results) == ranks
    by_rank = []
    for results in done.results:
        networks_found = {}
        for key, value in results.items():
            number, _, name = key.partition(" ")
            networks_found.setdefault(int(number), {})[name] = value
        by_rank.append(networks_found)
    return by_rank


def check(folder, number, examples, ranks):
    """Compare; how many networks were run."""
    texts = drawn(number, examples)
    (folder / "networks.json").write_text(json.dumps(texts))
    (alone,) = outcome(folder / "one", 1)
    wrong, compared = [], 0
    for rank, found in enumerate(outcome(folder / "several", ranks)):
        for k, text in enumerate(texts):
            if "refused" in found[k]:
                continue
            compared += rank == 0
            names = alone[k].keys() | found[k].keys()
            differ = sorted(
                name
                for name in names
                if name not in alone[k]
                or name not in found[k]
                or not np.array_equal(
                    alone[k][name], found[k][name], equal_nan=alone[k][name].dtype.kind == "f"
                )
            )
            if differ:
                wrong.append(f"{', '.join(differ)} of process {rank} in:\n{text}")
    assert not wrong, "\n\n".join(wrong)
    return compared


def test_a_few_networks_have_the_results_of_one_process(tmp_path):
    assert check(tmp_path, number=1, examples=3, ranks=2) > 0


@pytest.mark.slow
@pytest.mark.parametrize(("number", "ranks"), [(2, 2), (3, 3)])
def test_many_networks_have_the_results_of_one_process(tmp_path, number, ranks):
    assert check(tmp_path, number, examples=25, ranks=ranks) > 10
