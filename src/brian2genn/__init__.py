"""Brian2GeNN 2: run a Brian 2 script fast, on the CPU it has or on a GPU."""

__version__ = "2.0.0.dev0"
