"""Peers' programs that were built beforehand: how they are found, put in place and run."""

import json
import os
import subprocess
import sys
import types

import pytest

from benchmarks.gpu_report import jobs, prebuilt, text
from benchmarks.gpu_report.__main__ import main
from benchmarks.gpu_report.parts import COMPARED, UNCHECKED, Setting, _sanitizer, _versus
from benchmarks.gpu_report.programs import pack, program, unpack
from benchmarks.gpu_report.united import unite

#: What a program of Brian2CUDA reads and writes, without a GPU.
MAIN = """#!/bin/sh
set -e
test "$1" = --results_dir
cat static_arrays/times > /dev/null
printf '0.25 1.0' > "$2last_run_info.txt"
printf '\\007\\000\\000\\000' > "$2_array_spikemonitor_N"
echo "$LD_LIBRARY_PATH" > "$OUTPUT"
"""


@pytest.fixture
def brian2cuda_program(tmp_path):
    """An archive of a program, as `build_brian2cuda` makes it."""
    project = tmp_path / "project"
    (project / "static_arrays").mkdir(parents=True)
    (project / "static_arrays/times").write_bytes(b"1234")
    (project / "main").write_text(MAIN)
    (project / "main").chmod(0o755)
    facts = {"duration": 0.5, "dt": 1e-4, "counts": {"spikes": "_array_spikemonitor_N"}}
    (project / "facts.json").write_text(json.dumps(facts))
    archive = program(tmp_path / "programs", "Brian2CUDA", "cuba")
    pack(project, archive)
    return archive


def test_an_archive_has_what_was_packed_and_nothing_else_is_left(tmp_path):
    (tmp_path / "in/folder").mkdir(parents=True)
    (tmp_path / "in/folder/file").write_text("text")
    archive = program(tmp_path / "out", "GeNN", "cobahh")
    pack(tmp_path / "in", archive)
    assert [file.name for file in archive.parent.iterdir()] == ["genn-cobahh.tar.xz"]
    unpack(archive, tmp_path / "again")
    assert (tmp_path / "again/folder/file").read_text() == "text"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_a_program_of_brian2cuda_runs_anywhere(brian2cuda_program, tmp_path, monkeypatch):
    output = tmp_path / "output"
    monkeypatch.setenv("OUTPUT", str(output))
    monkeypatch.setenv("CUDA_PATH", "/toolkit")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/before")
    monkeypatch.chdir(tmp_path)
    found = prebuilt.run_brian2cuda(brian2cuda_program)
    assert found["spikes"] == {"spikes": 7}
    assert found["loop"] == found["steady"] == 0.25
    assert found["microseconds"] == pytest.approx(50)
    assert found["real_time_factor"] == pytest.approx(0.5)
    assert output.read_text() == "/toolkit/lib64:/before\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_a_program_of_brian2cuda_that_fails_is_an_error(brian2cuda_program, monkeypatch):
    monkeypatch.setenv("OUTPUT", "/no/such/folder/file")
    with pytest.raises(subprocess.CalledProcessError):
        prebuilt.run_brian2cuda(brian2cuda_program)


@pytest.mark.parametrize("compiles", [False, True])
def test_genn_finds_its_program_in_place(compiles, tmp_path, monkeypatch):
    code = tmp_path / "code"
    code.mkdir()
    for name in ("model.sha", "init.cc", "init.d", "init.o", "librunner.so"):
        (code / name).write_text(name)
        os.utime(code / name, (1, 1))  # a copy knows nothing of dates
    archive = program(tmp_path / "programs", "GeNN", "cuba")
    pack(code, archive)
    pygenn = types.SimpleNamespace(GeNNModel=lambda precision, name, **options: name)
    monkeypatch.setitem(sys.modules, "pygenn", pygenn)
    place = tmp_path / "cache/cuba_CODE"
    monkeypatch.setattr(prebuilt, "_code", lambda network: place)
    usual = pygenn.GeNNModel
    with prebuilt.genn_program({"network": "cuba", "archive": str(archive)}) as told:
        assert pygenn.GeNNModel("double", "b2g_0123", backend="cuda") == "cuba"
        # for make, each is newer than what it is made of
        dates = [(place / n).stat().st_mtime for n in ("init.cc", "init.d", "init.o")]
        dates.append((place / "librunner.so").stat().st_mtime)
        assert dates == sorted(dates)
        assert len(set(dates)) == 4
        if compiles:
            (place / "librunner.so").write_text("another")
    assert told == {"compiled anew": compiles}
    assert pygenn.GeNNModel is usual


def test_without_an_archive_nothing_is_changed():
    with prebuilt.genn_program({"network": "cuba"}) as told:
        pass
    assert told == {}


def test_jobs_without_a_program_say_so_and_cost_nothing(tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    program(programs, "GeNN", "cuba").touch()
    lanes = _versus(Setting(tmp_path, tmp_path, range(4), prebuilt=programs))
    lane = [job for lane in lanes for job in lane]
    assert [job.name.split(" ")[0] for job in lane[::3]] == COMPARED
    runs = [job.name for job in lane if not job.without]
    ours = [f"{name} versus: this package" for name in COMPARED]
    assert sorted(runs) == sorted([*ours, "cuba versus: GeNN"])
    told = {job.name: job.without for job in lane}
    assert told["cobahh versus: Brian2CUDA"] == "There is no brian2cuda-cobahh.tar.xz."
    lane = [job for lane in _versus(Setting(tmp_path, tmp_path, range(4))) for job in lane]
    assert all("--prebuilt" in job.without for job in lane if "this package" not in job.name)

    found = []
    jobs.run_lanes(
        [[jobs.Job("it", command=["false"], without="why")]], 9.0, tmp_path, found.append
    )
    assert found == [{"name": "it", "outcome": "not run", "seconds": 0.0, "output": "why"}]


def test_a_report_without_programs_is_no_failure_and_tells_of_no_folder(tmp_path):
    given = ["--parts", "versus", "--only", "cuba versus: GeNN", "--output", str(tmp_path / "out")]
    assert main([*given, "--prebuilt", str(tmp_path / "programs")]) == 0
    found = json.loads((tmp_path / "out/report.json").read_text())
    assert str(tmp_path) not in found["command"]
    assert "--prebuilt FOLDER" in found["command"]
    told = (tmp_path / "out/report.md").read_text()
    assert "cuba versus: GeNN: not run" in told
    assert "There is no genn-cuba.tar.xz." in told


def test_what_was_never_checked_comes_first_each_in_its_own_lane(tmp_path, monkeypatch):
    sanitizer = tmp_path / "bin/compute-sanitizer"
    sanitizer.parent.mkdir()
    sanitizer.touch()
    monkeypatch.setenv("PATH", "")
    lanes = _sanitizer(Setting(tmp_path, tmp_path, range(4), cuda_path=str(tmp_path)))
    names = [job.name for lane in lanes for job in lane]
    assert len(lanes) == len(names) == len(set(names))
    assert names[: len(UNCHECKED)] == [f"{tool}: {name}" for tool, name in UNCHECKED]
    assert all(lane[0].limit >= 90 for lane in lanes)


def test_what_ran_beside_peers_is_in_the_table():
    def ran(first, second, spikes, **more):
        return {
            "loop": first / 1e4, "steady": second / 1e4, "microseconds": second,
            "spikes": {"spikes": spikes}, **more,
        }  # fmt: skip

    results = {
        "cuba versus: this package": ran(8.0, 4.0, 7),
        "cuba versus: GeNN": ran(40.0, 20.0, 8, **{"compiled anew": True}),
        "cuba versus: Brian2CUDA": ran(80.0, 80.0, 9),
    }
    done = [
        {"name": name, "outcome": "done", "seconds": 1.0, "result": result}
        for name, result in results.items()
    ]
    done.append({"name": "cobahh versus: GeNN", "outcome": "not run", "seconds": 0.0})
    told = text.report({
        "began": "today", "commit": "abc", "command": "it",
        "parts": [{"name": "versus", "seconds": 3.0, "jobs": done}],
    })  # fmt: skip
    assert "| CUBA, 4,000 neurons | GeNN | 40 | 20 | 8 | 4 | 5 | 5 | 8 | 7 | yes |" in told
    assert "| CUBA, 4,000 neurons | Brian2CUDA | 80 |  | 8 | 4 | 10 | 20 | 9 | 7 |  |" in told
    assert "| COBAHH, 4,000 neurons | GeNN | not run |" in told


def test_sources_are_joined_without_what_they_keep_to_themselves(tmp_path):
    code = tmp_path / "code_objects"
    code.mkdir()
    sources = {
        "after_run_spikes": ("void _after_run_spikes();", '#include "code_objects/spikes.h"\n'
                             "void _after_run_spikes()\n{ _reset_spikes(); }"),
        "spikes": ("__global__ void _reset_spikes(int*);\nvoid _run_spikes();", "#include <cmath>\n"
                   "#define _rand(x) 1\nnamespace { int helper() { return 1; } }\n"
                   "__global__ void\n_reset_spikes(int* p) {}\nvoid _run_spikes()\n{}"),
        "update": ("void _run_update();", "  #include <cmath>\n#define _rand(x) 2\n"
                   "namespace { int helper() { return 2; } }\nvoid _run_update()\n{}"),
    }  # fmt: skip
    for name, (header, text_) in sources.items():
        (code / f"{name}.h").write_text(header)
        (code / f"{name}.cu").write_text(text_)
    names = " ".join(f"code_objects/{name}.cu" for name in sources)
    (tmp_path / "makefile").write_text(f"PROGRAM = main\n\nSRCS = {names} main.cu objects.cu\n")
    unite(tmp_path)
    assert "SRCS = united_code.cu united_rest.cu\n" in (tmp_path / "makefile").read_text()
    rest = (tmp_path / "united_rest.cu").read_text()
    assert rest == '#include "objects.cu"\n#include "main.cu"\n'
    joined = (tmp_path / "united_code.cu").read_text()
    assert joined.count("#include") == 1  # headers of code objects declare what is defined here
    assert joined.count("#undef _rand") == 2
    # whoever launches another's kernel comes after it
    assert joined.index("using unit_0::_reset_spikes;") < joined.index("_after_run_spikes")
    for function in ("_run_spikes", "_run_update", "_after_run_spikes"):
        assert joined.count(f"void {function}() {{ unit_") == 1


def test_a_makefile_of_another_kind_is_an_error(tmp_path):
    (tmp_path / "makefile").write_text("all: main\n")
    with pytest.raises(ValueError, match="does not tell its sources"):
        unite(tmp_path)
