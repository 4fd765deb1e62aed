"""The data sources: `load` finds a data set and gives it as uint8 images with labels (see pipeline.data.dataset)."""

from pipeline.data.sources import load

__all__ = ["load"]
