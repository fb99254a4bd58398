"""The network model: plain data, no Brian, checked by :func:`verify`."""
