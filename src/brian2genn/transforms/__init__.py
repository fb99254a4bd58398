"""Passes over the model: one pass, one module, one name."""
