"""Brian's own example scripts, run under Brian's runtime and under the device."""
