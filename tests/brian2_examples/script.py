"""Run one script of Brian's under one device, and keep what it recorded.

    python -m tests.brian2_examples.script SCRIPT --device runtime --seeds 1 2 --results FOLDER

`run.py` starts it; each seed has a process of its own, forked from one that has imported Brian. The
script runs as ``__main__`` in its own
folder. Its text stays as it is but for the two lines that choose the device, and for its own
choice of a standalone device, which becomes a choice of the device under test.
"""

import argparse
import ast
import json
import os
import random
import resource
import signal
import sys
import traceback
import types
from pathlib import Path

os.environ["MPLBACKEND"] = "Agg"

TWO_LINES = 'import brian2genn\n__import__("brian2").set_device("genn")\n'


def adapt(text: str, device: str) -> str:
    """The script's text, for a device.

    Parameters
    ----------
    text : str
    device : str
        ``'runtime'`` or ``'genn'``.

    Returns
    -------
    str
        With the two lines after the first import of Brian for ``'genn'``, and with every
        ``set_device('cpp_standalone', ...)`` naming the device instead. Where a function chooses
        it, which may run in another process, the import stands there, too.
    """
    tree = ast.parse(text)
    lines = text.encode().splitlines(keepends=True)
    for call in sorted(_choices_of_device(tree), key=lambda c: (c.lineno, c.col_offset)):
        name = call.args[0]
        line = lines[name.lineno - 1]
        new = repr(device).encode()
        lines[name.lineno - 1] = line[: name.col_offset] + new + line[name.end_col_offset :]
    if device == "genn":
        for statement in reversed(_choices_in_functions(tree)):
            indent = b" " * statement.col_offset
            lines.insert(statement.lineno - 1, indent + b"import brian2genn\n")
        lines.insert(_end_of_import(tree), TWO_LINES.encode())
    return b"".join(lines).decode()


def _choices_of_device(tree: ast.Module) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", None)) == "set_device"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and node.args[0].value == "cpp_standalone"
    ]


def _choices_in_functions(tree: ast.Module) -> list[ast.stmt]:
    calls = _choices_of_device(tree)
    found = {
        node.lineno: node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Expr) and node.value in calls
    }
    return [found[line] for line in sorted(found)]


def _end_of_import(tree: ast.Module) -> int:
    """The line after which Brian has been imported."""
    last = 0
    for node in tree.body:
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        else:
            continue
        last = node.end_lineno or node.lineno
        if any(module.split(".")[0] == "brian2" for module in modules):
            break
    return last


def run(path: Path, device: str) -> str | None:
    """Run a script in its folder as ``__main__``.

    Returns
    -------
    str or None
        The error that it ended in.
    """
    main = types.ModuleType("__main__")
    main.__file__ = str(path)
    # functions of the script can be pickled for worker processes
    sys.modules["__main__"] = main
    sys.argv = [str(path)]
    sys.path.insert(0, str(path.parent))
    os.chdir(path.parent)
    text = adapt(path.read_text(encoding="utf-8"), device)
    try:
        exec(compile(text, str(path), "exec"), main.__dict__)
    except SystemExit as end:
        return None if end.code in (None, 0) else f"SystemExit: {end.code}"
    except BaseException as error:
        traceback.print_exc()
        # Brian wraps errors; what it adds holds line numbers, which the two lines change
        while error.__cause__ is not None:
            error = error.__cause__
        return f"{type(error).__name__}: {error}".partition("\n")[0]
    return None


def observed(options: argparse.Namespace, seed: int) -> None:
    """Run the script with one seed and write its results, whatever it ends in."""
    import numpy as np

    from tests.brian2_examples import observe

    # Brian's GSL integrators know no other target of the runtime
    text = options.script.read_text(encoding="utf-8")
    target = "cython" if "gsl" in text else options.target
    if "BRIAN2GENN_TEST_BACKEND" in os.environ:
        from tests import devices

        devices.register()
    observer = observe.install(target, options.device, seed, options.scale, options.jitter)
    random.seed(seed)
    np.random.seed(seed)
    error = run(options.script.resolve(), options.device)
    if error is None:
        elsewhere = "multiprocessing" in text or "joblib" in text
        observer.finish(sys.modules["__main__"].__dict__, elsewhere)
    result = options.results / str(seed)
    np.savez(result.with_suffix(".npz"), **observer.arrays)
    result.with_suffix(".json").write_text(json.dumps(observer.told() | {"error": error}))


def limit_time(seconds: int) -> None:
    """End this process, or the one that it is a worker of, after so much of the processor's time.

    A script would wait forever for a worker that is ended.
    """
    main = os.getpid()

    def end(signum: int, frame: object) -> None:
        if os.getpid() == main:
            signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        os.kill(main, signal.SIGXCPU)
        if os.getpid() != main:
            os._exit(1)

    signal.signal(signal.SIGXCPU, end)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))


def main() -> None:
    """Run the script once for each seed."""
    parser = argparse.ArgumentParser(prog="python -m tests.brian2_examples.script")
    parser.add_argument("script", type=Path)
    parser.add_argument("--device", choices=("runtime", "genn"), required=True)
    parser.add_argument("--target", choices=("numpy", "cython"), default="numpy")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--scale", type=float, default=1.0, help="of the length of every run")
    parser.add_argument("--limit", type=int, help="of one run, in seconds of the processor")
    parser.add_argument("--jitter", action="store_true", help="vary the runtime's rounding")
    parser.add_argument("--results", type=Path, required=True, help="where SEED.npz and .json go")
    options = parser.parse_args()

    import brian2  # noqa: F401  (once for all seeds)
    import matplotlib.pyplot  # noqa: F401

    for seed in options.seeds:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                if options.limit:
                    limit_time(options.limit)
                observed(options, seed)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        status = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
            told = {"error": f"takes more than {options.limit} s", "timeout": True}
            (options.results / f"{seed}.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main()
