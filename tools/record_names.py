"""Record the names of genuine paddle.fluid 1.8.5, with their signatures: facts, which never change.

Run it with a Python 3.8 that has paddlepaddle 1.8.5:

    python3.8 tools/record_names.py legacy_fluid/names_1_8_5.json

One line a name. What stands behind it is one of

    "(x, axis=0)"         a function or a method; "static (x)" and "classmethod (cls, x)" where it is so
    "class (self, x)"     a class, by its constructor; "class" alone where it is the core's
    "property", "value", "builtin"
    "= fluid.layers.fc"   another name of the same object
    "Linear fc"           of `__all__` of a package: the names in it; a module's are those without a mark

and a leading "~ " marks what is not meant for users: what a module keeps out of `__all__`, and the core.
"""

import importlib
import inspect
import json
import sys
import types

MODULES = [
    "fluid.dygraph fluid fluid.layers fluid.nets fluid.io fluid.optimizer fluid.initializer fluid.regularizer",
    "fluid.clip fluid.metrics fluid.backward fluid.framework fluid.executor fluid.param_attr fluid.data_feeder",
    "fluid.reader fluid.dataset fluid.profiler fluid.unique_name fluid.input fluid.compiler",
    "fluid.parallel_executor fluid.lod_tensor fluid.data_feed_desc fluid.average fluid.evaluator",
    "fluid.layer_helper fluid.layer_helper_base fluid.install_check fluid.debugger fluid.graphviz",
    "fluid.net_drawer fluid.default_scope_funcs fluid.log_helper fluid.wrapped_decorator fluid.dataloader",
    "fluid.dataloader.dataset fluid.dataloader.batch_sampler fluid.annotations fluid.core fluid.layers.nn",
    "fluid.layers.control_flow fluid.layers.detection fluid.layers.device fluid.layers.distributions",
    "fluid.layers.io fluid.layers.layer_function_generator fluid.layers.learning_rate_scheduler fluid.layers.loss",
    "fluid.layers.math_op_patch fluid.layers.metric_op fluid.layers.ops fluid.layers.sequence_lod",
    "fluid.layers.tensor fluid.layers.utils fluid.dygraph.backward_strategy fluid.dygraph.base",
    "fluid.dygraph.checkpoint fluid.dygraph.container fluid.dygraph.jit fluid.dygraph.layers",
    "fluid.dygraph.learning_rate_scheduler fluid.dygraph.nn fluid.dygraph.parallel fluid.dygraph.profiler",
    "fluid.dygraph.tracer fluid.dygraph.dygraph_to_static fluid.dygraph_utils fluid.transpiler",
    "fluid.transpiler.distribute_transpiler fluid.transpiler.memory_optimization_transpiler",
    "fluid.transpiler.ps_dispatcher fluid.transpiler.collective fluid.incubate.data_generator",
    "fluid.incubate.fleet.base.role_maker fluid.incubate.fleet.base.fleet_base fluid.incubate.fleet.collective",
    "fluid.contrib fluid.contrib.layers fluid.contrib.layers.nn fluid.contrib.layers.rnn_impl",
    "fluid.contrib.layers.metric_op fluid.contrib.decoder fluid.contrib.decoder.beam_search_decoder",
    "fluid.contrib.extend_optimizer fluid.contrib.mixed_precision fluid.contrib.mixed_precision.decorator",
    "fluid.contrib.mixed_precision.fp16_lists fluid.contrib.memory_usage_calc fluid.contrib.model_stat",
    "fluid.contrib.op_frequence fluid.contrib.reader fluid.contrib.quantize fluid.contrib.slim fluid.contrib.utils",
    "fluid.contrib.quantize.quantize_transpiler fluid.contrib.utils.hdfs_utils",
    "fluid.contrib.utils.lookup_table_utils fluid.incubate.fleet.base.mode fluid.incubate.fleet.utils.hdfs",
    "fluid.incubate.fleet.parameter_server.distribute_transpiler",
    "fluid.incubate.fleet.parameter_server.distribute_transpiler.distributed_strategy",
    "fluid.transpiler.details.program_utils fluid.transpiler.details.checkport",
    "fluid.device_worker fluid.trainer_desc fluid.trainer_factory",
]  # in order of preference: an object goes by the first name found for it

FRONTS = ("paddle.fluid", "paddle.fluid.dygraph")  # where programs find even what `__all__` leaves out

INTERNAL = ("paddle.fluid.core_avx", "paddle.fluid.dygraph.dygraph_to_static")  # core gives way to core_avx

BESIDE = [
    "paddle paddle.reader paddle.reader.decorator paddle.dataset paddle.dataset.cifar paddle.dataset.common",
    "paddle.dataset.conll05 paddle.dataset.flowers paddle.dataset.image paddle.dataset.imdb paddle.dataset.imikolov",
    "paddle.dataset.mnist paddle.dataset.mq2007 paddle.dataset.movielens paddle.dataset.sentiment",
    "paddle.dataset.uci_housing paddle.dataset.voc2012 paddle.dataset.wmt14 paddle.dataset.wmt16",
    "paddle.utils paddle.utils.plot paddle.utils.image_util paddle.compat paddle.sysconfig paddle.version",
    "paddle.complex paddle.distributed.fs_wrapper",
]  # modules that a program uses beside fluid

ALSO = [
    "fluid.layers.learning_rate_scheduler._decay_step_counter fluid.framework._get_var",
    "fluid.framework._dygraph_tracer fluid.framework._current_expected_place",
    "fluid.dygraph_utils._append_activation_in_dygraph fluid.dygraph_utils._append_bias_in_dygraph fluid.core.ops",
    "fluid.core.op_proto_and_checker_maker fluid.incubate.fleet.collective.fleet",
    "fluid.incubate.fleet.parameter_server.distribute_transpiler.fleet",
]  # neither public nor callable, and used by programs all the same

CUDA_ONLY = {"fluid.core.get_cuda_device_count": "~ builtin"}  # which the CPU's package has not


def main(path):
    names = dict(CUDA_ONLY)
    modules = {name: sys.modules["paddle." + name] for name in words(MODULES)}
    found = [
        (module_name + "." + name, mark, getattr(module, name))
        for module_name, module in modules.items()
        for name, mark in names_of(module)
    ]
    first = {}
    for full, mark, thing in sorted(found, key=lambda entry: entry[1]):  # a name that is meant for users comes first
        known = first.setdefault(id(thing), full) if callable(thing) else full
        names[full] = mark + (describe(thing) if known == full else "= " + known)
        if inspect.isclass(thing) and known == full:
            names.update((member, mark + how) for member, how in members(full, thing))
    for module_name, module in modules.items():
        if hasattr(module, "__path__") and hasattr(module, "__all__"):
            names[module_name + ".__all__"] = " ".join(sorted(set(module.__all__)))
    for module_name in words(BESIDE):
        module = sys.modules[module_name]
        for name in sorted(beside_names(module)):
            names[module_name + "." + name] = describe(getattr(module, name))
    for full in words(ALSO):
        module_name, _, name = full.rpartition(".")
        names[full] = "~ " + describe(getattr(importlib.import_module("paddle." + module_name), name))
    with open(path, "w") as file:
        json.dump(names, file, indent=0, sort_keys=True)
        file.write("\n")


def words(lines):
    return [word for line in lines for word in line.split()]


def names_of(module):
    """Yield (name, its mark) for what `module` offers, and for what it defines or shows beside that."""
    listed = getattr(module, "__all__", None)
    shown = [name for name, thing in vars(module).items() if is_shown(name, thing, module)]
    offered = listed
    if module.__name__ in INTERNAL:
        offered = []
    elif module.__name__ in FRONTS:
        offered = shown + listed
    elif listed is None:
        offered = [name for name in shown if getattr(module, name).__module__ == module.__name__]
    for name in sorted(set(listed or []) | set(shown)):
        if hasattr(module, name) and not isinstance(getattr(module, name), types.ModuleType):
            yield name, "" if name in offered else "~ "


def beside_names(module):
    """Yield the names of what a module beside fluid offers: functions, classes, and the addresses of data."""
    listed = getattr(module, "__all__", ())
    for name, thing in vars(module).items():
        home = getattr(thing, "__module__", None)
        is_own = home == module.__name__ or (hasattr(module, "__path__") and str(home).startswith("paddle."))
        is_offered = name in listed or (not name.startswith("_") and (is_own or isinstance(thing, (str, list))))
        if is_offered and not isinstance(thing, types.ModuleType) and name != "check_import_scipy":
            yield name


def is_shown(name, thing, module):
    """Say whether `module` defines `thing` or, being a package, shows it."""
    if name.startswith("_") or not callable(thing):
        return False
    home = getattr(thing, "__module__", None) or ""
    return home == module.__name__ or (hasattr(module, "__path__") and home.startswith("paddle.fluid"))


def members(full, cls):
    """Yield (name, description) of the public members that `cls` itself defines."""
    for name, kind, owner, thing in inspect.classify_class_attrs(cls):
        if name.startswith("_") or owner is not cls or full.startswith("fluid.core."):
            continue
        if kind in ("static method", "class method"):
            prefix = {"static method": "static ", "class method": "classmethod "}[kind]
            yield full + "." + name, prefix + describe(thing.__func__)
        elif kind == "method":
            yield full + "." + name, describe(thing)
        else:
            yield full + "." + name, "property" if kind == "property" else "value"


def describe(thing):
    if inspect.isclass(thing):
        return ("class " + signature(thing.__init__)).strip()
    return (signature(thing) or "builtin") if callable(thing) else "value"


def signature(function):
    if function is object.__init__:
        return "(self)"
    try:
        found = inspect.signature(function)
    except (ValueError, TypeError):
        return ""
    if str(found) == "(self, /, *args, **kwargs)":  # the slot of a class of the core
        return ""
    return str(found.replace(parameters=[plain(p) for p in found.parameters.values()], return_annotation=found.empty))


def plain(parameter):
    """Return the parameter without annotation, its default as text that does not depend on the machine."""
    default = parameter.default
    if default is not parameter.empty and not isinstance(
        default, (int, float, str, bool, type(None), tuple, list, dict)
    ):
        default = Text(default)
    return parameter.replace(annotation=parameter.empty, default=default)


class Text:
    """Shows as the name of what it stands for."""

    def __init__(self, value):
        self.value = value

    def __repr__(self):
        if type(self.value).__name__ == "VarType":
            return "VarType." + getattr(self.value, "name", str(self.value).rpartition(".")[2])
        return getattr(self.value, "__name__", type(self.value).__name__)


if __name__ == "__main__":
    import paddle.fluid  # noqa: F401

    for needed in words(MODULES):
        importlib.import_module("paddle." + needed)
    for needed in words(BESIDE):
        importlib.import_module(needed)
    main(sys.argv[1])
