"""From ``set_device`` to a device with a backend."""
