"""Tests of Brian2GeNN 2."""
