"""One network over several processes of MPI."""
