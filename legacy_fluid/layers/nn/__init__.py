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
from .activation import *
from .control import *
from .conv import *
from .dense import *
from .elementwise import *
from .image import *
from .index import *
from .instag import *
from .logic import *
from .manipulation import *
from .matrix import *
from .norm import *
from .pool import *
from .random import *
from .reduce import *
from .roi import *
from .score import *
from .sequence import *
from .slicing import *
from .sparse import *

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
