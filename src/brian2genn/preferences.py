"""Preferences of the device, under ``prefs.devices.genn``."""

from __future__ import annotations

from brian2.core.preferences import BrianPreference, prefs

prefs.register_preferences(
    "devices.genn",
    "Preferences of the genn device",
    debug=BrianPreference(
        default=False,
        docs="Print the network model of every run, after it was simplified.",
    ),
)
