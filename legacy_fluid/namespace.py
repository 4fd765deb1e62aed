"""What `fluid` names: its modules, and what they offer at the top level; the package itself adds what comes later."""

from . import core  # isort: skip  it imports zlib, then paddle

import paddle

paddle.enable_static()

from . import (
    average,
    backward,
    clip,
    compiler,
    data_feed_desc,
    data_feeder,
    executor,
    framework,
    initializer,
    input,
    io,
    layer_helper,
    layers,
    lod_tensor,
    lowering,
    metrics,
    nets,
    optimizer,
    parallel_executor,
    param_attr,
    profiler,
    reader,
    regularizer,
    unique_name,
)
from .backward import *
from .compiler import *
from .core import (
    CPUPlace,
    CUDAPinnedPlace,
    CUDAPlace,
    LoDTensor,
    LoDTensorArray,
    Scope,
)
from .data_feed_desc import *
from .data_feeder import *
from .executor import *
from .framework import *
from .input import *
from .install import install
from .io import (
    load,
    load_program_state,
    save,
    set_program_state,
)
from .layers.math_op_patch import monkey_patch_variable
from .lod_tensor import *
from .parallel_executor import *
from .param_attr import *

Tensor = LoDTensor
