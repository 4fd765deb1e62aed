"""`fluid.incubate.fleet.parameter_server`: workers whose parameters servers hold; the one worker holds them itself."""
