"""Packages that build on Brian and bring their own tests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Package:
    """A package of the index.

    Attributes
    ----------
    name : str
        As pip knows it.
    tests : str
        The package with its tests.
    requirements : tuple of str
        What it needs and does not ask for, or what its tests need.
    alone : bool
        Whether it asks for an older Brian than is supported, though it runs with this one: then
        its own requirements are not looked at.
    deselect : tuple of str
        Tests that fail for reasons of their own, whatever the device (files that are not in the
        package).
    repository : str
        Where its tests are if they are not in the package. Those of the version that is installed
        are taken.
    options : tuple of str
        More arguments of pytest.
    """

    name: str
    tests: str
    requirements: tuple[str, ...] = ()
    alone: bool = False
    deselect: tuple[str, ...] = ()
    repository: str = ""
    options: tuple[str, ...] = ()


PACKAGES = (
    Package("brian2tools", "brian2tools.tests", ("setuptools<80",)),
    Package("brian2hears", "brian2hears.tests", ("setuptools<80",)),
    Package(
        "neurodynex3", "neurodynex3.test", ("setuptools<80", "scipy", "matplotlib"), alone=True
    ),
    Package("brian2modelfitting", "brian2modelfitting.tests", ("setuptools<80",)),
    Package(
        "cleosim", "tests", ("setuptools<80", "seaborn", "elephant"),
        # those of notebooks need a kernel
        deselect=("tests/test_docs.py",),
        repository="https://github.com/siplab-gt/cleo",
        options=("-o", "addopts="),
    ),
    Package(
        "PyNN", "test/system", ("brian2", "scipy", "matplotlib", "Cheetah3", "h5py", "mpi4py"),
        repository="https://github.com/NeuralEnsemble/PyNN",
        options=("-k", "brian2"),
    ),
)  # fmt: skip
