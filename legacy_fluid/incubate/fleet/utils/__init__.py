"""`fluid.incubate.fleet.utils`: files of a training in Hadoop."""
