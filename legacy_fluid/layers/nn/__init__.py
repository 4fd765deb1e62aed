"""`fluid.layers.nn`, in a module for each family of layers."""

from . import (
    activation,
    control,
    conv,
    dense,
    elementwise,
    image,
    index,
    instag,
    logic,
    manipulation,
    matrix,
    norm,
    pool,
    random,
    reduce,
    roi,
    score,
    sequence,
    slicing,
    sparse,
)
from .activation import *  # noqa: F403
from .control import *  # noqa: F403
from .conv import *  # noqa: F403
from .dense import *  # noqa: F403
from .elementwise import *  # noqa: F403
from .image import *  # noqa: F403
from .index import *  # noqa: F403
from .instag import *  # noqa: F403
from .logic import *  # noqa: F403
from .manipulation import *  # noqa: F403
from .matrix import *  # noqa: F403
from .norm import *  # noqa: F403
from .pool import *  # noqa: F403
from .random import *  # noqa: F403
from .reduce import *  # noqa: F403
from .roi import *  # noqa: F403
from .score import *  # noqa: F403
from .sequence import *  # noqa: F403
from .slicing import *  # noqa: F403
from .sparse import *  # noqa: F403

__all__ = [
    *activation.__all__,
    *control.__all__,
    *conv.__all__,
    *dense.__all__,
    *elementwise.__all__,
    *sparse.__all__,
    *image.__all__,
    *index.__all__,
    *instag.__all__,
    *logic.__all__,
    *manipulation.__all__,
    *matrix.__all__,
    *norm.__all__,
    *pool.__all__,
    *random.__all__,
    *reduce.__all__,
    *roi.__all__,
    *score.__all__,
    *sequence.__all__,
    *slicing.__all__,
]
