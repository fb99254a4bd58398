"""Compiled programs and what else is kept on the disk, shared with other processes."""
