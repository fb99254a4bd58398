"""The runner of Brian's example scripts: what it changes in them, and what it notices."""

import difflib
import textwrap

import numpy as np
import pytest

from tests.brian2_examples import run, table
from tests.brian2_examples.compare import compare_samples, deviations, statistics, worst
from tests.brian2_examples.run import Script, examine, write
from tests.brian2_examples.script import TWO_LINES, adapt

PLAIN = '"""A script, with an é."""\nimport os\nfrom brian2 import *\n\nrun(1*ms)\n'


def added(before: str, after: str) -> list[str]:
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line for line in lines if line[0] in "+-"]


def test_only_the_two_lines_are_added():
    assert added(PLAIN, adapt(PLAIN, "genn")) == [f"+ {line}" for line in TWO_LINES.splitlines()]
    assert adapt(PLAIN, "genn").index("from brian2") < adapt(PLAIN, "genn").index("brian2genn")
    assert adapt(PLAIN, "runtime") == PLAIN


@pytest.mark.parametrize("device", ["runtime", "genn"])
def test_a_choice_of_a_standalone_device_names_the_device(device):
    text = PLAIN + "é = 1; set_device('cpp_standalone', directory='x')\nset_device('runtime')\n"
    changed = adapt(text, device)
    assert f"é = 1; set_device({device!r}, directory='x')\nset_device('runtime')\n" in changed
    assert "cpp_standalone" not in changed


def test_a_function_that_chooses_a_device_can_run_elsewhere():
    text = PLAIN + "def run_sim():\n    set_device('cpp_standalone')\n    run(1*ms)\n"
    changed = adapt(text, "genn")
    assert "def run_sim():\n    import brian2genn\n    set_device('genn')\n    run" in changed
    assert "import brian2genn" not in adapt(text, "runtime")


@pytest.mark.parametrize(
    ("reference", "value", "apart"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0),
        ([1.0, -4.0], [1.0, -4.4], 0.1),
        ([np.nan, 2.0], [np.nan, 2.0], 0.0),
        ([np.nan, 2.0], [1.0, 2.0], np.inf),
        ([np.inf, 2.0], [-np.inf, 2.0], np.inf),
        ([1.0, 2.0], [1.0], np.inf),
        ([1, 2], [1, 3], np.inf),
        ([0.0], [0.0], 0.0),
    ],
)
def test_deviation(reference, value, apart):
    found = deviations({"x": np.array(reference)}, {"x": np.array(value)})
    assert found["x"] == pytest.approx(apart)


def test_what_only_one_has_is_a_difference():
    assert worst(deviations({"x": np.zeros(2)}, {"y": np.zeros(2)}))[1] == np.inf


def samples(mean: float, seeds: range) -> list[dict[str, float]]:
    """Runs of 40 recorded variables, whose mean depends on the seed too."""
    result = []
    for seed in seeds:
        generator = np.random.default_rng(seed)
        shift = generator.normal(scale=0.02)
        arrays = {f"x{k}": generator.normal(mean + shift, 1, 10_000) for k in range(40)}
        result.append(statistics(arrays))
    return result


def test_samples_of_one_distribution_agree():
    known = compare_samples(samples(10, range(6)), samples(10, range(6, 12)))
    assert known.agree
    assert 0 < known.noticed < 0.1


def test_a_different_mean_is_noticed():
    known = compare_samples(samples(10, range(6)), samples(10.5, range(6, 12)))
    assert not known.agree
    assert known.name.endswith("mean") or known.name.endswith("%")


def test_what_is_constant_on_both_sides_must_be_equal():
    assert not compare_samples([{"x size": 4.0}] * 3, [{"x size": 5.0}] * 3).agree


def test_equal_values_have_no_spread():
    """The mean of many equal numbers is rounded, and so their standard deviation is not 0."""
    values = np.full(1000, 0.3)
    assert values.std() > 0
    assert statistics({"x": values})["x spread"] == 0


def test_events_that_only_one_side_has_are_a_difference():
    silent, loud = (
        [{"n": float(k)} for k in range(3)],
        [{"n": float(k), "t": 1.0} for k in range(3)],
    )
    assert not compare_samples(silent, loud).agree


NETWORK = """
    from brian2 import *
    G = NeuronGroup(20, "dv/dt = (1.5 - v)/(10*ms) + s*xi*ms**-0.5 : 1\\ns : 1 (constant)",
                    threshold="v > 1", reset="v = 0", method="euler")
    G.s = {noise}
    G.v = "i/20.0" if {same} else "i/21.0"
    M = SpikeMonitor(G)
    S = StateMonitor(G, "v", record=[0, 1])
    run(40*ms)
    {end}
"""
ON_GENN = "type(get_device()).__name__ == 'GennDevice'"


def outcome(folder, noise="0", same="True", end="") -> dict:
    path = folder / "example.py"
    text = textwrap.dedent(NETWORK.format(noise=noise, same=same, end=end))
    path.write_text(text.replace("ON_GENN", ON_GENN))
    return examine(Script(path, 300), 3)


def test_a_deterministic_script_agrees_exactly(tmp_path):
    row = outcome(tmp_path)
    assert row["status"] == "agrees"
    assert row["how"].startswith("exactly")
    assert row["objects"]["compiled"] >= 4
    assert row["by_brian"] == []
    page = table.table({"example.py": row | {"commit": "abc"}}, "2.x")
    assert "1 agree" in page
    assert "| example.py | yes | exactly" in page


@pytest.mark.slow
def test_a_script_that_differs_on_the_device(tmp_path):
    row = outcome(tmp_path, same="not ON_GENN")
    assert row["status"] == "differs"


@pytest.mark.slow
def test_a_random_script_agrees_statistically(tmp_path):
    row = outcome(tmp_path, noise="0.1")
    assert row["status"] == "agrees"
    assert row["how"].startswith("statistically")


@pytest.mark.slow
def test_a_script_that_fails_on_the_device(tmp_path):
    row = outcome(tmp_path, end="if ON_GENN: raise ValueError('no')")
    assert (row["status"], row["how"]) == ("fails", "ValueError: no")


@pytest.mark.slow
@pytest.mark.parametrize("where", ["here", "in a worker"])
def test_a_script_that_takes_too_long(tmp_path, where):
    call = "run(1000*second)" if where == "here" else "multiprocessing.Pool(1).map(long, [1])"
    text = f"""
        from brian2 import *
        import multiprocessing
        G = NeuronGroup(1, "v : 1")
        def long(x):
            run(1000*second)
        {call}
    """
    (tmp_path / "example.py").write_text(textwrap.dedent(text))
    found = Script(tmp_path / "example.py", 5).run("runtime", [1, 2], 1.0)
    assert [run["error"] for run in found] == ["takes more than 5 s"] * 2


@pytest.mark.slow
def test_a_script_in_which_brian_s_targets_differ(tmp_path):
    """A neuron that is connected to itself, on both sides of the synapse: an order decides."""
    text = """
        from brian2 import *
        G = NeuronGroup(2, "v : 1\\nw : 1", threshold="True")
        S = Synapses(G, G, on_pre="v_pre += 10; v_post += 1")
        S.connect(j="i")
        M = StateMonitor(G, ["v", "w"], record=True)
        run(0.3*ms)
    """
    (tmp_path / "example.py").write_text(textwrap.dedent(text))
    row = examine(Script(tmp_path / "example.py", 300), 3)
    assert row["status"] == "agrees"
    assert row["how"].endswith("with Brian's Cython code; NumPy's differs")


@pytest.mark.slow
def test_a_script_that_lacks_a_package(tmp_path):
    (tmp_path / "example.py").write_text("from brian2 import *\nimport no_such_package\n")
    row = examine(Script(tmp_path / "example.py", 300), 3)
    assert row["status"] == "not run"
    assert row["how"] == "ModuleNotFoundError: No module named 'no_such_package'"


def test_a_table_keeps_the_rows_of_other_scripts(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "TABLE", tmp_path / "table.md")
    monkeypatch.setattr(run, "ROWS", tmp_path / "table.json")
    row = {"scale": 1.0, "error": None, "runtime": 1.0, "ours": 0.5, "objects": {}, "by_brian": []}
    row |= {"status": "agrees", "how": "exactly", "commit": "0123456789ab"}
    write({"b.py": row | {"status": "differs"}, "c.py": row})
    write({"a.py": row | {"theirs": [1]}, "b.py": row})
    assert list(run.known_rows()) == ["a.py", "b.py", "c.py"]
    assert "theirs" not in run.known_rows()["a.py"]
    assert "Of 3 scripts 3 agree (3 exactly)" in run.TABLE.read_text()
