"""Running a network: the time loop, recordings, and what `explain` prints."""
