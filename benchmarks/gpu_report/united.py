"""Sources of Brian2CUDA, joined into two files: headers are most of what compiling each takes.

The text of the functions and kernels is not changed. What the sources keep to themselves gets a
namespace; macros end with the source that defines them.
"""

from __future__ import annotations

import re
from pathlib import Path

_SOURCES = re.compile(r"^SRCS = (.*)$", re.MULTILINE)
_LAST = ("code_objects/after_run_", "code_objects/before_run_")
_INCLUDE = re.compile(r"\s*#\s*include")
_MACRO = re.compile(r"\s*#\s*define\s+(\w+)")

#: What is declared in the header of a code object, and called from elsewhere: from the host, or (a
#: kernel) from the code object that goes with it.
_FUNCTION = re.compile(r"^void (\w+)\(\);", re.MULTILINE)
_KERNEL = re.compile(r"^__global__ void (\w+)\(", re.MULTILINE)


def unite(project: Path) -> None:
    """Have the makefile of a project compile two files: all code objects, and everything else."""
    makefile = project / "makefile"
    text = makefile.read_text()
    found = _SOURCES.search(text)
    if found is None:
        raise ValueError(f"{makefile} does not tell its sources as Brian2CUDA 1.0b1 does.")
    sources = found[1].split()
    rest = [name for name in sources if not name.startswith("code_objects/")]
    # what launches another one's kernel comes after it
    code = sorted(set(sources) - set(rest), key=lambda n: (n.startswith(_LAST), n))
    includes: dict[str, None] = {}
    bodies: list[str] = []
    for number, name in enumerate(code):
        lines = (project / name).read_text().splitlines()
        includes |= dict.fromkeys(
            line.strip() for line in lines if _INCLUDE.match(line) and '"code_objects/' not in line
        )
        body = [line for line in lines if not _INCLUDE.match(line)]
        bodies += _body(f"unit_{number}", body, (project / name).with_suffix(".h").read_text())
    (project / "united_code.cu").write_text("\n".join([*includes, *bodies]) + "\n")
    # main.cu last: it has no header of its own
    rest.sort(key=lambda name: name == "main.cu")
    (project / "united_rest.cu").write_text("".join(f'#include "{name}"\n' for name in rest))
    makefile.write_text(_SOURCES.sub("SRCS = united_code.cu united_rest.cu", text))


def _body(unit: str, body: list[str], header: str) -> list[str]:
    """A source without its includes, in a namespace of its own."""
    macros = dict.fromkeys(found[1] for line in body if (found := _MACRO.match(line)))
    joined = "\n".join(body)
    defined = [
        function
        for function in _FUNCTION.findall(header)
        if re.search(rf"^void {function}\(", joined, re.MULTILINE)
    ]
    return [
        f"namespace {unit} {{",
        *body,
        "}",
        *(f"#undef {macro}" for macro in macros),
        *(f"void {function}() {{ {unit}::{function}(); }}" for function in defined),
        *(f"using {unit}::{kernel};" for kernel in _KERNEL.findall(header) if kernel in joined),
    ]
