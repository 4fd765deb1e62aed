"""`fluid.incubate.fleet`: one program for each of several processes; here it trains as the one worker there is."""
