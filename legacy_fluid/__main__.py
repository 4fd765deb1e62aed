"""`python -m legacy_fluid SCRIPT [ARGS]`."""

import runpy
import sys

import legacy_fluid

if __name__ == "__main__":
    legacy_fluid.install()
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
