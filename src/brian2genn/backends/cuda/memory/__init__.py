"""What of a network lies on the device: arrays, queues, recorded rows."""
