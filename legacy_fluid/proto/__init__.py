"""`fluid.proto`: the messages that programs are saved as."""

from . import framework_pb2
