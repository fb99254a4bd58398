"""Who executes runs: processes of this machine, other people's pools and clusters, this process."""
