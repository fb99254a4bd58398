"""Executes CUDA programs on the processor, to test them where there is no GPU."""
