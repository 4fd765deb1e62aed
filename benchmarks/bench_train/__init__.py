"""Training speed against the rivals: the same graphs, initial parameters and batches, in turns, each in its own process."""
