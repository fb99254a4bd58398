"""What is asked of compilers before set-up code, and before networks."""

from types import SimpleNamespace

import pytest

from brian2genn.backends.host import toolchain
from brian2genn.runtime.code import compilers
from brian2genn.runtime.code.compilers import Compilers


@pytest.fixture
def without_support(monkeypatch):
    def fails():
        raise toolchain.CompileError("no support library")

    monkeypatch.setattr(compilers, "support", fails)
    return Compilers(lambda: SimpleNamespace(name="cpu"))


def test_set_up_code_does_not_wait_for_the_support_library(without_support):
    assert without_support.for_setup
    assert not without_support.problem


def test_networks_need_it(without_support):
    assert not without_support.for_networks
    assert "no support library" in without_support.problem
    assert not without_support.for_setup  # all is known from now on
