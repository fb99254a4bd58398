"""What a script of the gallery changes is undone before the next one."""

from __future__ import annotations

from typing import Any

from brian2 import defaultclock, ms, start_scope


def fresh_start(gallery_conf: dict[str, Any], name: str) -> None:
    """Forget what the script before has set; called by the gallery."""
    start_scope()
    defaultclock.dt = 0.1 * ms
