"""What may go wrong around a run: compilers, disks, memory, processes, threads, signals."""
