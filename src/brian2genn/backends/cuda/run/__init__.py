"""A program on the device: loaded, given its memory, and executed in the fastest way."""
