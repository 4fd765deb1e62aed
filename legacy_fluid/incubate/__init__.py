"""`fluid.incubate`: data generators, and fleet with one process."""
