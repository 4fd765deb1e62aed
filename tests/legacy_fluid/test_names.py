"""Nothing of fluid 1.8.5 is missing, hidden or otherwise than it was, unless the tables of coverage say so."""

import ast
import importlib
import re
from pathlib import Path

import pytest

from legacy_fluid import coverage
from tools import compatibility
from tools.record_names import describe

installation = importlib.import_module("legacy_fluid.install")

PACKAGE = Path(coverage.__file__).parent
RECORD = coverage.record()


@pytest.fixture(autouse=True)
def installed():
    installation.install()
    yield
    installation.uninstall()


def is_promised(name):
    is_absent = any(prefix in coverage.ABSENT for prefix in coverage.prefixes(name))
    return not RECORD[name].startswith("~ ") and not is_absent


PROMISED = [name for name in RECORD if is_promised(name)]


def test_no_public_name_is_missing():
    assert [name for name in PROMISED if not compatibility.is_there(name)] == []


def test_signatures_are_those_of_the_record():
    different = [
        f"{name}: {ours} is not {theirs}"
        for name in PROMISED
        if (theirs := recorded_signature(name)) and not is_that_of(ours := signature(compatibility.find(name)), theirs)
    ]
    assert different == []


def recorded_signature(name):
    """The recorded (names, order, defaults); None for what has none: values, properties, what the core defines."""
    description = RECORD[coverage.canonical(name)].removeprefix("~ ")
    return description[description.index("(") :] if "(" in description else None


def is_that_of(ours, theirs):
    """Whether a signature is the recorded one; what follows in it may be the core's own, and optional."""
    more = ours.removeprefix(theirs[:-1]).strip(",) ")
    return ours.startswith(theirs[:-1]) and all("=" in parameter for parameter in more.split(", ") if parameter)


def signature(thing):
    thing = getattr(thing, "__func__", thing)  # of a class method, with its first argument
    description = describe(thing)
    return description[description.index("(") :] if "(" in description else description


def test_every_other_name_of_an_object_gives_that_object():
    different = [
        name
        for name in PROMISED
        if (canonical := coverage.canonical(name)) != name
        if compatibility.find(name) is not compatibility.find(canonical)
    ]
    assert different == []


MODULES = sorted(name for name in coverage.modules() if name.startswith("fluid") and coverage.exports(name))

# What modules of the layer offer each other beyond what fluid's did.
OUR_OWN = {"fluid.input.data", "fluid.layers.layer_function_generator.operator"}


@pytest.mark.parametrize("name", MODULES)
def test_a_star_import_gives_what_it_gave(name):
    module = compatibility.find(name)
    gave, gives = set(coverage.exports(name)), set(getattr(module, "__all__", vars(module)))
    missing = [export for export in gave - gives if f"{name}.{export}" in PROMISED]
    extra = [export for export in gives - gave if f"{name}.{export}" not in {*OUR_OWN, *coverage.EARLIER}]
    assert missing == []
    assert extra == [] or not hasattr(module, "__all__")


@pytest.mark.parametrize("name", coverage.EARLIER)
def test_names_from_before_1_8_are_there(name):
    assert compatibility.is_there(name)


@pytest.mark.parametrize("name", coverage.REFUSED)
def test_a_refused_name_says_why_and_what_to_use_instead(name):
    refused = compatibility.find(name)
    with pytest.raises(NotImplementedError) as raised:
        refused()
    assert str(raised.value) == f"{name}: {coverage.REFUSED[name]}"


def test_few_names_are_refused():
    assert len(coverage.REFUSED) <= 15


@pytest.mark.parametrize("name", coverage.ABSENT)
def test_what_is_said_to_be_absent_is_not_there(name):
    assert not compatibility.is_there(name)


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("fluid.distributed", "use paddle.distributed"),
        ("fluid.contrib.slim.prune", "use paddleslim"),
        ("fluid.layers.fcc", "did you mean fluid.layers.fc?"),
        ("fluid.dygraph.Dropouts", "did you mean fluid.dygraph.Dropout?"),
        ("fluid.transpiler.nope", "1.8.5 has no such public name"),
    ],
)
def test_a_name_that_is_not_there_tells_why(name, note):
    holder, _, last = name.rpartition(".")
    with pytest.raises(AttributeError, match=re.escape(note)):
        getattr(compatibility.find(holder), last)


@pytest.mark.parametrize("name", [name for name in coverage.ABSENT if name.startswith("fluid.")])
def test_what_cannot_be_had_tells_why_however_it_is_asked_for(name):
    holder, _, last = name.rpartition(".")
    with pytest.raises(AttributeError, match=re.escape(str(coverage.ABSENT[name]))):
        getattr(compatibility.find(holder), last)
    with pytest.raises(ModuleNotFoundError, match=re.escape(str(coverage.ABSENT[name]))):
        exec(f"from paddle.{holder} import {last}")
    with pytest.raises(ModuleNotFoundError, match=re.escape(str(coverage.ABSENT[name]))):
        exec(f"import paddle.{name}")


@pytest.mark.parametrize("name", [*coverage.REFUSED, *coverage.DEVIATES])
def test_the_tables_name_what_1_8_5_had(name):
    assert name in RECORD or name in coverage.EARLIER


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("fluid.layers.fc", "supported"),
        ("fluid.layers.nn.fc", "supported"),
        ("fluid.dygraph.FC", "supported"),
        ("fluid.Program.clone", "supported"),
        ("fluid.core.VarDesc.VarType.FP32", "supported"),
        ("fluid.contrib.decorate", "deviates"),
        ("fluid.contrib.mixed_precision.decorator.decorate", "deviates"),
        ("fluid.framework.load_op_library", "refused"),
        ("fluid.contrib.slim.Compressor", "refused"),
        ("fluid.contrib.slim.prune.Pruner", "refused"),
        ("fluid.incubate.fleet.collective.fleet.init", "deviates"),
        ("paddle.dataset.sentiment.train", "refused"),
        ("fluid.layers.fcc", "unknown"),
        ("fluid.layers.nope.fc", "unknown"),
        ("fluid.nope", "unknown"),
        ("paddle.dataset.mnist.trian", "unknown"),
    ],
)
def test_a_name_is_covered_as_the_tables_say_whichever_of_its_names_it_is(name, status):
    assert coverage.covered(name).status == status


def test_names_are_refused_by_the_table_alone():
    """Methods may raise NotImplementedError: those that subclasses define, and those that 1.8.5 had not either."""
    raised = [
        f"{path.relative_to(PACKAGE)}: {function.name}"
        for path in PACKAGE.rglob("*.py")
        if path.name != "coverage.py"
        for function in functions_and_constructors(ast.parse(path.read_text(encoding="utf-8")))
        if "NotImplementedError(" in ast.unparse(function)
    ]
    assert raised == []


def functions_and_constructors(tree):
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node
        elif isinstance(node, ast.ClassDef):
            yield from (item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__")


def test_internal_names_that_are_not_here_are_told():
    assert {coverage.covered(name).status for name in coverage.internals_absent()} <= {"refused"}


def test_what_is_made_from_the_code_is_up_to_date():
    assert compatibility.main(["--check"]) == 0
