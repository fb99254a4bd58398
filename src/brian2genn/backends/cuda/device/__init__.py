"""The GPU itself: whether there is one, its driver and its compiler."""
