"""From Brian objects to the network model."""
