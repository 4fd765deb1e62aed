"""`fluid.incubate`: data generators, and `fleet`, by which processes train together."""
