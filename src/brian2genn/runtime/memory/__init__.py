"""Brian's arrays as this device has them, and what becomes of them in copies and pickles."""
