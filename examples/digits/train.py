"""Digits in fluid 1.x, as scripts of its time were: `python -m legacy_fluid examples/digits/train.py work/mnist.json.gz`.

Trains a small network, tests it after each pass, saves an inference model, and asks that about an image if one is named.
"""
# ruff: noqa: B905, SIM115, UP031  (as it was written then)

import gzip
import json
import sys

import numpy as np
import paddle
import paddle.fluid as fluid
from PIL import Image

DATA = sys.argv[1]
IMAGE = sys.argv[2] if len(sys.argv) > 2 else None
PASSES = 5
SAVED = "digits.model"


def reader_of(part):
    def reader():
        for pixels, label in zip(*part):
            yield np.reshape(pixels, [1, 28, 28]).astype("float32"), label

    return reader


def network(img):
    conv = fluid.nets.simple_img_conv_pool(
        input=img, filter_size=5, num_filters=8, pool_size=2, pool_stride=2, act="relu"
    )
    hidden = fluid.layers.fc(input=conv, size=64, act="relu")
    return fluid.layers.fc(input=hidden, size=10, act="softmax")


train_set, valid_set, eval_set = json.load(gzip.open(DATA))
train_reader = paddle.batch(paddle.reader.shuffle(reader_of(train_set), buf_size=2000), batch_size=50)
valid_reader = paddle.batch(reader_of(valid_set), batch_size=50)

img = fluid.layers.data(name="img", shape=[1, 28, 28], dtype="float32")
label = fluid.layers.data(name="label", shape=[1], dtype="int64")
prediction = network(img)
cost = fluid.layers.mean(fluid.layers.cross_entropy(input=prediction, label=label))
accuracy = fluid.layers.accuracy(input=prediction, label=label)
test_program = fluid.default_main_program().clone(for_test=True)
fluid.optimizer.Momentum(learning_rate=0.01, momentum=0.9).minimize(cost)

place = fluid.CPUPlace()
exe = fluid.Executor(place)
exe.run(fluid.default_startup_program())
feeder = fluid.DataFeeder(feed_list=[img, label], place=place)

for epoch in range(PASSES):
    for batch in train_reader():
        (loss,) = exe.run(feed=feeder.feed(batch), fetch_list=[cost])
    scores = [exe.run(test_program, feed=feeder.feed(batch), fetch_list=[accuracy])[0] for batch in valid_reader()]
    print("Pass %d, cost %f, accuracy %f" % (epoch, loss, np.mean(scores)))

fluid.io.save_inference_model(SAVED, ["img"], [prediction], exe)

if IMAGE:
    image = Image.open(IMAGE).convert("L").resize((28, 28), Image.ANTIALIAS)
    pixels = np.array(image).reshape(1, 1, 28, 28).astype("float32") / 255 * 2 - 1
    program, feeds, fetches = fluid.io.load_inference_model(SAVED, exe)
    (answer,) = exe.run(program, feed={feeds[0]: pixels}, fetch_list=fetches)
    print("%s is a %d" % (IMAGE, answer[0].argmax()))
