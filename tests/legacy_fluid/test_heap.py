"""A step of training works in the memory of the step before."""

import os
import subprocess
import sys

SCRIPT = """
import resource
import numpy as np
import legacy_fluid as fluid

img = fluid.layers.data("img", [1, 28, 28])
hidden = fluid.nets.simple_img_conv_pool(img, 20, 5, 2, 2, act="relu")
loss = fluid.layers.mean(hidden)
fluid.optimizer.SGD(0.1).minimize(loss)
exe = fluid.Executor(fluid.CPUPlace())
exe.run(fluid.default_startup_program())
feed = {"img": np.ones((64, 1, 28, 28), "float32")}
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for steps in (80, 20):
    before = faults()
    for _ in range(steps):
        exe.run(fluid.default_main_program(), feed, [loss])
print((faults() - before) // steps)
"""


def page_faults_of_a_step(**environment):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env={**os.environ, **environment}, timeout=120, capture_output=True, check=True
    )
    return int(done.stdout)


def test_a_step_asks_the_system_for_no_memory():
    assert page_faults_of_a_step() < 100


def test_who_sets_glibc_s_own_variables_has_the_last_word():
    given_back = {"MALLOC_TRIM_THRESHOLD_": "0", "MALLOC_MMAP_THRESHOLD_": "131072"}
    assert page_faults_of_a_step(**given_back) > 100
