"""Quadrilaterals cut out of feature maps and set upright."""

from __future__ import annotations

from ...coverage import refused

__all__ = ["roi_perspective_transform"]


@refused("fluid.layers.roi_perspective_transform")
def roi_perspective_transform(input, rois, transformed_height, transformed_width, spatial_scale=1.0, name=None):
    """Return each quadrilateral of `rois` [K, 8] as an upright rectangle of the size asked for, [K, C, H, W]."""
