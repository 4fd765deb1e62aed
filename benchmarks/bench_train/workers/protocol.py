"""What the workers have in common; all that a rival's worker imports runs on Python 3.8 too, which genuine fluid needs.

A worker is `WORKER.py SPEC`, with SPEC a JSON object:

    model           softmax, mlp or lenet
    preset, epochs  of the pipeline's training, which are all that ours needs to know
    batch_size, learning_rate, l2, seed
    rates           a .npy of the learning rate of each step, null where it stays what it is
    data            an .npz: train_images uint8 [N, 28, 28], train_labels int64 [N], and the same of test
    parameters      an .npz of the initial parameters in the order of fluid's program; ours writes it, the others read it

It sends a line of JSON when it is ready, `{"import_s", "build_s", "version", "threads"}`, and then answers requests, a
line each, until stdin ends: `{"rows": FILE, "test": bool}` asks for a pass over the rows in FILE, int64 [N], with

    seconds         from the first batch of the pass to its last
    costs           [[batch, cost], ...], the costs that it shows
    cost            the average over the pass
    test_accuracy   where it was asked for
    peak_bytes      the process's largest resident size until now
"""

import ctypes
import json
import os
import resource
import signal
import sys
import time

import numpy as np

PR_SET_PDEATHSIG = 1  # linux/prctl.h

EPSILON, BETA_2 = 1e-8, 0.999  # Adam's, in fluid as in its rivals


class Channel:
    """The lines between a worker and whoever started it; what libraries print to stdout goes to stderr."""

    def __init__(self):
        if sys.platform == "linux":  # a worker that is stopped for another's turn would outlive a parent that is killed
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        self.out = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        self.spec = json.loads(sys.argv[1])

    def data(self):
        """Return the arrays of `data` by name."""
        with np.load(self.spec["data"]) as arrays:
            return dict(arrays)

    def requests(self):
        """Yield the requests."""
        for line in sys.stdin:
            yield json.loads(line)

    def send(self, **reply):
        self.out.write(json.dumps(reply) + "\n")
        self.out.flush()

    def answer(self, **lap):
        self.send(peak_bytes=peak_bytes(), **lap)


def race(load, build):
    """Serve a rival: `load()` imports its library, and `build(library, spec, parameters)` returns a rival.

    A rival has `version`, `threads`, `hold(images, labels)`, which is given the training set, float32 [N, 1, 28, 28] in
    [-1, 1] and int64 [N], `step(rows)`, which learns a batch and returns its cost or a promise of it, `cost(promise)`,
    and where tests are asked for `accuracy(images, labels)`.
    """
    channel = Channel()
    begin = time.perf_counter()
    library = load()
    loaded = time.perf_counter()
    with np.load(channel.spec["parameters"]) as arrays:
        parameters = [arrays[name] for name in arrays.files]
    rival = build(library, channel.spec, parameters)
    built = time.perf_counter()
    data = channel.data()
    rival.hold(normalise(data["train_images"]), data["train_labels"])
    channel.send(import_s=loaded - begin, build_s=built - loaded, version=rival.version, threads=rival.threads)

    for request in channel.requests():
        rows, size = np.load(request["rows"]), channel.spec["batch_size"]
        batches = [rows[begin : begin + size] for begin in range(0, len(rows), size)]
        begin = time.perf_counter()
        promises = [rival.step(batch) for batch in batches]
        costs = [rival.cost(promise) for promise in promises]
        lap = {"seconds": time.perf_counter() - begin, "costs": list(enumerate(costs))}
        lap["cost"] = float(np.average(costs, weights=[len(batch) for batch in batches]))
        if request["test"]:
            lap["test_accuracy"] = rival.accuracy(normalise(data["test_images"]), data["test_labels"])
        channel.answer(**lap)


def epsilon(step):
    """Return what makes the Adam of PyTorch and of Paddle 2 fluid's in a step, counted from 1.

    fluid adds epsilon to the square root of a moment that is not corrected for its youth, they to that of one that is.
    """
    return EPSILON / (1 - BETA_2**step) ** 0.5


def normalise(pixels):
    """Return uint8 [N, 28, 28] as float32 [N, 1, 28, 28] in [-1, 1], as paddle.dataset.mnist rounds."""
    return (pixels.astype(np.float32) / np.float32(255) * np.float32(2) - np.float32(1))[:, None]


def peak_bytes():
    """Return the largest resident size that this process has had."""
    try:
        with open(
            "/proc/self/status"
        ) as status:  # Linux, where ru_maxrss also counts the process that started this one
            fields = dict(line.split(":", 1) for line in status)
        return int(fields["VmHWM"].split()[0]) * 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
