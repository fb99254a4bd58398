"""Texts are UTF-8, whatever the locale is."""

import ast
import textwrap
from pathlib import Path

import pytest

import brian2genn
from tests.faults.processes import run_script

PACKAGE = Path(brian2genn.__file__).parent

#: In which `read_text` and such would use ASCII.
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

#: How many positional arguments come before the encoding.
_BEFORE = {"read_text": 0, "write_text": 1, "fdopen": 3, "open": 3}


def without_encoding(text: str) -> list[str]:
    """Calls that leave the encoding of a text to the locale."""
    found = []
    for call in ast.walk(ast.parse(text)):
        if not isinstance(call, ast.Call):
            continue
        function, keywords = call.func, {keyword.arg: keyword.value for keyword in call.keywords}
        name = getattr(function, "attr", getattr(function, "id", ""))
        if "encoding" in keywords:
            continue
        is_text = keywords.keys() & {"text", "universal_newlines"}
        if name in _BEFORE:
            before = _BEFORE[name]
            if name == "open" and isinstance(function, ast.Attribute):
                before = 2  # a method of a path, which the call does not name
            place = before - 2 if name in ("open", "fdopen") else None
            modes = [
                keywords.get("mode"),
                *(call.args[place : place + 1] if place is not None else []),
            ]
            is_bytes = any(isinstance(m, ast.Constant) and "b" in str(m.value) for m in modes if m)
            is_text = len(call.args) <= before and not is_bytes
        if is_text:
            found.append(f"{call.lineno}: {ast.unparse(call)}")
    return found


def test_the_search_finds_what_it_should():
    wrong = """
path.read_text()
path.write_text(text)
open(name)
open(name, "w")
path.open("a")
os.fdopen(number, "w")
subprocess.run(command, text=True)
"""
    assert len(without_encoding(wrong)) == 7
    right = """
path.read_text("utf-8")
path.read_text(encoding="utf-8")
path.write_text(text, "utf-8")
open(name, "rb")
open(name, mode="wb")
path.open("rb")
open(name, "w", encoding="utf-8")
subprocess.run(command, text=True, encoding="utf-8")
"""
    assert without_encoding(right) == []


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_every_text_has_an_encoding(path):
    assert without_encoding(path.read_text("utf-8")) == []


def test_functions_in_c_plus_plus_outside_of_ascii(tmp_path):
    """In comments, texts, macros and names of files."""
    folder = tmp_path / "Müller"
    folder.mkdir()
    (folder / "größe.h").write_text("#define THREE 3\n", "utf-8")
    script = r"""
    import os
    from brian2 import *
    import brian2genn
    set_device('genn', backend='cpu')
    folder = [name for name in os.listdir('.') if name.startswith('M')][0]
    folder = os.path.abspath(folder)
    header = os.path.join(folder, [name for name in os.listdir(folder) if name.endswith('.h')][0])
    @implementation('cpp', '''
    // in \u00b5m
    const char *unit = "\u00b5m";
    double tripled(double x) { return THREE*x + (unit[2] == 'm') - ONE; }
    ''', headers=['"' + header + '"'], define_macros=[('ONE', '1 /* \u00e9 */')])
    @check_units(x=1, result=1)
    def tripled(x):
        return 3*x
    group = NeuronGroup(2, 'v : 1')
    group.run_regularly('v = tripled(i)')
    run(0.1*ms)
    assert list(group.v) == [0, 3]
    group.v = 'tripled(i) + 1'
    assert list(group.v) == [1, 4]
    """
    script = f"import os; os.chdir(os.fsdecode({bytes(tmp_path)!r}))\n{textwrap.dedent(script)}"
    cache = str(folder / "cache")
    result = run_script(script, **ASCII, BRIAN2GENN_CACHE_DIR=cache)
    assert result.returncode == 0, result.stderr
    assert list((folder / "cache").glob("network-*.cpp"))


def test_what_compilers_say_outside_of_ascii():
    script = r"""
    from brian2 import *
    import brian2genn
    set_device('genn', backend='cpu')
    @implementation('cpp', 'double wrong(double x) { return "\u00b5" + unheard_of\u00b5; }')
    @check_units(x=1, result=1)
    def wrong(x):
        return x
    group = NeuronGroup(2, 'v : 1')
    group.run_regularly('v = wrong(i)')
    run(0.1*ms)
    """
    result = run_script(script, **ASCII)
    assert result.returncode == 1
    assert "unheard_of" in result.stderr and "UnicodeEncodeError" not in result.stderr
    assert "CompileError" in result.stderr
