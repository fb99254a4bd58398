"""The report on a GPU: what it keeps when jobs fail, hang or run out of memory."""

import json
import sys
import time

import numpy as np
import pytest

from benchmarks.gpu_report import jobs, text
from benchmarks.gpu_report.__main__ import main, parse
from benchmarks.gpu_report.parts import PARTS, Part, Setting
from benchmarks.gpu_report.stages import BEGIN, Clocks


def python(name: str, script: str, limit: float = 20.0, **options) -> jobs.Job:
    return jobs.Job(name, limit=limit, command=[sys.executable, "-c", script], **options)


def run(lanes, limit, folder):
    found = {}
    jobs.run_lanes(lanes, limit, folder, lambda result: found.setdefault(result["name"], result))
    return found


def test_a_job_that_fails_or_hangs_costs_only_itself(tmp_path):
    hangs = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(60)"
    lanes = [
        [python("fails", "print('why'); 1/0"), python("after", "print('well')", log="after.log")],
        [python("hangs", "print('begun', flush=True); import time; time.sleep(60)", 2.0)],
        [python("killed", hangs, 2.0)],
    ]
    began = time.monotonic()
    found = run(lanes, 30.0, tmp_path)
    assert time.monotonic() - began < 25
    outcomes = {name: result["outcome"] for name, result in found.items()}
    assert outcomes == {
        "fails": "failed", "after": "done", "hangs": "out of time", "killed": "out of time"
    }  # fmt: skip
    assert "why" in found["fails"]["output"]
    assert "ZeroDivisionError" in found["fails"]["output"]
    assert "begun" in found["hangs"]["output"]
    assert (tmp_path / "after.log").read_text() == "well\n"


def test_what_has_no_time_left_is_told(tmp_path):
    lane = [python("long", "import time; time.sleep(60)"), python("late", "print(1)")]
    found = run([lane], 1.5, tmp_path)
    assert found["long"]["outcome"] == "out of time"
    assert found["late"]["outcome"] == "not begun"


def test_what_a_job_leaves_running_is_ended(tmp_path):
    mark = tmp_path / "mark"
    child = f"import time; time.sleep(3); open({str(mark)!r}, 'w')"
    parent = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}])"
    run([[python("parent", parent)]], 20.0, tmp_path)
    time.sleep(4)
    assert not mark.exists()


def test_every_part_has_a_limit_and_jobs_with_names_of_their_own(tmp_path):
    setting = Setting(tmp_path, tmp_path, list(range(16)))
    names = []
    for part in PARTS:
        lanes = part.lanes(setting)
        assert part.limit > 0
        names += [job.name for lane in lanes for job in lane]
        for job in (job for lane in lanes for job in lane):
            json.dumps(job.task)
            assert 0 < job.limit <= 240
    assert len(names) == len(set(names))
    assert {"card", "trial", "tests", "cobahh cold", "microcircuit_full large"} <= set(names)


def test_jobs_that_are_wanted_are_dealt_out_to_so_many_lanes(tmp_path):
    setting = Setting(tmp_path, tmp_path, list(range(16)))
    all_jobs = [[python(f"{k} {kind}", "") for kind in ("a", "b")] for k in range(5)]
    part = Part("name", "title", 10.0, lambda _: all_jobs, width=2)
    lanes = part.chosen(setting, lambda job: job.name.endswith("a") and job.name != "1 a")
    assert [[job.name for job in lane] for lane in lanes] == [["0 a", "3 a"], ["2 a", "4 a"]]
    without_limit = Part("name", "title", 10.0, lambda _: all_jobs)
    assert without_limit.chosen(setting, lambda _: True) == all_jobs
    assert without_limit.chosen(setting, lambda _: False) == []


def test_parts_are_chosen_and_unknown_ones_told(capsys):
    assert parse(["--parts", "card,tests+peers"]).parts == [["card"], ["tests", "peers"]]
    with pytest.raises(SystemExit):
        parse(["--parts", "cards"])
    assert "there is no part 'cards'" in capsys.readouterr().err


def test_without_a_gpu_the_report_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    output = tmp_path / "report"
    status = main(
        ["--parts", "card", "--only", "^card", "--output", str(output), "--seconds", "60"]
    )
    assert status == 1
    found = json.loads((output / "report.json").read_text())
    assert str(tmp_path) not in found["command"]
    (job,) = found["parts"][0]["jobs"]
    assert job["outcome"] == "failed"
    assert "CudaUnavailable" in (output / "report.md").read_text()


def test_clocks_tell_what_each_part_of_a_time_step_takes():
    names = [BEGIN, "threshold", "all came to the meeting", "synapses", "never"]
    begin = (1 << 32) - 500 + 1000 * np.arange(4)  # the clock runs over
    marks = np.zeros((4, 4, 5), np.uint32)
    # the first block has no synapses in the second warp, and comes to the meeting last
    for track, (threshold, met) in enumerate([(300, 320), (250, 321), (100, 310), (90, 311)]):
        marks[:, track, 0] = begin % (1 << 32)
        marks[:, track, 1] = (begin + threshold) % (1 << 32)
        marks[:, track, 2] = (begin + met) % (1 << 32)
        if track != 1:
            marks[:, track, 3] = (begin + met + 400) % (1 << 32)
    clocks = Clocks(marks, names)
    assert clocks.cycles() == 1000
    first = clocks.sections(slice(0, 4, 2))
    assert list(first) == [BEGIN, "threshold", "all came to the meeting", "synapses"]
    assert first["threshold"] == [200, 100, 300, 1.0]
    assert first["synapses"] == [400, 400, 400, 1.0]
    assert first[BEGIN][:3] == [285, 280, 290]
    assert clocks.sections(slice(1, 4, 2))["synapses"][3] == 0.5
    last = clocks.of_the_last("all came to the meeting")
    assert last == {BEGIN: 0, "threshold": 300, "all came to the meeting": 20}


def test_what_was_measured_is_in_the_tables():
    result = {
        "microseconds": 5.0, "real_time_factor": 0.05, "loop": 0.05, "whole": 1.0, "make": 0.5,
        "spikes": {"spikes": 7}, "bytes": 4e5, "way": "graphs of kernels",
        "ways": {"graphs of kernels": 5.0}, "kernels": [], "steady": 0.05,
        "in_program": [0.1, 0.04], "spikes_per_step": [6.0, 7.0],
    }  # fmt: skip
    peer = {"microseconds": 20.0, "whole": 9.0, "spikes": {"spikes": 8}}
    found = {
        "began": "today", "commit": "abc", "command": "it",
        "parts": [{"name": "networks", "seconds": 3.0, "jobs": [
            {"name": "cuba warm", "outcome": "done", "seconds": 1.0, "result": result},
            {"name": "cuba GeNN", "outcome": "done", "seconds": 1.0, "result": peer},
            {"name": "cuba Brian2CUDA", "outcome": "out of time", "seconds": 9.0, "output": "nvcc"},
        ]}],
    }  # fmt: skip
    told = text.report(found)
    assert "1 µs a step are spent beside time steps; spikes a step" in told
    assert "| CUBA, 4,000 neurons | GeNN | 20 | 5 | 4 | 9 | 8 |" in told
    assert "| CUBA, 4,000 neurons | Brian2CUDA | out of time |" in told
    assert "- cuba Brian2CUDA: out of time after 9 s." in told
