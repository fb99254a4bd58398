"""Scripts that are repeated by ``device.run``."""
