"""`fluid.layers.detection`: boxes in images: priors and anchors, their targets and losses, and what is kept of them."""

from . import boxes, focal, perspective, priors, proposals, ssd, suppression, targets, yolo
from .boxes import *
from .focal import *
from .perspective import *
from .priors import *
from .proposals import *
from .ssd import *
from .ssd import detection_map
from .suppression import *
from .targets import *
from .yolo import *

__all__ = [
    *boxes.__all__,
    *focal.__all__,
    *perspective.__all__,
    *priors.__all__,
    *proposals.__all__,
    *ssd.__all__,
    *suppression.__all__,
    *targets.__all__,
    *yolo.__all__,
]
