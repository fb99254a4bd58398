"""Preferences of Brian's other devices: scripts may set them, and hear that they do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from brian2.core.preferences import BrianPreference, prefs
from brian2.utils.logger import get_logger

logger = get_logger("brian2.devices.genn")

#: Those of Brian2CUDA, of several of its versions, with a default. Brian would refuse to set them
#: where that package is not installed.
_BRIAN2CUDA: dict[str, dict[str, object]] = {
    "devices.cuda_standalone": {
        "SM_multiplier": 1,
        "parallel_blocks": None,
        "launch_bounds": False,
        "syn_launch_bounds": False,
        "calc_occupancy": True,
        "extra_threshold_kernel": True,
        "random_number_generator_type": "CURAND_RNG_PSEUDO_DEFAULT",
        "random_number_generator_ordering": False,
        "push_synapse_bundles": True,
        "threads_per_synapse_bundle": "{max}",
        "bundle_threads_warp_multiple": False,
        "no_pre_references": False,
        "no_post_references": False,
        "default_functions_integral_convertion": None,
        "profile_statemonitor_copy_to_host": None,
        "use_atomics": True,
    },
    "devices.cuda_standalone.cuda_backend": {
        "cuda_path": None,
        "cuda_runtime_version": None,
        "detect_cuda": True,
        "detect_gpus": True,
        "device_query_path": None,
        "gpu_id": None,
        "gpu_heap_size": 128,
        "compute_capability": None,
        "extra_compile_args_nvcc": ["-w", "-use_fast_math"],
    },
}

#: What to write instead, where there is something.
_INSTEAD = {
    "devices.cpp_standalone.openmp_threads": "set_device('genn', threads=...)",
    "devices.cuda_standalone.cuda_backend.gpu_id": "CUDA_VISIBLE_DEVICES in the environment",
}

_CATEGORIES = ("devices.cpp_standalone", *_BRIAN2CUDA)


def accept_preferences() -> None:
    """Let scripts set Brian2CUDA's preferences, where it is not there to do so itself."""
    if find_spec("brian2cuda") is not None:
        return
    for category, entries in _BRIAN2CUDA.items():
        if category not in prefs.pref_register:
            known = {
                name: BrianPreference(
                    default=default, docs="Without effect. Of Brian2CUDA.", validator=_anything
                )
                for name, default in entries.items()
            }
            prefs.register_preferences(category, "Of Brian2CUDA; without effect", **known)


def _anything(value: object) -> bool:
    return True


def explain_foreign_preferences() -> None:
    """Say once of every preference of another device that is set that it does nothing here."""
    for name in _set_ones():
        instead = f" Instead: {_INSTEAD[name]}." if name in _INSTEAD else ""
        logger.info(
            f"The preference '{name}' is of another device, and has no effect on this one."
            f"{instead}",
            f"foreign_{name}",
            once=True,
        )


def _set_ones() -> Iterator[str]:
    for category in _CATEGORIES:
        entries: dict[str, Any] = prefs.pref_register.get(category, ({}, ""))[0]
        for name, preference in entries.items():
            full = f"{category}.{name}"
            if prefs[full] != preference.default:
                yield full
