"""The time loop and what belongs to one run."""
