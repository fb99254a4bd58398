"""Executes CUDA programs on the processor: for tests, and to count what they do."""
