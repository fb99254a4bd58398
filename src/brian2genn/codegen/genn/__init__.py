"""GeNN code strings."""
