"""Code of Brian's objects as this device executes it."""
