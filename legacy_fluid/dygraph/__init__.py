"""`fluid.dygraph`: eager execution."""
