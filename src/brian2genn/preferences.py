"""Preferences of the device, under ``prefs.devices.genn``."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterator

from brian2.core.preferences import BrianPreference, PreferenceError, prefs

from .model.spelling import did_you_mean, listed
from .transforms.pipeline import SHOWN

_GENN_1 = "of the GeNN that Brian2GeNN 1.x drove"

#: Preferences of Brian2GeNN 1.x and before, by category: name, a default, what it was for.
_OF_1_X: dict[str, tuple[tuple[str, object, str], ...]] = {
    "devices.genn": (
        ("connectivity", "SPARSE", "how synapses were stored"),
        ("synapse_span_type", "POSTSYNAPTIC", "which neurons' threads delivered events"),
        ("path", None, "where GeNN was installed"),
        ("kernel_timing", False, "timing of GPU kernels (use run(profile=True))"),
        ("extra_compile_args_nvcc", None, "options of the CUDA compiler"),
        ("auto_choose_device", None, "choice of the GPU"),
        ("default_device", None, "choice of the GPU"),
        ("optimise_blocksize", None, "sizes of blocks on the GPU"),
        ("pre_synapse_reset_blocksize", None, "sizes of blocks on the GPU"),
        ("neuron_blocksize", None, "sizes of blocks on the GPU"),
        ("synapse_blocksize", None, "sizes of blocks on the GPU"),
        ("learning_blocksize", None, "sizes of blocks on the GPU"),
        ("synapse_dynamics_blocksize", None, "sizes of blocks on the GPU"),
        ("init_blocksize", None, "sizes of blocks on the GPU"),
        ("init_sparse_blocksize", None, "sizes of blocks on the GPU"),
        # from before 1.5
        ("cuda_path", None, "where CUDA was installed"),
        # from before 1.0
        ("cpu_only", None, "whether GeNN was to run without a GPU (use backend='cpu')"),
        ("unix_compiler_flags", None, "options of the compiler"),
        ("windows_compiler_flags", None, "options of the compiler"),
        ("connectivity_decision", None, "how synapses were stored"),
        ("benchmarking", None, "timing of GPU kernels (use run(profile=True))"),
    ),
    "devices.genn.cuda_backend": (
        ("cuda_path", None, "where CUDA was installed"),
        ("extra_compile_args_nvcc", ["-O3"], "options of the CUDA compiler"),
        ("device_select", "OPTIMAL", "choice of the GPU"),
        ("manual_device", 0, "choice of the GPU"),
        ("blocksize_select_method", "OCCUPANCY", "sizes of blocks on the GPU"),
        ("pre_neuron_reset_blocksize", 32, "sizes of blocks on the GPU"),
        ("pre_synapse_reset_blocksize", 32, "sizes of blocks on the GPU"),
        ("neuron_blocksize", 32, "sizes of blocks on the GPU"),
        ("synapse_blocksize", 32, "sizes of blocks on the GPU"),
        ("learning_blocksize", 32, "sizes of blocks on the GPU"),
        ("synapse_dynamics_blocksize", 32, "sizes of blocks on the GPU"),
        ("init_blocksize", 32, "sizes of blocks on the GPU"),
        ("init_sparse_blocksize", 32, "sizes of blocks on the GPU"),
    ),
}


def _old(category: str) -> dict[str, BrianPreference]:
    return {
        name: BrianPreference(
            # scripts change lists in place
            default=list(default) if isinstance(default, list) else default,
            docs=f"Without effect. In Brian2GeNN 1.x: {purpose}.",
            validator=lambda value: True,
        )
        for name, default, purpose in _OF_1_X[category]
    }


def check_threads(value: object) -> None:
    """Refuse what is no number of threads.

    Parameters
    ----------
    value : object
        None for as many as there are cores.

    Raises
    ------
    ValueError
    """
    is_number = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if value is not None and not (is_number and int(value) > 0):  # type: ignore[call-overload]
        raise ValueError(
            f"{value!r} is no number of threads. Choose 1 or more, or None for as many as there are"
            " cores."
        )


def _is_threads(value: object) -> bool:
    try:
        check_threads(value)
    except ValueError as error:
        raise PreferenceError(f"Preference 'devices.genn.cpu_threads': {error}") from None
    return True


def _is_shown(value: object) -> bool:
    if not isinstance(value, bool) and value not in SHOWN:
        names = ", ".join(map(repr, SHOWN))
        raise PreferenceError(
            f"Preference 'devices.genn.debug': {value!r} is neither True nor False, nor the name of"
            f" a pass. Choose True, False, or one of {names}."
        )
    return True


def _check_truth(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise PreferenceError(
            f"Preference 'devices.genn.{name}': {value!r} is neither True nor False. Choose one"
            " of them."
        )


def _is_truth(value: object) -> bool:
    _check_truth("progress", value)
    return True


#: Told whenever the preference ``inherit`` is set. Brian tells nobody but the validator.
told_to_inherit: list[Callable[[bool], None]] = []


def _is_inheritance(value: object) -> bool:
    _check_truth("inherit", value)
    for tell in told_to_inherit:
        tell(bool(value))
    return True


class _Known(dict[str, BrianPreference]):
    """The preferences of a category; to look for another one is an error that names the nearest.

    However a preference is set (as an attribute, by its name, from a file), Brian looks here.
    """

    def __init__(self, category: str, entries: dict[str, BrianPreference]) -> None:
        super().__init__(entries)
        self._category = category

    def __contains__(self, name: object) -> bool:
        known = super().__contains__(name)
        if not known and f"{self._category}.{name}" not in _OF_1_X:
            raise PreferenceError(self.no_such(name))
        return known

    def no_such(self, name: object) -> str:
        """What is wrong with the name of a preference that does not exist."""
        old = {entry[0] for entry in _OF_1_X[self._category]}
        own = self.keys() - old
        nearest = did_you_mean(name, own) or did_you_mean(name, old)
        there_are = (
            f"There are {listed(own)}; those of Brian2GeNN 1 are accepted, without effect."
            if own
            else f"Without effect, there are {listed(old)}."
        )
        return f"There is no preference '{self._category}.{name}'.{nearest} {there_are}"


def _register(category: str, documentation: str, **own: BrianPreference) -> None:
    entries = _Known(category, own | _old(category))
    for name in prefs.prefs_unvalidated:  # read from a file, before this package was imported
        parent, _, last = name.rpartition(".")
        if parent == category and last not in set(entries):
            raise PreferenceError(entries.no_such(last))
    prefs.register_preferences(category, documentation, **entries)
    prefs.pref_register[category] = entries, documentation


def _is_size(value: object) -> bool:
    return value is None or (type(value) in (int, float) and float(value) >= 0)  # type: ignore[arg-type]


_register(
    "devices.genn",
    "Preferences of the genn device",
    debug=BrianPreference(
        default=False,
        docs=(
            "Print the network model of every run: True as it is compiled, or the name of a pass"
            f" for what that has made ({', '.join(map(repr, SHOWN))})."
        ),
        validator=_is_shown,
    ),
    progress=BrianPreference(
        default=True,
        docs=(
            "Show one line that moves, in a terminal or a notebook, while something takes longer"
            " than two seconds: compiling, making synapses, a run without a report."
        ),
        validator=_is_truth,
    ),
    cpu_threads=BrianPreference(
        default=None,
        docs=(
            "How many threads a network may use on the processor; None for as many as there are"
            " cores, or as OMP_NUM_THREADS allows. Results are the same with any number."
        ),
        validator=_is_threads,
    ),
    inherit=BrianPreference(
        default=True,
        docs=(
            "Whether worker processes (of joblib, multiprocessing, concurrent.futures, Dask) that"
            " this process starts run on the device with its arguments, too, with no line in the"
            " function that they run."
        ),
        validator=_is_inheritance,
    ),
    cache_size=BrianPreference(
        default=10**9,
        docs=(
            "How many bytes of compiled programs may be kept on the disk (10**9 is 1 GB); None for"
            " any number. Above that, those that were not used for the longest time are removed."
            " 'python -m brian2genn cache' shows what is there."
        ),
        validator=_is_size,
    ),
)
_register("devices.genn.cuda_backend", f"CUDA preferences {_GENN_1}; without effect")


def cache_size() -> float | None:
    """How many bytes of compiled programs may be kept; None for any number."""
    size: float | None = prefs["devices.genn.cache_size"]
    return size


def old_preferences_in_use() -> Iterator[tuple[str, str]]:
    """Yield name and former purpose of every 1.x preference that a script has set."""
    for category, entries in _OF_1_X.items():
        for name, default, purpose in entries:
            full = f"{category}.{name}"
            if prefs[full] != default:
                yield full, purpose


def shows_progress() -> bool:
    """Whether the script wants to see how far something has come."""
    return bool(prefs["devices.genn.progress"])
