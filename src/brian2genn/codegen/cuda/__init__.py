"""CUDA text: the dialect of C for GPUs."""
