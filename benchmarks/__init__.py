"""The field's networks against every Brian 2 device installed: ``python -m benchmarks.run``."""
