"""The arguments of ``set_device``, ``device.build`` and ``device.run``."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import numpy as np
from brian2.utils.logger import get_logger

from ...backends import choice
from ...model.spelling import did_you_mean, listed
from ...preferences import check_threads

logger = get_logger("brian2.devices.genn")

_NO_DIRECTORY = "nothing is written to a build directory"
_WHEN_RUN = "a network is compiled when it is run"
_NO_MAIN = "there is no C++ main program"

#: Arguments of Brian2GeNN 1 and of Brian's other devices, and why they do nothing here.
WITHOUT_MEANING = {
    "directory": _NO_DIRECTORY,
    "compile": _WHEN_RUN,
    "run": "a network runs when run() is called",
    "use_GPU": "backend='cpu' or backend='cuda' chooses",
    "debug": "there is no separate program to debug",
    "with_output": "there is no separate program that prints",
    "direct_call": "there is no separate program to call",
    # of cpp_standalone, also in its first versions
    "clean": _NO_DIRECTORY,
    "results_directory": "results stay in the objects of the script",
    "additional_source_files": "a C++ function names its sources itself",
    "additional_header_files": "a C++ function names its headers itself",
    "main_includes": _NO_MAIN,
    "run_includes": _NO_MAIN,
    "native": "programs are always compiled for this machine's processor",
    # of Brian2CUDA's cuda_standalone
    "disable_asserts": "programs are compiled without asserts",
    # of Brian2GeNN before 1.0
    "project_dir": _NO_DIRECTORY,
    "compile_project": _WHEN_RUN,
    "run_project": "a network runs when run() is called",
}

#: The arguments of ``device.build`` in Brian2GeNN 1, in their order.
_OF_BUILD = ("directory", "compile", "run", "use_GPU", "debug", "with_output", "direct_call")

#: How many arguments ``build`` has in the device that has the most (cuda_standalone).
_MOST_OF_BUILD = 11

#: The arguments of ``device.run`` in cpp_standalone and in Brian2GeNN 1, in their order.
_OF_RUN = ("directory", "results_directory", "with_output", "run_args")
_OF_RUN_IN_1 = ("directory", "use_GPU", "with_output")


def is_truth(value: object) -> bool:
    """Whether `value` is True or False, or one of the numbers that stand for them."""
    return isinstance(value, bool | np.bool_) or (
        isinstance(value, numbers.Integral) and value in (0, 1)
    )


def _check_truth(name: str, value: object) -> None:
    if name == "build_on_run" and isinstance(value, str) and value in choice.NAMES:
        raise ValueError(
            f"build_on_run={value!r} is neither True nor False. Name the backend with"
            f" set_device('genn', backend={value!r})."
        )
    if not is_truth(value):
        raise ValueError(f"{name}={value!r} is neither True nor False. Choose one of them.")


def _check_truth_or_none(name: str, value: object) -> None:
    if value is not None and not is_truth(value):
        raise ValueError(
            f"{name}={value!r} is neither True nor False. Choose one of them, or None for what the"
            " call of run() says."
        )


def _check_name(name: str, value: object) -> None:
    if value is not None and not isinstance(value, str):
        raise ValueError(
            f"{name}={value!r} is not a name. Give the name of one of GeNN's backends, such as"
            " 'single_threaded_cpu' or 'cuda', or None for its first one."
        )


def _check_mapping(name: str, value: object) -> None:
    if value is not None and not (
        isinstance(value, Mapping) and all(isinstance(key, str) for key in value)
    ):
        raise ValueError(
            f"{name}={value!r} is not a dictionary. Give GeNN's preferences by their names, such as"
            " {'debug_code': True}, or None."
        )


def _check_run_args(value: object) -> None:
    if value:
        raise ValueError(
            "run_args cannot be given to set_device, before anything was run: give the values to"
            " device.run(run_args=...) after the run, with build_on_run=False in set_device."
        )


def _check_mpi(name: str, value: object) -> None:
    if value is not None and not is_truth(value):
        raise ValueError(
            f"{name}={value!r} is neither True nor False. Choose one of them, or None: several"
            " processes run a network together where MPI has started several."
        )


#: What ``set_device`` takes and acts upon, and what is right for it.
_CHECKS: dict[str, Callable[[str, Any], None]] = {
    "backend": lambda name, value: choice.check_name(value),
    "build_on_run": _check_truth,
    "deterministic": _check_truth,
    "genn_backend": _check_name,
    "genn_preferences": _check_mapping,
    "mpi": _check_mpi,
    "profile": _check_truth_or_none,
    "threads": lambda name, value: check_threads(value),
}

#: Options of ``set_device`` that only one backend looks at.
_OF_PYGENN = ("genn_backend", "genn_preferences")


def _refuse_unknown(
    call: str, given: Iterable[str], acts: Collection[str], without: Collection[str]
) -> None:
    """Refuse arguments that are neither of those that the call acts upon nor of those without."""
    unknown = [name for name in given if name not in acts and name not in without]
    if not unknown:
        return
    several = "s" if len(unknown) > 1 else ""
    article = "" if several else "an "
    names = ", ".join(f"'{name}'" for name in unknown)
    nearest = "".join(did_you_mean(name, acts) or did_you_mean(name, without) for name in unknown)
    raise TypeError(
        f"{call} got {article}unexpected keyword argument{several} {names}.{nearest}"
        f" It takes {listed(acts)}; without effect also {listed(without)}."
    )


def check_set_device(arguments: Mapping[str, Any], backend: str) -> None:
    """Refuse what ``set_device`` does not take.

    Parameters
    ----------
    arguments : mapping
        All arguments but the name of the device.
    backend : str
        The one that is used where none is asked for.

    Raises
    ------
    TypeError
        For unknown arguments.
    ValueError
        For wrong values of known ones.
    """
    _refuse_unknown('set_device("genn")', arguments, _CHECKS.keys(), {*WITHOUT_MEANING, "run_args"})
    _check_run_args(arguments.get("run_args"))
    for name, value in arguments.items():
        if name in _CHECKS:
            _CHECKS[name](name, value)
    backend = arguments.get("backend") or backend
    for name in _OF_PYGENN:
        if arguments.get(name) and backend != "pygenn":
            logger.warn(
                f"The argument '{name}' has no effect with backend={backend!r}: it is for"
                " backend='pygenn'.",
                f"only_pygenn_{name}",
                once=True,
            )


def of_build(
    positional: tuple[Any, ...], named: Mapping[str, Any], options: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of a call of ``device.build`` by their names.

    Parameters
    ----------
    positional, named
        As given.
    options : mapping
        What ``set_device`` was given: Brian's own scripts hand it on.

    Raises
    ------
    TypeError
        For unknown arguments, or too many.
    """
    if len(positional) > _MOST_OF_BUILD:
        raise TypeError(
            f"device.build() takes at most {_MOST_OF_BUILD} arguments without names, but"
            f" {len(positional)} were given."
        )
    _refuse_unknown("device.build()", named, ("run_args",), {*_CHECKS, *WITHOUT_MEANING})
    for name in named:
        if name in _CHECKS and name not in options:
            logger.info(
                f"The argument '{name}' has no effect in device.build(), which has nothing left to"
                " do: give it to set_device().",
                f"of_set_device_{name}",
                once=True,
            )
    return dict(zip(_OF_BUILD, positional, strict=False)) | dict(named)


def of_run(positional: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call of ``device.run`` by their names.

    Raises
    ------
    TypeError
        For unknown arguments, too many, or one given twice.
    """
    in_1 = len(positional) > 1 and is_truth(positional[1])
    order = _OF_RUN_IN_1 if in_1 else _OF_RUN
    if len(positional) > len(order):
        raise TypeError(
            f"device.run() takes at most {len(order)} arguments without names, but"
            f" {len(positional)} were given."
        )
    without = {*_OF_RUN, *_OF_RUN_IN_1} - {"run_args"}
    _refuse_unknown("device.run()", named, ("run_args",), without)
    given = dict(zip(order, positional, strict=False))
    for name in named:
        if name in given:
            raise TypeError(f"device.run() got multiple values for argument '{name}'")
    return given | dict(named)


def explain_without_meaning(arguments: Iterable[str]) -> None:
    """Say once of every argument without a meaning that it does nothing."""
    for name in arguments:
        if name in WITHOUT_MEANING:
            logger.info(
                f"The argument '{name}' has no effect: {WITHOUT_MEANING[name]}.",
                f"legacy_{name}",
                once=True,
            )
