"""What a new user meets: messages, `explain`, the command line, examples without matplotlib."""

import io
import pickle
import re
import sys

import pytest
from brian2 import (
    BrianLogger,
    Network,
    NeuronGroup,
    StateMonitor,
    Synapses,
    check_units,
    implementation,
    ms,
    mV,
    network_operation,
    prefs,
    set_device,
)
from brian2.core.base import BrianObjectException

import brian2genn
from brian2genn.backends.host import threads
from brian2genn.backends.host.toolchain import CompileError
from brian2genn.runtime.messages import uncaught
from tests import devices
from tests.faults.processes import run_script
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(
    devices.DEVICE != "genn" or devices.BACKEND != "cpu", reason="tests messages of this device"
)

EXAMPLES = ROOT / "examples"


@pytest.fixture(autouse=True)
def _on_device():
    set_device("genn", backend="cpu")
    prefs.codegen.target = "numpy"


def cells(**names) -> NeuronGroup:
    return NeuronGroup(
        4, "dv/dt = -v/(10*ms) : 1\ng_e : 1", method="exact", threshold="v > 1", reset="v = 0",
        **names,
    )  # fmt: skip


def test_what_compiles_and_how_many_threads_is_told():
    network = Network(cells())
    network.run(0.1 * ms)
    text = repr(brian2genn.explain(network))
    assert re.search(r"^Compiled by \S+ .*\(.+\) -O\d\.$", text, re.MULTILINE)  # no more flags
    assert re.search(r"(One|Up to \d+) threads? \(", text)


@pytest.mark.parametrize(
    "value, most", [("1", 1), ("3", 3), ("2,4", 2), ("", 8), ("many", 8), ("0", 8), ("99", 8)]
)
def test_openmp_bounds_the_default_of_threads(monkeypatch, value, most):
    monkeypatch.setattr(threads, "usable_cores", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert threads.default_threads() == most
    assert ("OMP_NUM_THREADS" in threads.why_so_many(None)) == (most < 8)
    assert threads.why_so_many(5) == "the script allows 5"


def test_objects_with_nothing_to_do_are_one_line():
    group = cells(name="cells")
    network = Network(group)
    network.run(0.1 * ms)
    lines = repr(brian2genn.explain(network)).splitlines()
    assert "Nothing to do in a time step themselves: cells." in lines
    assert not any(line.startswith("cells ") for line in lines)


def test_a_terminal_shows_lines_that_fit(monkeypatch):
    @network_operation(name="operation")
    def operation():
        pass

    network = Network(cells(name="cells"), operation)
    network.run(0.2 * ms)
    explanation = brian2genn.explain(network)
    explanation.notes.append("word " * 40)
    whole = repr(explanation)
    assert max(map(len, whole.splitlines())) > 100  # in a file
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "90")
    fitting = repr(explanation)
    assert max(map(len, fitting.splitlines()[4:])) <= 90
    assert fitting.split()[-40:] == whole.split()[-40:]


def test_a_notebook_shows_a_table():
    group = cells(name="cells")

    @network_operation(name="a_and_b")
    def operation():
        pass

    network = Network(group, operation)
    network.run(0.2 * ms)
    html = brian2genn.explain(network)._repr_html_()
    assert html.partition("</table>")[0].count("<tr") == 1 + 4
    assert "Nothing to do in a time step themselves: cells." in html
    assert "<script" not in html


def test_bars_show_time_and_memory():
    group = cells(name="cells")
    wires = Synapses(group, group, "w : 1", on_pre="v += w", name="wires")
    wires.connect()

    @network_operation(name="operation")
    def operation():
        pass

    network = Network(group, wires, operation)
    network.run(0.2 * ms)
    explanation = brian2genn.explain(network)
    html = explanation._repr_html_()
    assert html.count("background: #3a76af") == 3  # the operation's time; two objects' memory
    assert re.search(r">memory of arrays<.*>wires<.* bytes<.*>cells<", html)
    assert re.search(r">time of the last run<.*>operation<", html)
    (line,) = [line for line in repr(explanation).splitlines() if line.startswith("Arrays take")]
    before = int(re.search(r"wires (\d+) bytes", line)[1])
    assert before >= 16 * (8 + 4 + 4)
    other = Synapses(group, group, "w : 1\nu : 1", on_pre="v += w", name="others")
    other.connect()
    network.add(other)
    network.run(0.1 * ms)
    assert f"others {before + 16 * 8} bytes" in repr(brian2genn.explain(network))


def test_what_is_shown_is_escaped():
    from brian2genn.backends.notes import Item
    from brian2genn.runtime.messages.notebook import as_html

    notes = [Item("<u>"), "", "<b>"]
    html = as_html("a & b", ("<x>",) * 4, [("<i>", "", "Brian", "v < 1")], notes)
    for tag in ("<x>", "<i>", "<u>", "v < 1", "<b><b>"):
        assert tag not in html
    assert "v &lt; 1" in html and "<li>&lt;u&gt;</li>" in html


def test_the_cost_of_a_network_operation_is_told():
    import time

    @network_operation(name="slow_one")
    def slow_one():
        time.sleep(0.002)

    network = Network(cells(), slow_one)
    network.run(1 * ms)
    (told,) = [note for note in brian2genn.explain(network).notes if "slow_one" in note]
    assert "of the last run" in told and "run_regularly" in told
    assert 50 < int(re.search(r"\((\d+) %\)", told)[1]) <= 100


def test_an_error_of_the_compiler_is_said_once_and_its_first_line_first():
    @implementation("cpp", "double wrong(double x) { return nothing_here; }")
    @check_units(x=1, result=1)
    def wrong(x):
        return x

    group = cells(name="cells")
    group.namespace["wrong"] = wrong
    group.run_regularly("v = wrong(v)")
    network = Network(group)
    network.add(*group.contained_objects)
    with pytest.raises(CompileError) as raised:
        network.run(0.1 * ms)
    lines = str(raised.value).splitlines()
    assert "nothing_here" in lines[0]
    assert "'wrong'" in lines[1] and "cells" in lines[1]
    assert str(raised.value).count("The command was:") == 1
    assert raised.value.__suppress_context__
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)


def test_the_nearest_name_is_told():
    group = cells()
    synapses = Synapses(group, group, on_pre="ge_post += 1")
    synapses.connect()
    with pytest.raises(BrianObjectException) as raised:
        Network(group, synapses).run(0.1 * ms)
    assert str(raised.value.__cause__) == "'ge_post'"  # Brian's own, as it was
    assert raised.value.__notes__ == ["There is no 'ge_post' here. Did you mean 'g_e_post'?"]


def shown(error: BaseException, monkeypatch) -> str:
    """What an uncaught error shows."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    handler = BrianLogger.console_handler
    if handler is not None:
        monkeypatch.setattr(handler, "stream", stream)
    monkeypatch.setattr(BrianLogger, "exception_occured", False)
    sys.excepthook(type(error), error, error.__traceback__)
    return stream.getvalue()


def error_of(function) -> BaseException:
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError("no error")


def test_errors_of_ours_are_not_announced_as_brians(monkeypatch):
    ours = error_of(lambda: set_device("genn", thread=2))
    assert uncaught.is_ours(ours)
    text = shown(ours, monkeypatch)
    assert "Did you mean 'threads'?" in text
    assert "report this issue" not in text
    assert prefs["logging.display_brian_error_message"]
    users = error_of(lambda: {}["nothing"])
    assert not uncaught.is_ours(users)


def test_a_monitor_of_a_variable_that_is_not_there(monkeypatch):
    error = error_of(lambda: StateMonitor(cells(name="cells"), "ge", record=True))
    text = shown(error, monkeypatch)
    assert "Did you mean 'g_e'?" in text
    assert "The variables of 'cells' are" in text


SCRIPT = """
from brian2 import *
import brian2genn
set_device("genn", backend="cpu")
group = NeuronGroup(3, "dv/dt = -v/(10*ms) : 1", method="exact", name="cells")
run(0.2*ms)
print(brian2genn.explain())
"""


def test_a_compiler_that_does_not_work_is_told_of():
    result = run_script(SCRIPT, CC="no-such-compiler")
    assert result.returncode == 0, result.stderr
    (line,) = [line for line in result.stderr.splitlines() if "(CC)" in line]
    assert "no-such-compiler" in line and "Instead, " in line


def test_without_a_compiler_the_truth_is_told(tmp_path):
    (tmp_path / "empty").mkdir()
    text = SCRIPT.replace(
        "import brian2genn\n",
        "import importlib.util as u; f = u.find_spec\n"
        "u.find_spec = lambda n, *r: None if n == 'ziglang' else f(n, *r)\n"
        "import brian2genn\n",
    )
    result = run_script(
        text, PATH=str(tmp_path / "empty"), BRIAN2GENN_CACHE_DIR=str(tmp_path / "cache")
    )
    assert result.returncode == 0, result.stderr
    assert "0 objects compiled, 1 run by Brian." in result.stdout
    assert re.search(r"^cells_stateupdater .*Brian +there is no C compiler", result.stdout, re.M)
    assert "pip install" in result.stdout


def test_the_command_line_tells_what_is_there():
    result = run_script(
        "from brian2genn.__main__ import main; raise SystemExit(main(['--check']))",
        OMP_NUM_THREADS="1",
    )
    assert result.returncode == 0, result.stdout + result.stderr
    for title in ("Brian2GeNN", "Brian ", "Python", "C compiler", "threads", "cache", "check"):
        assert re.search(f"^{title}", result.stdout, re.MULTILINE), title
    assert re.search(r"^threads +up to 1 \(", result.stdout, re.MULTILINE)
    assert "gives the same as with Brian" in result.stdout


def test_a_check_that_fails_says_so(monkeypatch, capsys):
    from brian2genn import __main__ as command

    monkeypatch.setattr(command, "compare_with_brian", lambda: ["recorded v: differs."])
    monkeypatch.setattr(command, "describe_machine", lambda version: [])
    assert command.main(["--check"]) == 1
    assert "differs" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name",
    sorted(p.name for p in EXAMPLES.glob("*.py") if p.name not in ("demo.py", "sweep.py")),
)
def test_examples_need_no_matplotlib_for_their_numbers(name):
    """Where pylab is missing, Brian's star import brings no `plot`."""
    text = (EXAMPLES / name).read_text("utf-8")
    first = re.search(r"^(plot|figure|subplot|hist|for \w+ in range\(cells\))", text, re.MULTILINE)
    ask = text.index('if "plot" not in globals():')
    assert first is not None and ask < first.start()
    assert "pip install matplotlib" in text


def test_issue_templates_ask_for_what_the_command_line_tells():
    folder = ROOT / ".github/ISSUE_TEMPLATE"
    texts = [path.read_text("utf-8") for path in folder.glob("*.md")]
    assert texts and all("python -m brian2genn" in text for text in texts)


def test_help_lists_arguments_and_preferences():
    from brian2genn.preferences import _OF_1_X
    from brian2genn.runtime.activation.arguments import _CHECKS

    known = prefs.pref_register["devices.genn"][0]
    own = set(known) - {name for name, *_ in _OF_1_X["devices.genn"]}
    assert [name for name in {*_CHECKS, *own} if f"``{name}``" not in brian2genn.__doc__] == []


def test_reasons_are_a_column_where_there_are_any():
    group = cells(name="cells")
    network = Network(group)
    network.run(0.1 * ms)
    assert not re.search(r"\bwhy\b", repr(brian2genn.explain(network)))
    assert ">why<" not in brian2genn.explain(network)._repr_html_()

    @network_operation
    def homeostasis():
        pass

    network.add(homeostasis)
    network.run(0.1 * ms)
    assert re.search(r"runs +why$", repr(brian2genn.explain(network)), re.MULTILINE)


def test_who_is_python_code_is_named_with_the_page_that_helps():
    @network_operation(name="operation")
    def homeostasis():
        pass

    network = Network(cells(), homeostasis)
    network.run(0.1 * ms)
    explanation = brian2genn.explain(network)
    (reason,) = {p.reason for p in explanation.placements if p.name == "operation"}
    assert "the function 'homeostasis'" in reason
    page = re.search(r"docs/\S+\.md", reason)[0]
    assert "network_operation" in (ROOT / page).read_text("utf-8")


def test_shares_of_time_steps_say_of_what():
    lines = threads.describe_threads(
        [[0]],
        ["cells"],
        2,
        [threads.Effort(times=100, shared=54)],
        threads.Pace(times=2000, times_alone=500),
    )
    assert "several threads in 54 % of the run's time steps" in lines[1]
    assert "one thread alone in 25 % of the run's time steps" in lines[2]


@pytest.mark.parametrize("profile", [False, True])
def test_shares_in_the_picture_are_the_whole_loop(profile):
    pyplot = pytest.importorskip("matplotlib.pyplot")

    @network_operation(name="operation")
    def operation():
        pass

    network = Network(cells(name="cells"), operation)
    network.run(5 * ms, profile=profile)
    axes = brian2genn.explain(network).plot(pyplot.Figure().subplots())
    shares = [bar.get_width() for bar in axes.patches]
    assert sum(shares) == pytest.approx(100)
    assert axes.get_xlim() == (0, 100)
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[-1].endswith("between objects")
    assert names[-1].startswith("compiled objects") == (not profile)
    if profile:
        whole = brian2genn.explain(network).times.loop
        told = dict(zip(names, shares, strict=True))
        for name, seconds in (p for p in network.profiling_info if p[0] in told):
            assert told[name] == pytest.approx(100 * float(seconds) / whole, abs=0.1)


@pytest.mark.parametrize(
    ("equation", "what"),
    [
        ("dv/dt = -v/tau : volt", "DimensionMismatchError: Expression '-v/tau' does not have"),
        ("dv/dt = -quite_unknown*v : volt", 'KeyError: \'The identifier "quite_unknown" could not'),
    ],
)
def test_what_brian_has_wrapped_is_told_at_the_end(equation, what):
    names = {"tau": 3 * mV}
    group = NeuronGroup(1, equation, method="euler", namespace=names)
    with pytest.raises(BrianObjectException, match="See above") as raised:
        Network(group).run(0.1 * ms)
    (note,) = raised.value.__notes__
    assert note.startswith(f"The original error: {what}")
