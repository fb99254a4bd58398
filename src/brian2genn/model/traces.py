"""Synaptic variables that all synapses of a neuron have in common, kept once for each neuron."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .kernel import Kernel


@dataclass(frozen=True)
class TraceEnd:
    """What is kept for the neurons on one side of some synapses.

    There is one element for each run of synapses: for each neuron or, where delays differ, for each
    neuron and delay.

    Attributes
    ----------
    side : str
        ``"pre"`` or ``"post"``.
    queues : tuple of int
        Of the pathways on this side. Their runs are the elements.
    key : str
        The array with the number of each synapse's run.
    since : str or None
        The array with the time of each run's last event, if anything depends on that.
    traces : dict
        From the arrays of the synapses' variables to those that are kept in their place.
    results : tuple of str
        Arrays for what an event's synapses need to know of it.
    constants : dict
        From arrays that the synapses have, and that never change, to those with one value for each
        run: the synapses of a run must have the same.
    size : str or None
        The parameter with the number of runs, where something is done for all of them.
    """

    side: str
    queues: tuple[int, ...]
    key: str
    since: str | None
    traces: dict[str, str]
    results: tuple[str, ...]
    constants: dict[str, str] = field(default_factory=dict)
    size: str | None = None

    def arrays(self) -> Iterator[str]:
        """All arrays with an element for each run."""
        if self.since is not None:
            yield self.since
        yield from self.traces.values()
        yield from self.results
        yield from self.constants.values()


@dataclass
class Traces:
    """What is kept for the neurons of some synapses.

    Attributes
    ----------
    synapses : str
        The label of the synapses.
    ends : tuple of TraceEnd
    stamp : str or None
        The synapses' array with the time up to which their variables have been integrated, if it
        differs among the synapses of a neuron.
    kernel : Kernel
        Gives the synapses' variables the values that they have in Brian.
    queues : tuple of int
        Of all pathways.
    places : dict
        From more arrays to a side and a queue: the keys of that side, in the order in which the
        queue delivers.
    """

    synapses: str
    ends: tuple[TraceEnd, ...]
    stamp: str | None
    kernel: Kernel
    queues: tuple[int, ...]
    places: dict[str, tuple[str, int]]

    def names(self) -> list[str]:
        """What these are called in Brian."""
        return sorted(store.name for store in self.kernel.stores)

    def variables(self) -> list[str]:
        """The arrays of the synapses that are current only once the kernel was executed."""
        return sorted(self.kernel.written_arrays())
