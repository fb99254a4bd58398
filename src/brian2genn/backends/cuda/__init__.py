"""NVIDIA GPUs: one CUDA program for a network, compiled by NVRTC."""
