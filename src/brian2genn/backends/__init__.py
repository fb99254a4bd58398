"""Where a printed program runs."""
