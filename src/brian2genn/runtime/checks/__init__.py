"""What is looked at before a run, because compiled code does not look."""
