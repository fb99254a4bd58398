"""The network model as C text."""
