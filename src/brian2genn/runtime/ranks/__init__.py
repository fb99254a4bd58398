"""One network over several processes that MPI has started."""
