"""`paddle.fluid` 1.8 on Paddle 2.6: `import legacy_fluid as fluid`.

Importing it turns static mode on, as fluid had it. `install()` makes `import paddle.fluid` answer with it.
"""

import sys

if sys.argv[:1] == ["-m"] and sys.orig_argv[-len(sys.argv)] == __name__:
    pass  # `python -m legacy_fluid`: __main__ knows whether it takes paddle at all
else:
    from . import core  # isort: skip  it imports zlib, then paddle

    import paddle

    paddle.enable_static()

    from . import (
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
    from .backward import *
    from .core import (
        CPUPlace,
        CUDAPinnedPlace,
        CUDAPlace,
        LoDTensor,
        LoDTensorArray,
        Scope,
    )
    from .data_feeder import *
    from .executor import *
    from .framework import *
    from .input import *
    from .install import install
    from .param_attr import *

    Tensor = LoDTensor
