"""`fluid.dataloader`: data sets by index, and batches of indices."""

from .batch_sampler import BatchSampler
from .dataset import Dataset

__all__ = ["BatchSampler", "Dataset"]
