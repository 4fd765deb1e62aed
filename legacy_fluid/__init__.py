"""`paddle.fluid` 1.8 on Paddle 2.6: `import legacy_fluid as fluid`.

Importing it turns static mode on, as fluid had it. `install()` makes `import paddle.fluid` answer with it.
"""

from . import core  # isort: skip  it imports zlib, then paddle

import paddle

paddle.enable_static()

from . import (  # noqa: E402
    backward,
    clip,
    data_feeder,
    executor,
    framework,
    initializer,
    io,
    layer_helper,
    layers,
    lowering,
    nets,
    optimizer,
    param_attr,
    regularizer,
    unique_name,
)
from .backward import *  # noqa: E402, F403
from .core import (  # noqa: E402
    CPUPlace,
    CUDAPinnedPlace,
    CUDAPlace,
    LoDTensor,
    LoDTensorArray,
    Scope,
)
from .data_feeder import *  # noqa: E402, F403
from .executor import *  # noqa: E402, F403
from .framework import *  # noqa: E402, F403
from .input import *  # noqa: E402, F403
from .install import install  # noqa: E402
from .param_attr import *  # noqa: E402, F403

Tensor = LoDTensor
