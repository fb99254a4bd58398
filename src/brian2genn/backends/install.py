"""What to type to install what is missing: lines that work wherever this package came from.

Package indexes hold Brian2GeNN 1 under this package's name, so its own extras must not be advised.
"""

from __future__ import annotations

#: What the extras of ``pyproject.toml`` bring.
_PACKAGES = {
    "cuda12": ("cuda-bindings>=12.9,<13", "nvidia-cuda-nvrtc-cu12>=12.9,<13"),
    "cuda13": ("cuda-bindings>=13.0,<14", "nvidia-cuda-nvrtc>=13.0,<14"),
    "compiler": ("ziglang>=0.13",),
    "mpi": ("mpi4py>=4.0",),
}


def packages(extra: str) -> tuple[str, ...]:
    """What an extra brings, as ``pyproject.toml`` has it."""
    return _PACKAGES[extra]


def line(extra: str, *, upgrade: bool = False) -> str:
    """The command that installs what an extra brings.

    Parameters
    ----------
    extra : {'compiler', 'cuda12', 'cuda13', 'mpi'}
    upgrade : bool, optional
        Whether newer versions of what is there are wanted.
    """
    wanted = " ".join(f"'{package}'" for package in _PACKAGES[extra])
    return f"pip install {'--upgrade ' if upgrade else ''}{wanted}"
