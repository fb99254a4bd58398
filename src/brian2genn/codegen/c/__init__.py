"""C text for processors, and what the dialects of it share."""
