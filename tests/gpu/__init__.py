"""Tests that need a real GPU: ``make test-gpu``; docs/gpu.md says what runs."""
