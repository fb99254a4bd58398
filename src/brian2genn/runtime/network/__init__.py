"""The way of one network: from Brian's objects to a program that is bound to memory and runs."""
