"""Brian's own test suite, run under the device."""
