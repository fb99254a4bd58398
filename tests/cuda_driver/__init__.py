"""The real host code for GPUs, over a stand-in for NVIDIA's driver that checks what it is asked."""
