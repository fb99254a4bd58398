"""A small network that shows whether a device computes what the processor computes."""
