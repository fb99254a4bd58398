"""Random networks that must do the same under the device as under Brian's runtime."""
