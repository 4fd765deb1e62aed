"""`fluid.incubate.fleet.base.mode`."""

__all__ = ["Mode"]


class Mode:
    """How workers meet: through servers of their own (TRANSPILER) or of PSLib, or directly."""

    TRANSPILER = 1
    PSLIB = 2
    COLLECTIVE = 3
