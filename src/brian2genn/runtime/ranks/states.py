"""``store`` and ``restore`` where synapses are divided: states are those of one process.

So a file that several ranks have stored can be restored by any number of them, and by one process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from brian2.synapses.synapses import Synapses, SynapticPathway

from ...frontend.labels import referent, uncounted
from .synapses import SynapseShare, share_behind, side_of
from .world import RankWorld

#: The entry of a pathway's state with what is in flight: the present place in a ring of time steps,
#: and the numbers of the synapses that spikes arrive at in each.
_IN_FLIGHT = "_spikequeue"


@contextmanager
def storing(world: RankWorld, objects: Iterable[Any]) -> Iterator[None]:
    """Within this, objects have the states that they would have in one process.

    Parameters
    ----------
    world : RankWorld
    objects : iterable of BrianObject
        Of the network.
    """
    objects = list(objects)
    with ExitStack() as stack:
        for share in _shares(objects):
            stack.enter_context(share.whole(write=False))
        for pathway, share in _pathways(objects):
            # now, and not when Brian asks: it asks in the order of a set, another one on each rank
            state: dict[str, Any] = pathway._full_state()
            if state[_IN_FLIGHT] is not None:
                purpose = f"spikes on their way in '{uncounted(pathway)}'"
                state[_IN_FLIGHT] = _of_all(world, share, state[_IN_FLIGHT], purpose)

            def full_state(state: dict[str, Any] = state) -> dict[str, Any]:
                return state

            _replace(stack, pathway, "_full_state", full_state)
        yield


@contextmanager
def restoring(
    world: RankWorld, arrays: MutableMapping[Any, Any], objects: Iterable[Any]
) -> Iterator[None]:
    """Within this, objects are given states of one process; then each rank keeps its part.

    Parameters
    ----------
    world : RankWorld
    arrays : mapping
        From Brian's variables to their arrays.
    objects : iterable of BrianObject
        Of the network.
    """
    objects = list(objects)
    for obj in objects:
        if isinstance(obj, Synapses) and share_behind(obj) is None and not obj._connect_called:
            side = side_of(obj)
            if side is not None:
                SynapseShare(world, arrays, obj, side)
    in_flight: list[tuple[Any, SynapseShare, Any]] = []
    with ExitStack() as stack:
        for share in _shares(objects):
            stack.enter_context(share.whole(write=True))
        for pathway, share in _pathways(objects):
            inner = pathway._restore_from_full_state

            def restore(
                state: dict[str, Any],
                inner: Any = inner,
                share: SynapseShare = share,
                pathway: Any = pathway,
            ) -> None:
                in_flight.append((pathway, share, state[_IN_FLIGHT]))
                inner({**state, _IN_FLIGHT: None})

            _replace(stack, pathway, "_restore_from_full_state", restore)
        yield
    for pathway, share, state in in_flight:
        if state is not None:
            pathway.queue._restore_from_full_state(_of_own(share, state))


def undivide(world: RankWorld, arrays: MutableMapping[Any, Any], synapses: Synapses) -> None:
    """Let every rank have all of some synapses from now on; all ranks do it.

    Parameters
    ----------
    world : RankWorld
    arrays : mapping
        From Brian's variables to their arrays.
    synapses : Synapses
        Divided up to now.
    """
    share = share_behind(synapses)
    assert share is not None
    in_flight = []
    for pathway, _ in _pathways(synapses._pathways):
        state = None if pathway.queue is None else pathway.queue._full_state()
        if state is not None:
            purpose = f"spikes on their way in '{uncounted(pathway)}'"
            in_flight.append((pathway, _of_all(world, share, state, purpose)))
    with share.whole(write=False):
        values = {variable: arrays[variable].data for variable in share.variables()}
    share.forget()
    for variable, value in values.items():
        variable.size = share.total
        arrays[variable].resize(share.total)
        arrays[variable].set(value)
    for pathway, state in in_flight:
        pathway.queue._restore_from_full_state(state)


def _shares(objects: Iterable[Any]) -> list[SynapseShare]:
    found = (share_behind(obj) for obj in objects if isinstance(obj, Synapses))
    return [share for share in found if share is not None]


def _pathways(objects: Iterable[Any]) -> list[tuple[Any, SynapseShare]]:
    return [
        (obj, share)
        for obj in objects
        if isinstance(obj, SynapticPathway) and (share := share_behind(obj)) is not None
    ]


def _replace(stack: ExitStack, pathway: Any, name: str, method: Any) -> None:
    """Give an object a method of its own until the stack is left."""
    attributes = vars(referent(pathway))
    before = attributes.get(name)
    attributes[name] = method
    if before is None:
        stack.callback(attributes.pop, name)
    else:
        stack.callback(attributes.update, {name: before})


def _of_all(
    world: RankWorld, share: SynapseShare, state: Any, purpose: str
) -> tuple[int, list[list[int]]]:
    """What is in flight on all ranks; what arrives at one neuron stays in its order."""
    head, slots = state
    ahead: list[Sequence[int]] = [slots[(head + k) % len(slots)] for k in range(len(slots))]
    lengths = world.gather(purpose, np.array([len(slot) for slot in ahead], dtype=np.int64))
    synapses = share.numbers[np.array([s for slot in ahead for s in slot], dtype=np.int64)]
    gathered = world.gather(purpose, synapses)
    together: list[list[int]] = [[] for _ in range(max(len(each) for each in lengths))]
    for each, numbers in zip(lengths, gathered, strict=True):
        ends = np.cumsum(each)
        for slot, (length, end) in enumerate(zip(each, ends, strict=True)):
            together[slot] += numbers[end - length : end].tolist()
    return 0, together


def _of_own(share: SynapseShare, state: Any) -> tuple[int, list[list[int]]]:
    """Of what is in flight, what arrives at synapses of this rank."""
    head, slots = state
    own = []
    for slot in slots:
        numbers = np.array(list(slot), dtype=np.int64)
        numbers = numbers[np.isin(numbers, share.numbers)]
        own.append(np.searchsorted(share.numbers, numbers).tolist())
    return head, own
