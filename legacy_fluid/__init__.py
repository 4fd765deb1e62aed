"""`paddle.fluid` 1.8 on Paddle 2.6: `import legacy_fluid as fluid`.

Importing it turns static mode on, as fluid had it. `install()` makes `import paddle.fluid` answer with it.
"""

import sys

# `python -m legacy_fluid` finds out in __main__ whether it needs paddle at all, which takes a second to import.
if not (sys.argv[:1] == ["-m"] and sys.orig_argv[-len(sys.argv)] == __name__):
    from .namespace import *
