"""`fluid.incubate.fleet.parameter_server`: workers whose parameters servers hold; the one worker holds them itself."""

from ....coverage import tell_absent

__getattr__ = tell_absent(__name__)
