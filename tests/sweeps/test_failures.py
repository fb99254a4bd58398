"""What is told of runs that have failed."""

from __future__ import annotations

import logging

import pytest
from brian2 import NeuronGroup, ms, mV, run
from brian2.utils.logger import catch_logs

import brian2genn
from tests.sweeps import functions


def cells_with_wrong_units(x):
    cells = NeuronGroup(1, "dv/dt = -v/tau : 1", method="exact", namespace={"tau": x * mV})
    run(1 * ms)
    return cells.v[0]


def too_large(x, at=2):
    if x > at:
        raise ValueError(f"x too large: {x}")
    if x == at:
        return {}
    return {"value": x}


def serial(function, parameters, **options):
    return brian2genn.sweep(function, parameters, executor="serial", **options)


def warned(function, parameters, **options):
    with catch_logs(log_level=logging.WARNING) as logs:
        results = serial(function, parameters, **options)
    return results, [text for _, name, text in logs if name.startswith("brian2.devices.genn")]


def test_how_many_have_failed_is_said_at_the_end(tmp_path):
    _, said = warned(too_large, {"x": [1, 3]}, repeats=2)
    assert said == ["2 of 4 runs failed (ValueError: x too large: 3); see results.failed."]
    _, (several,) = warned(too_large, {"x": [1, 3, 4, 4, 3, 4]})
    assert several.startswith("5 of 6 runs failed (such as ValueError: x too large: 4)")
    assert warned(too_large, {"x": [1, 1]})[1] == []


def test_what_is_said_can_be_written():
    def fails(x):
        raise ValueError("\ud800 is half of a character")

    _, (said,) = warned(fails, {"x": [1]})
    assert said.encode() and "is half of a character" in said


def test_a_result_that_is_not_there_is_told_why():
    results = serial(too_large, {"x": [1, 2, 3]})
    assert results[0]["value"] == 1
    with pytest.raises(KeyError, match=r"Run 0 \(x=1\) has no result 'valu'. Did you mean 'value'"):
        results[0]["valu"]
    with pytest.raises(KeyError, match=r"Run 1 \(x=2\) has no result 'value'"):
        results[1]["value"]
    with pytest.raises(KeyError, match=r"Run 2 \(x=3\).*failed: ValueError: x too large: 3"):
        results[2]["value"]
    assert results[2].get("value") is None
    assert "value" not in results[2]


def test_a_run_that_was_not_run_says_so(tmp_path):
    with pytest.raises(KeyboardInterrupt) as caught:
        serial(functions.misbehave, {"how": ["one", "interrupt", "two"]})
    with pytest.raises(KeyError, match=r"Run 2 \(how=two\) has no results: it was not run"):
        caught.value.results[2]["value"]


@pytest.mark.parametrize("executor", ["serial", None])
def test_errors_of_brian_are_those_that_it_wraps(executor):
    """It says "see above" of another error, which is nowhere to be seen where it is kept."""
    if executor is None:
        pytest.importorskip("joblib", reason="the extra 'sweep' is not installed")
    (failure,) = brian2genn.sweep(cells_with_wrong_units, {"x": [1]}, executor=executor).failed
    first, *others = failure.error.splitlines()
    assert first.startswith(
        "DimensionMismatchError: Expression '-v/tau' does not have the expected"
    )
    assert others[-1].startswith("BrianObjectException: Error encountered with object named")
    assert failure.traceback.index("'-v/tau'") < failure.traceback.index("BrianObjectException")


def test_errors_of_errors_are_told_once():
    def raises(x):
        first, second = ValueError("first"), RuntimeError("second")
        second.__cause__, first.__cause__ = first, second
        raise second

    (failure,) = serial(raises, {"x": [1]}).failed
    assert failure.error == "ValueError: first\nRuntimeError: second"


def test_code_of_scripts_has_the_name_of_its_file_in_workers():
    pytest.importorskip("joblib", reason="the extra 'sweep' is not installed")

    def fails(x):
        def within():
            raise ValueError("here")

        return within()

    (failure,) = brian2genn.sweep(fails, {"x": [1]}).failed
    assert failure.traceback.count(f'File "{__file__}"') == 2
