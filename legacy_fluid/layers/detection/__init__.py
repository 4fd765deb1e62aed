"""`fluid.layers.detection`: boxes in images: priors and anchors, their targets and losses, and what is kept of them."""

from . import boxes, focal, perspective, priors, proposals, ssd, suppression, targets, yolo
from .boxes import *  # noqa: F403
from .focal import *  # noqa: F403
from .perspective import *  # noqa: F403
from .priors import *  # noqa: F403
from .proposals import *  # noqa: F403
from .ssd import *  # noqa: F403
from .ssd import detection_map  # noqa: F401  used by fluid.metrics, though not in fluid's __all__
from .suppression import *  # noqa: F403
from .targets import *  # noqa: F403
from .yolo import *  # noqa: F403

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
