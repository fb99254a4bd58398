"""What is done while a library is waited for."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import brian2 as b2
import pytest

from brian2genn.backends.host.waiting import held, meanwhile
from brian2genn.runtime.code.meanwhile import integrate


def test_work_is_done_once_while_another_thread_holds_a_lock() -> None:
    lock, done = threading.Lock(), []
    lock.acquire()

    def work() -> None:
        done.append(threading.current_thread())
        lock.release()

    with meanwhile(work):
        with held(lock):
            assert done == [threading.main_thread()]
        with held(lock):
            pass
    assert len(done) == 1
    assert not lock.locked()


def test_nothing_is_done_where_nobody_waits() -> None:
    lock, done = threading.Lock(), []
    with meanwhile(lambda: done.append(1)), held(lock):
        assert lock.locked()
    assert not done


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names of the groups whose integrators were called, and failed if they did."""
    from brian2.groups.neurongroup import StateUpdater

    told: list[str] = []
    original = StateUpdater.update_abstract_code

    def update(self: StateUpdater, run_namespace: object) -> None:
        told.append(self.group.name)
        original(self, run_namespace)
        told.append("done")

    monkeypatch.setattr(StateUpdater, "update_abstract_code", update)
    integrate()  # groups of other tests
    told.clear()
    yield told


def test_groups_are_integrated_once_with_the_names_of_the_script(calls: list[str]) -> None:
    tau = 10 * b2.ms
    group = b2.NeuronGroup(1, "dv/dt = -v/tau : 1", method="exact")
    integrate()
    integrate()
    assert calls == [group.name, "done"]
    assert group.state_updater.abstract_code


def test_what_goes_wrong_is_told_by_the_run_only(
    calls: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    group = b2.NeuronGroup(1, "dv/dt = -v/unknown_time : 1", method="exact")
    caplog.clear()
    integrate()
    assert calls == [group.name]
    assert not caplog.records
    with pytest.raises(b2.BrianObjectException):
        b2.Network(group).run(1 * b2.ms)


def test_what_has_changed_until_the_run_counts(calls: list[str]) -> None:
    tau = 10 * b2.ms
    group = b2.NeuronGroup(1, "dv/dt = -v/tau : 1", method="euler")
    group.v = 1
    integrate()
    tau = 1 * b2.ms
    group.state_updater.method_choice = "exact"
    b2.Network(group).run(1 * b2.ms, namespace={"tau": tau})
    assert group.v[0] == pytest.approx(2.718281828459045**-1)


def test_integrators_of_gsl_are_left_alone(calls: list[str]) -> None:
    b2.NeuronGroup(1, "dv/dt = -v/(10*ms) : 1", method="gsl")
    integrate()
    assert not calls


def test_what_is_said_once_is_left_to_the_run(calls: list[str]) -> None:
    b2.BrianLogger._log_messages.clear()
    group = b2.NeuronGroup(3, "dv/dt = 2/ms : 1", method="independent")
    integrate()
    with b2.utils.logger.catch_logs() as logs:
        b2.Network(group).run(0.1 * b2.ms)
    assert any("deprecated" in str(message) for message in logs)
