"""`fluid.incubate.fleet`: who a process is among those that train together."""
