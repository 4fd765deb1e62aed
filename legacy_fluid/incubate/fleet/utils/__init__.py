"""`fluid.incubate.fleet.utils`: files of a training in Hadoop."""

from ....coverage import tell_absent

__getattr__ = tell_absent(__name__)
