"""`fluid.device_worker`: what each thread of a trainer does."""

from paddle.base.device_worker import (
    DeviceWorker,
    DeviceWorkerFactory,  # noqa: F401  not in __all__, and used by fluid code
    DownpourSGD,
    DownpourSGDOPT,
    Hogwild,
    Section,
)

__all__ = ["DeviceWorker", "DownpourSGD", "DownpourSGDOPT", "Hogwild", "Section"]
