"""The smallest backend: an interpreter of the model in NumPy, the oracle for passes."""
