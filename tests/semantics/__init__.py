"""Scripts run by Brian's runtime and by the device, and everything observable compared."""
