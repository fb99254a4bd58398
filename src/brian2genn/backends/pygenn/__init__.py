"""Networks as models for a real GeNN 5, through its Python interface ``pygenn``."""
