"""Data sets of text files: what they hold, and training on them as on fed batches."""

import numpy as np
import pytest

import legacy_fluid as fluid

# In memory the core leaves out the id 0, as 1.8.5 did.
SAMPLES = [([1 + index % 6, 3], [0.1 * index, 0.5, 1.0], [0.1 * index + 1]) for index in range(12)]
BATCH = 4


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the core writes into it what it is about to run
    paths = [tmp_path / "first.txt", tmp_path / "second.txt"]
    for path, part in zip(paths, (SAMPLES[:8], SAMPLES[8:]), strict=True):
        lines = [" ".join(f"{len(slot)} {' '.join(map(str, slot))}" for slot in sample) for sample in part]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [str(path) for path in paths]


def program():
    words = fluid.data("words", [None, 1], "int64", lod_level=1)
    numbers, target = fluid.data("numbers", [None, 3]), fluid.data("target", [None, 1])
    constant = fluid.initializer.Constant(0.1)
    attr = fluid.ParamAttr("table", initializer=constant)
    word = fluid.layers.reshape(
        fluid.layers.sequence_pool(fluid.embedding(words, [7, 2], param_attr=attr), "sum"), [-1, 2]
    )
    predicted = fluid.layers.fc([word, numbers], 1, param_attr=fluid.ParamAttr(initializer=constant))
    loss = fluid.layers.reduce_mean(fluid.layers.square(predicted - target))
    fluid.optimizer.SGD(0.1).minimize(loss)
    return [words, numbers, target], loss


def trained(train):
    """The embedding after `train` ran on a new program."""
    main, startup = fluid.Program(), fluid.Program()
    with fluid.program_guard(main, startup), fluid.unique_name.guard(), fluid.scope_guard(fluid.Scope()):
        inputs, loss = program()
        exe = fluid.Executor(fluid.CPUPlace())
        exe.run(startup)
        train(exe, main, inputs, loss)
        return np.array(fluid.global_scope().find_var("table").get_tensor())


def feed_batches(exe, main, inputs, loss):
    feeder = fluid.DataFeeder(inputs, fluid.CPUPlace())
    for start in range(0, len(SAMPLES), BATCH):
        exe.run(main, feed=feeder.feed(SAMPLES[start : start + BATCH]))


@pytest.mark.parametrize("kind", ["QueueDataset", "InMemoryDataset"])
def test_training_on_files_is_training_on_their_batches(kind, files):
    def train(exe, main, inputs, loss):
        data = fluid.DatasetFactory().create_dataset(kind)
        data.set_use_var(inputs)
        data.set_batch_size(BATCH)
        data.set_thread(1)
        data.set_filelist(files)
        if kind == "InMemoryDataset":
            data.load_into_memory()
            assert data.get_memory_data_size() == len(SAMPLES)
        exe.train_from_dataset(main, data, fetch_list=[loss], fetch_info=["loss"])
        exe.infer_from_dataset(main.clone(for_test=True)._prune([loss]), data)

    np.testing.assert_allclose(trained(train), trained(feed_batches), rtol=1e-5)


@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize("kind", ["QueueDataset", "InMemoryDataset"])
def test_a_loader_feeds_the_batches_of_a_data_set(kind, drop_last, files):
    with fluid.program_guard(fluid.Program(), fluid.Program()):
        inputs, _ = program()
        dataset = fluid.DatasetFactory().create_dataset(kind)
        dataset.set_use_var(inputs)
        dataset.set_batch_size(5)
        dataset.set_pipe_command("cat")
        dataset.set_filelist(files)
        if kind == "InMemoryDataset":
            dataset.load_into_memory()
        loader = fluid.io.DataLoader.from_dataset(dataset, fluid.cpu_places(1), drop_last=drop_last)
        sizes = [np.array(batch[0]["target"]).shape for batch in loader()]
        with pytest.raises(AssertionError, match="2 files for 3 places"):
            fluid.io.DataLoader.from_dataset(dataset, fluid.cpu_places(3))
    assert sizes == [(5, 1), (5, 1)] + ([] if drop_last else [(2, 1)])


def test_a_data_set_that_there_is_not_is_named():
    with pytest.raises(ValueError, match=r"'LineDataset'.*QueueDataset"):
        fluid.DatasetFactory().create_dataset("LineDataset")


def test_a_description_read_from_a_file_can_be_changed(tmp_path):
    path = tmp_path / "data.proto"
    slot = 'slots {{ name: "{}" type: "uint64" is_dense: false is_used: false }}'
    slots = " ".join(map(slot.format, ("words", "label")))
    path.write_text(f'name: "MultiSlotDataFeed" batch_size: 2 multi_slot_desc {{ {slots} }}', encoding="utf-8")
    description = fluid.DataFeedDesc(str(path))
    description.set_batch_size(128)
    description.set_dense_slots(["words"])
    description.set_use_slots(["label"])
    text = " ".join(description.desc().split())
    assert "batch_size: 128" in text
    assert 'name: "words" type: "uint64" is_dense: true is_used: false' in text
    assert 'name: "label" type: "uint64" is_dense: false is_used: true' in text
