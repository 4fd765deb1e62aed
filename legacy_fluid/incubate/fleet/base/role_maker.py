"""`fluid.incubate.fleet.base.role_maker`: a process's number, its kind, and the others' addresses."""

from paddle.incubate.distributed.fleet.role_maker import (
    GeneralRoleMaker,
    MPIRoleMaker,  # noqa: F401  not in __all__, and derived from
    MPISymetricRoleMaker,
    PaddleCloudRoleMaker,
    Role,
    RoleMakerBase,
    UserDefinedCollectiveRoleMaker,
    UserDefinedRoleMaker,
)

__all__ = [
    "GeneralRoleMaker",
    "MPISymetricRoleMaker",
    "PaddleCloudRoleMaker",
    "Role",
    "RoleMakerBase",
    "UserDefinedCollectiveRoleMaker",
    "UserDefinedRoleMaker",
]
