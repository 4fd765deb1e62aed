"""Generators of samples in MultiSlot form, as a data set's pipe command prints them."""

import io

import pytest

from legacy_fluid.incubate.data_generator import MultiSlotDataGenerator, MultiSlotStringDataGenerator


def made(samples, kind=MultiSlotDataGenerator):
    """A generator that gives `samples`; of a line, its length and its words' numbers."""

    class Generator(kind):
        def generate_sample(self, line):
            def of_line():
                numbers = [int(word) for word in line.split()]
                yield [("length", [len(numbers)]), ("numbers", numbers)]

            return (lambda: iter(samples)) if line is None else of_line

    return Generator()


def test_numbers_are_written_by_slots(capsys):
    generator = made([[("words", [1926, 8]), ("label", [1])], None, (("words", [3.5]), ("label", [0]))])
    generator.run_from_memory()
    assert capsys.readouterr().out == "2 1926 8 1 1\n1 3.5 1 0\n"
    assert generator._proto_info == [("words", "float"), ("label", "uint64")]


def test_strings_are_written_as_they_are(capsys):
    made(
        [[("words", ["a", "b"]), ("label", ["1"])], [("words", ["c"])]], MultiSlotStringDataGenerator
    ).run_from_memory()
    assert capsys.readouterr().out == "2 a b 1 1\n1 c\n"


def test_lines_are_read_from_the_standard_input(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("7 8 9\n4\n"))
    made([]).run_from_stdin()
    assert capsys.readouterr().out == "1 3 3 7 8 9\n1 1 1 4\n"


def test_a_batch_can_be_changed(capsys):
    class Backwards(type(made([]))):
        def generate_sample(self, line):
            return lambda: iter([("n", [number])] for number in range(5))

        def generate_batch(self, samples):
            return lambda: iter(samples[::-1])

    generator = Backwards()
    generator.set_batch(2)
    generator.run_from_memory()
    assert capsys.readouterr().out.split() == ["1", "1", "1", "0", "1", "3", "1", "2", "1", "4"]


WRONG = {
    "the slots of the first": [[("words", [1]), ("label", [1])], [("words", [3])]],
    "slot 1 of a sample is 'label'": [[("words", [1]), ("label", [1])], [("words", [3]), ("lab", [1])]],
    r"a list that is not empty, not \[\]": [[("words", [])]],
    r"a list that is not empty, not \(1,\)": [[("words", (1,))]],
    "a slot's name is a string, not 1": [[(1, [1])]],
    "slot 'words' has ints or floats, not 'a'": [[("words", ["a"])]],
    "a sample is a list or a tuple": ["ab"],
}


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_sample_is_named(message):
    with pytest.raises(ValueError, match=message):
        made(WRONG[message]).run_from_memory()


def test_what_a_generator_lacks_is_told():
    with pytest.raises(NotImplementedError, match="define generate_sample"):
        MultiSlotDataGenerator().run_from_memory()
    with pytest.raises(ValueError, match="line_limit is an int of 1 or more, not 0"):
        MultiSlotDataGenerator()._set_line_limit(0)
