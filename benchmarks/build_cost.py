"""What legacy_fluid costs before anything runs: building programs, against genuine fluid 1.8.5, and being imported.

    python benchmarks/build_cost.py --genuine PYTHON38 [--program NAME] [--rounds 5] [--json FILE]

PYTHON38 is an interpreter that has paddlepaddle 1.8.5. Rounds alternate between the two, each in a process of its own
that builds the program once to warm up and then three times; times are of the processor, so that other work on the
machine counts little. What is compared is the median over all.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

BUILDS = 3


# --- the programs, as both fluids take them; this file runs on Python 3.8 too ---


def resnet50(fluid):
    """ResNet-50 on ImageNet, trained with Momentum."""
    layers = fluid.layers

    def conv_bn(x, filters, size, stride=1, act=None):
        x = layers.conv2d(x, filters, size, stride=stride, padding=(size - 1) // 2, bias_attr=False)
        return layers.batch_norm(x, act=act)

    def bottleneck(x, filters, stride):
        y = conv_bn(conv_bn(x, filters, 1, act="relu"), filters, 3, stride, act="relu")
        y = conv_bn(y, filters * 4, 1)
        if x.shape[1] != filters * 4 or stride != 1:
            x = conv_bn(x, filters * 4, 1, stride)
        return layers.elementwise_add(x, y, act="relu")

    image = fluid.data("image", [None, 3, 224, 224])
    label = fluid.data("label", [None, 1], "int64")
    x = layers.pool2d(conv_bn(image, 64, 7, 2, "relu"), 3, "max", 2, 1)
    for stage, depth in enumerate([3, 4, 6, 3]):
        filters = 64 * 2**stage
        for block in range(depth):
            x = bottleneck(x, filters, 2 if block == 0 and stage > 0 else 1)
    prediction = layers.fc(layers.pool2d(x, 7, "avg", global_pooling=True), 1000, act="softmax")
    loss = layers.mean(layers.cross_entropy(prediction, label))
    fluid.default_main_program().clone(for_test=True)
    decay = fluid.regularizer.L2Decay(1e-4)
    fluid.optimizer.Momentum(0.1, 0.9, regularization=decay).minimize(loss)


def translation(fluid, words=10000, width=512):
    """The book's machine translation: a bidirectional encoder, a decoder with attention, and its beam search."""
    layers = fluid.layers

    class Decoder(layers.RNNCell):
        def __init__(self):
            self.gru = layers.GRUCell(width)

        def call(self, step, hidden, encoded, projected, mask):
            query = layers.unsqueeze(layers.fc(hidden, width, bias_attr=False), [1])
            energy = layers.fc(layers.tanh(projected + query), 1, num_flatten_dims=2, bias_attr=False)
            weights = layers.softmax(layers.squeeze(energy, [2]) + mask)
            context = layers.reduce_sum(layers.elementwise_mul(encoded, weights, axis=0), dim=1)
            return self.gru(layers.concat([step, context], axis=1), hidden)

    def embedded(ids, name):
        return fluid.embedding(ids, [words, width], param_attr=fluid.ParamAttr(name=name))

    def predicted(hidden, dims):
        return layers.fc(hidden, words, num_flatten_dims=dims, param_attr="out_w", bias_attr="out_b")

    source = fluid.data("source", [None, None], "int64")
    length = fluid.data("length", [None], "int64")
    target = fluid.data("target", [None, None], "int64")
    label = fluid.data("label", [None, None, 1], "int64")

    source_embedding = embedded(source, "source_embedding")
    forward, _ = layers.rnn(layers.GRUCell(width, name="forward"), source_embedding, sequence_length=length)
    backward, last = layers.rnn(
        layers.GRUCell(width, name="backward"), source_embedding, sequence_length=length, is_reverse=True
    )
    encoded = layers.concat([forward, backward], axis=2)
    mask = layers.scale(layers.sequence_mask(length, maxlen=layers.shape(source)[1], dtype="float32"), 1e9, -1e9)
    projected = layers.fc(encoded, width, num_flatten_dims=2, bias_attr=False)
    first = layers.fc(last, width, act="tanh")
    cell = Decoder()
    decoded, _ = layers.rnn(
        cell,
        embedded(target, "target_embedding"),
        initial_states=first,
        encoded=encoded,
        projected=projected,
        mask=mask,
    )
    loss = layers.mean(layers.softmax_with_cross_entropy(predicted(decoded, 2), label))
    fluid.default_main_program().clone(for_test=True)
    clip = fluid.clip.GradientClipByGlobalNorm(clip_norm=5.0)
    fluid.optimizer.Adam(layers.exponential_decay(0.001, 1000, 0.9), grad_clip=clip).minimize(loss)

    beam = layers.BeamSearchDecoder(
        cell,
        start_token=0,
        end_token=1,
        beam_size=4,
        embedding_fn=lambda ids: embedded(ids, "target_embedding"),
        output_fn=lambda hidden: predicted(hidden, len(hidden.shape) - 1),
    )
    tile = layers.BeamSearchDecoder.tile_beam_merge_with_batch
    layers.dynamic_decode(
        beam,
        inits=first,
        max_step_num=20,
        encoded=tile(encoded, 4),
        projected=tile(projected, 4),
        mask=tile(mask, 4),
    )


PROGRAMS = {"resnet50": resnet50, "translation": translation}


# --- in a process that measures ---


def build(name):
    """Return the seconds of processor time that building a program takes, and how many operators it has."""
    try:
        import paddle.fluid as fluid
    except ImportError:
        import legacy_fluid as fluid
    seconds = []
    for _ in range(1 + BUILDS):
        main, startup = fluid.Program(), fluid.Program()
        start = time.process_time()
        with fluid.program_guard(main, startup), fluid.unique_name.guard():
            PROGRAMS[name](fluid)
        seconds.append(time.process_time() - start)
    return {"seconds": seconds[1:], "operators": sum(len(block.ops) for block in main.blocks)}


def import_cost(_):
    """Return the seconds of processor time that legacy_fluid takes to import where paddle is there already."""
    import zlib  # noqa: F401  before paddle, as everywhere

    import paddle  # noqa: F401

    start = time.process_time()
    import legacy_fluid  # noqa: F401

    return {"seconds": [time.process_time() - start]}


WORKERS = {"build": build, "import": import_cost}


# --- in the process that compares ---


def measured(python, worker, argument):
    """Return what a worker measured, in a process of the interpreter `python`."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    environment = {**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an import compiles once, not every time
    command = [python, os.path.abspath(__file__), "--worker", worker, argument]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, timeout=600)
    return json.loads(done.stdout.splitlines()[-1])


def compare(genuine, programs, rounds):
    """Return the rows of the table: for each program, medians of both, their ratio, and both counts of operators."""
    rows = []
    for name in programs:
        ours, theirs = [], []
        for _ in range(rounds):
            theirs.append(measured(genuine, "build", name))
            ours.append(measured(sys.executable, "build", name))
        medians = [statistics.median(s for run in runs for s in run["seconds"]) for runs in (ours, theirs)]
        rows.append(
            {
                "program": name,
                "legacy_fluid": medians[0],
                "genuine": medians[1],
                "ratio": medians[0] / medians[1],
                "operators": [ours[0]["operators"], theirs[0]["operators"]],
            }
        )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--genuine", metavar="PYTHON38", help="an interpreter that has paddlepaddle 1.8.5")
    parser.add_argument("--program", choices=PROGRAMS, action="append", help="all where not given")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker, argument = arguments.worker
        print(json.dumps(WORKERS[worker](argument)))
        return
    imports = [measured(sys.executable, "import", "")["seconds"][0] for _ in range(1 + arguments.rounds)]
    result = {"import": statistics.median(imports[1:]), "build": []}
    print(f"import legacy_fluid, after import paddle: {result['import']:.3f} s")
    if arguments.genuine:
        result["build"] = compare(arguments.genuine, arguments.program or PROGRAMS, arguments.rounds)
        print(f"{'build, s':14}{'legacy_fluid':>14}{'genuine':>10}{'ratio':>8}   operators")
        for row in result["build"]:
            seconds = f"{row['legacy_fluid']:14.3f}{row['genuine']:10.3f}{row['ratio']:8.2f}"
            print(f"{row['program']:14}{seconds}   {' and '.join(map(str, row['operators']))}")
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(result, file, indent=2)


if __name__ == "__main__":
    main()
