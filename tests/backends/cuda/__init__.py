"""The CUDA backend, without a GPU."""
