"""The README's picture shows what it says: one network, the same on every device."""

import json
import sys

import numpy as np
import pytest

from benchmarks import picture
from benchmarks.gpu_report import picture as gpu_picture
from benchmarks.gpu_report.text import best_of
from tests import devices
from tests.faults.processes import run_script
from tests.paths import ROOT


def test_what_is_kept_is_the_same_on_every_device():
    counts = json.loads(picture.SAME.read_text("utf-8"))["counts"]
    assert list(counts) == list(picture.LINES)
    assert counts["genn"] == counts["cpp_standalone"] == counts["cython"]
    readme = (ROOT / "README.md").read_text("utf-8")
    assert f"{sum(counts['genn']):,} spikes in 200 ms" in readme


@pytest.mark.skipif(devices.DEVICE != "genn" or devices.BACKEND != "cpu", reason="of this device")
def test_the_network_gives_what_is_kept():
    """For as long as the first bins: then, rounding of another processor might show."""
    done = run_script(
        "from benchmarks import picture\n"
        "picture.DURATION = 0.02\n"
        "print(picture.run_here('genn'))\n",
        PYTHONPATH=f"{ROOT}:" + ":".join(sys.path),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == json.loads(picture.SAME.read_text("utf-8"))["counts"]["genn"][: len(found)]


def test_connections_are_as_dense_as_the_example_says():
    drawn = picture.drawn_once(400)
    for name, sources in (("e", 320), ("i", 80)):
        assert len(drawn[f"{name}i"]) == pytest.approx(0.02 * sources * 400, rel=0.2)
        assert np.max(drawn[f"{name}i"]) < sources


def test_the_gpu_reports_picture_shows_whole_groups():
    """A network that was measured with one device only was cut by the axis."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    report = json.loads((ROOT / "benchmarks/results/gpu/h200_6ddf7ba.json").read_text("utf-8"))
    jobs = {job["name"]: job for part in report["parts"] for job in part["jobs"]}
    best = best_of(jobs)
    axes = pyplot.Figure().subplots()
    gpu_picture._bars(axes, jobs, best)
    lowest, highest = axes.get_ylim()
    assert lowest >= len(best) and highest <= 0
    assert axes.get_xlim()[0] == 1
    assert len(axes.get_yticklabels()) == len(best)


def test_the_picture_of_time_steps_has_a_line_for_each_that_was_measured():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    axes = pyplot.Figure().subplots()
    sizes = {"cobahh": [(1000, {"GPU": 3.5, "one core": 19.0}), (10_000, {"GPU": 6.0})]}
    gpu_picture._steps(axes, sizes)
    lines = {str(line.get_label()): list(line.get_ydata()) for line in axes.get_lines()}
    assert lines == {
        "cobahh: this package, one core": [19.0],
        "cobahh: this package, GPU": [3.5, 6.0],
    }
