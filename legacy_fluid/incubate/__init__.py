"""`fluid.incubate`: data generators, and the roles of processes."""
