"""What every backend needs of the processor: a compiler, its library, queues, set-up code."""
