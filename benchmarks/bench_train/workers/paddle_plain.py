"""Paddle as it comes, whichever version runs this: genuine fluid 1.8.5, or the static graphs of Paddle 2.

The loop is the book's: each batch is fed as arrays, and its cost and accuracy are fetched. The images are arrays in
memory already, so what the book's readers and DataFeeder cost is not counted.
"""

import os
import zlib  # noqa: F401  (before paddle, whose own inflate would take its place)

import numpy as np
from protocol import EPSILON, epsilon, race

CORRECTED = {"mlp"}  # in Paddle 2, where it shows: it costs mlp less than can be measured, but softmax 4% of its speed


def load():
    import paddle

    return paddle


class Fluid:
    """The names of paddle.fluid 1.8 that the book's program needs."""

    def __init__(self, paddle):
        import paddle.fluid as fluid

        self.program, self.executor, self.scope = fluid.default_main_program, fluid.Executor, fluid.global_scope
        self.startup, self.place = fluid.default_startup_program, fluid.CPUPlace()
        self.adam = fluid.optimizer.Adam
        self.img = fluid.data("img", [None, 1, 28, 28])
        self.label = fluid.data("label", [None, 1], "int64")
        self.batch_norm, self.mean, self.accuracy = fluid.layers.batch_norm, fluid.layers.mean, fluid.layers.accuracy
        self.cross_entropy = fluid.layers.cross_entropy
        self.layers, self.nets = fluid.layers, fluid.nets

    def fc(self, x, size, act):
        return self.layers.fc(x, size, act=act)

    def conv_pool(self, x, filters):
        return self.nets.simple_img_conv_pool(x, filters, 5, 2, 2, act="relu")


class Static:
    """The same of paddle.static."""

    def __init__(self, paddle):
        paddle.enable_static()
        static = self.static = paddle.static
        self.program, self.executor, self.scope = static.default_main_program, static.Executor, static.global_scope
        self.startup, self.place = static.default_startup_program, paddle.CPUPlace()
        self.adam = paddle.optimizer.Adam
        self.img = static.data("img", [None, 1, 28, 28])
        self.label = static.data("label", [None, 1], "int64")
        self.batch_norm, self.mean, self.accuracy = static.nn.batch_norm, paddle.mean, static.accuracy
        self.functional = paddle.nn.functional

    def cross_entropy(self, prediction, label):
        return self.functional.cross_entropy(prediction, label, use_softmax=False, reduction="none")

    def fc(self, x, size, act):
        return self.static.nn.fc(x, size, activation=act)

    def conv_pool(self, x, filters):
        return self.functional.max_pool2d(self.static.nn.conv2d(x, filters, 5, act="relu"), 2, 2)


def softmax(api, img):
    return api.fc(img, 10, "softmax")


def mlp(api, img):
    return api.fc(api.fc(api.fc(img, 200, "relu"), 200, "relu"), 10, "softmax")


def lenet(api, img):
    return api.fc(api.conv_pool(api.batch_norm(api.conv_pool(img, 20)), 50), 10, "softmax")


GRAPHS = {"softmax": softmax, "mlp": mlp, "lenet": lenet}


class Plain:
    def __init__(self, paddle, spec, parameters):
        self.version, self.threads = paddle.__version__, int(os.environ.get("OMP_NUM_THREADS", "1"))
        api = (Fluid if self.version.startswith("1.") else Static)(paddle)
        prediction = GRAPHS[spec["model"]](api, api.img)
        self.fetch = [api.mean(api.cross_entropy(prediction, api.label)), api.accuracy(prediction, api.label)]
        eps, is_corrected = EPSILON, isinstance(api, Static) and spec["model"] in CORRECTED
        if is_corrected:
            eps = api.static.create_global_var([1], EPSILON, "float32", persistable=True)
        api.adam(spec["learning_rate"], epsilon=eps).minimize(self.fetch[0])
        self.program, self.executor = api.program(), api.executor(api.place)
        self.executor.run(api.startup())
        ours = self.program.all_parameters()
        assert len(ours) == len(parameters)
        for parameter, value in zip(ours, parameters):  # noqa: B905  (strict is of Python 3.10)
            assert tuple(parameter.shape) == value.shape, (parameter.name, parameter.shape, value.shape)
            api.scope().find_var(parameter.name).get_tensor().set(value, api.place)
        self.epsilon = api.scope().find_var(eps.name).get_tensor() if is_corrected else None
        self.place, self.steps = api.place, 0

    def hold(self, images, labels):
        self.images, self.labels = images, labels[:, None]

    def step(self, rows):
        if self.epsilon is not None:
            self.steps += 1
            self.epsilon.set(np.array([epsilon(self.steps)], "float32"), self.place)
        feed = {"img": self.images[rows], "label": self.labels[rows]}
        return self.executor.run(self.program, feed=feed, fetch_list=self.fetch)[0]

    def cost(self, promise):
        return float(promise.reshape(-1)[0])


if __name__ == "__main__":
    race(load, Plain)
