"""The processor of this machine: a C compiler and ``ctypes``."""
