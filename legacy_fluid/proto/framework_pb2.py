"""`fluid.proto.framework_pb2`: ProgramDesc and its parts."""

from paddle.base.proto.framework_pb2 import *  # noqa: F403  all that protobuf generated
