"""What people are told: explanations, errors, warnings."""
