"""`install()`: paddle.fluid answers with legacy_fluid's very modules, and everything can be taken back."""

import importlib
import pickle
import sys

import paddle
import pytest

import legacy_fluid

installation = importlib.import_module("legacy_fluid.install")  # the package's `install` is the function


@pytest.fixture
def installed():
    installation.install()
    yield
    installation.uninstall()


@pytest.mark.parametrize(
    ("statement", "ours"),
    [
        ("import paddle.fluid as found", "legacy_fluid"),
        ("import paddle.fluid.layers as found", "legacy_fluid.layers"),
        ("import paddle.fluid.core as found", "legacy_fluid.core"),
        ("from paddle.fluid import core as found", "legacy_fluid.core"),
        ("from paddle.fluid import layers as found", "legacy_fluid.layers"),
        ("import paddle.fluid.layers.nn as found", "legacy_fluid.layers.nn"),
        ("import paddle; import paddle.fluid; found = paddle.fluid.initializer", "legacy_fluid.initializer"),
        ("import paddle.utils.plot as found", "legacy_fluid.beside.plot"),
        ("import paddle.compat as found", "legacy_fluid.beside.compat"),
    ],
)
def test_an_import_gives_the_very_module_and_leaves_it_what_it_was(installed, statement, ours):
    module = importlib.import_module(ours)
    before = (module.__name__, module.__spec__, module.__package__, hasattr(module, "__path__"))
    names = {}
    exec(statement, names)
    assert names["found"] is module
    assert (module.__name__, module.__spec__, module.__package__, hasattr(module, "__path__")) == before


def test_names_imported_from_deep_modules_are_the_same_objects(installed):
    names = {}
    exec("from paddle.fluid.layers.nn import fc\nfrom paddle.fluid.framework import Program", names)
    assert names["fc"] is legacy_fluid.layers.fc
    assert names["Program"] is legacy_fluid.Program


def test_both_names_share_one_state(installed):
    import paddle.fluid

    program = paddle.fluid.Program()
    with paddle.fluid.program_guard(program):
        assert legacy_fluid.default_main_program() is program


def test_it_turns_static_mode_on(installed):
    paddle.disable_static()
    installation.install()
    assert not paddle.in_dynamic_mode()


def test_calling_it_again_changes_nothing(installed):
    finders, modules = list(sys.meta_path), dict(sys.modules)
    installation.install()
    assert list(sys.meta_path) == finders
    assert dict(sys.modules) == modules


def test_objects_pickle_whichever_name_made_them(installed):
    import paddle.fluid

    attr = pickle.loads(pickle.dumps(paddle.fluid.ParamAttr(name="w")))
    assert type(attr) is legacy_fluid.ParamAttr
    assert pickle.loads(b"cpaddle.fluid.param_attr\nParamAttr\n.") is legacy_fluid.ParamAttr  # as 1.8 wrote it


def test_a_module_that_fluid_had_not_is_not_found_under_the_name_asked_for(installed):
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'paddle\.fluid\.nope'"):
        importlib.import_module("paddle.fluid.nope")


def test_a_module_that_cannot_be_had_names_the_way_out(installed):
    with pytest.raises(ModuleNotFoundError, match=r"sentiment.*use paddle\.dataset\.imdb"):
        importlib.import_module("paddle.dataset.sentiment")


def test_it_can_be_taken_back():
    before = {module: dict(vars(module)) for module in (paddle, paddle.utils, paddle.dataset.mnist, paddle.reader)}
    installation.install()
    assert paddle.utils.Ploter is importlib.import_module("paddle.utils.plot").Ploter
    installation.uninstall()
    for module, names in before.items():
        assert {name: value for name, value in vars(module).items() if names.get(name, module) is not value} == {}
    assert not [name for name in sys.modules if name.startswith("paddle.fluid")]
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("paddle.fluid")
