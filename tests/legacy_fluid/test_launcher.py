"""`python -m legacy_fluid`: programs run as `python` would run them, and their errors show their own lines."""

import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from legacy_fluid.launcher import python2

ROOT = Path(__file__).parents[2]
TIMEOUT = 100


def python(*arguments, cwd, stdin="", timeout=TIMEOUT, **environment):
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=env,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def launch(*arguments, **how):
    return python("-m", "legacy_fluid", *arguments, **how)


TELL = """
import json, os, sys
main = sys.modules["__main__"]
print(json.dumps({
    "argv": sys.argv, "path": sys.path[0], "name": __name__, "file": globals().get("__file__"),
    "package": __package__, "spec": getattr(__spec__, "name", None), "is_main": vars(main) is globals(),
    "doc": __doc__, "loader": type(__loader__).__name__, "stdin": sys.stdin.read(),
}))
sys.exit(7)
"""


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["folder/tell.py", "a", "--check", "-m"], id="script"),
        pytest.param(["-m", "package", "--help"], id="package"),
        pytest.param(["-m", "package.tell", "b c"], id="module", marks=pytest.mark.slow),
        pytest.param(["-c", f"'''a program'''\n{TELL}", "-c", "d"], id="code"),
        pytest.param(["program.zip", "e"], id="zip", marks=pytest.mark.slow),
        pytest.param(["package"], id="folder", marks=pytest.mark.slow),
    ],
)
def test_a_program_finds_itself_in_the_world_that_python_makes(tmp_path, command):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "tell.py").write_text(f'"""a script"""\n{TELL}')
    (tmp_path / "package").mkdir()
    for name in ("__init__", "__main__", "tell"):
        (tmp_path / "package" / f"{name}.py").write_text("" if name == "__init__" else TELL)
    with zipfile.ZipFile(tmp_path / "program.zip", "w") as archive:
        archive.writestr("__main__.py", TELL)
    theirs = python(*command, cwd=tmp_path, stdin="typed in")
    ours = launch(*command, cwd=tmp_path, stdin="typed in")
    assert (ours.returncode, ours.stderr) == (theirs.returncode, theirs.stderr) == (7, "")
    told, expected = json.loads(ours.stdout), json.loads(theirs.stdout)
    if command[0] == "-c":
        expected["loader"] = told["loader"]  # Python gives a string the loader of built-in modules
    assert told == expected
    assert told["stdin"] == "typed in"


def test_a_program_can_come_from_standard_input(tmp_path):
    ran = launch("-", "x", cwd=tmp_path, stdin="import sys, paddle.fluid as f\nprint(sys.argv, f.__name__)")
    assert (ran.returncode, ran.stdout) == (0, "['-', 'x'] legacy_fluid\n")


OLD = """
import pickle, time
from collections import Iterable
import numpy as np
from PIL import Image
import paddle
import paddle.fluid as fluid

class Kept:
    pass

def net():
    x = fluid.layers.data('x', [2])
    return x, fluid.layers.mean(fluid.layers.fc(x, np.int(3)))

x, loss = net()
exe = fluid.Executor(fluid.CPUPlace())
exe.run(fluid.default_startup_program())
out, = exe.run(feed={'x': np.ones((4, 2), np.float32)}, fetch_list=[loss])
assert out.shape == (1,) and float(out) == float(out)
assert type(pickle.loads(pickle.dumps(Kept()))) is Kept
assert Image.ANTIALIAS == Image.LANCZOS and isinstance([], Iterable) and time.clock() > 0
assert np.bool is bool and np.object is object
print('done')
"""


def test_an_old_program_runs_with_the_libraries_of_today(tmp_path):
    (tmp_path / "old.py").write_text(OLD)
    ran = launch("old.py", cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (0, "done\n"), ran.stderr
    assert "Warning" not in ran.stderr


def test_what_libraries_dropped_is_not_put_back_by_install_alone(tmp_path):
    code = "import legacy_fluid, numpy; legacy_fluid.install(); print('int' in vars(numpy))"
    assert python("-c", code, cwd=tmp_path).stdout == "False\n"


FAILING = """
import numpy as np
import paddle.fluid as fluid

def add(a, b):
    return fluid.layers.elementwise_add(a, b)

x, y = fluid.data('x', [None, 3]), fluid.data('y', [None, 3])
z = add(x, y)
exe = fluid.Executor(fluid.CPUPlace())
try:
    fluid.layers.fc(x, size=4)
    fluid.layers.fc('x', size=4)
except TypeError:
    exe.run(feed={'x': np.zeros((2, 3), 'float32'), 'y': np.zeros((4, 3), 'float32')}, fetch_list=[z])
"""


def test_a_traceback_shows_the_programs_lines_and_where_the_operator_was_made(tmp_path):
    (tmp_path / "failing.py").write_text(FAILING)
    ran = launch("failing.py", cwd=tmp_path)
    assert ran.returncode == 1
    assert "exe.run(feed=" in ran.stderr
    assert "fluid.layers.fc('x', size=4)" in ran.stderr  # the error that it came from
    assert 'failing.py", line 9, in <module>\n      z = add(x, y)' in ran.stderr
    assert 'failing.py", line 6, in add' in ran.stderr
    assert str(ROOT / "legacy_fluid") not in ran.stderr
    assert "runpy" not in ran.stderr
    assert "InvalidArgumentError" in ran.stderr.splitlines()[-4] or "operator < elementwise_add > error" in ran.stderr
    full = launch("failing.py", cwd=tmp_path, LEGACY_FLUID_ALL_FRAMES="1")
    assert str(ROOT / "legacy_fluid") in full.stderr


@pytest.mark.parametrize(
    ("code", "returncode"),
    [
        ("raise SystemExit('no')", 1),
        ("1 / 0", 1),
        ("x = = 1", 1),
        pytest.param("import sys; sys.exit()", 0, marks=pytest.mark.slow),
        pytest.param("import threading; threading.Thread(target=lambda: 1 / 0).start()", 0, marks=pytest.mark.slow),
    ],
)
def test_an_end_is_what_it_is_under_python(tmp_path, code, returncode):
    (tmp_path / "script.py").write_text(code)
    theirs, ours = python("script.py", cwd=tmp_path), launch("script.py", cwd=tmp_path)
    assert ours.returncode == theirs.returncode == returncode
    assert ours.stderr == theirs.stderr


@pytest.mark.parametrize("line", ['print "hello"', "for i in xrange(3): pass"])
def test_a_program_for_python_2_ends_with_what_converts_it(tmp_path, line):
    (tmp_path / "old.py").write_text(f"{line}\n", encoding="utf-8")
    run = launch("old.py", cwd=tmp_path)
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1].endswith("convert it with 2to3: `python -m lib2to3 -w old.py`")


OF_PYTHON_2 = ["raise ValueError, 3", "import cPickle", "{}.has_key(1)", "{}.iteritems()", "raw_input()", "''.decode()"]
OF_PYTHON_3 = ["import nowhere", "(", "undefined", "{}.nothing", "1 / 0"]


@pytest.mark.parametrize(("line", "is_old"), [*((x, True) for x in OF_PYTHON_2), *((x, False) for x in OF_PYTHON_3)])
def test_an_error_tells_python_2_from_any_other_fault(line, is_old):
    with pytest.raises(Exception) as caught:  # noqa: PT011  of any kind
        exec(line, {})
    assert python2.is_told_by(caught.value) is is_old


def test_an_interrupt_ends_it_as_it_ends_python(tmp_path):
    (tmp_path / "wait.py").write_text("import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)")
    theirs, ours = python("wait.py", cwd=tmp_path), launch("wait.py", cwd=tmp_path)
    assert ours.returncode == theirs.returncode == -signal.SIGINT  # which a shell shows as 130
    assert ours.stderr == theirs.stderr


SPAWNING = """
import multiprocessing
import paddle.fluid as fluid

def work(queue):
    import sys, numpy
    import paddle.fluid.layers
    queue.put((__name__, fluid.__name__, numpy.int(3), sys.argv))

if __name__ == '__main__':
    context = multiprocessing.get_context('spawn')
    queue = context.Queue()
    process = context.Process(target=work, args=(queue,))
    process.start()
    print(queue.get(timeout=60))
    process.join()
"""


@pytest.mark.slow
def test_a_process_that_the_program_spawns_has_fluid_too(tmp_path):
    (tmp_path / "script.py").write_text(SPAWNING)
    ran = launch("script.py", "a", cwd=tmp_path)
    assert ran.stdout == "('__mp_main__', 'legacy_fluid', 3, ['script.py', 'a'])\n", ran.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.py"], "can't open file 'missing.py': No such file or directory"),
        (["-m", "missing_module"], "No module named missing_module"),
        pytest.param(["-m", "json.missing"], "No module named json.missing", marks=pytest.mark.slow),
        pytest.param(["-m", "xml"], "No module named xml.__main__; xml is a package", marks=pytest.mark.slow),
        (["."], "can't find '__main__' module in '.'"),
        (["-m"], "argument expected for the -m option"),
        (["--chekc", "x"], "no such option '--chekc' (did you mean '--check'?)"),
        (["--check"], "--check takes scripts, notebooks or folders"),
        (["--check", "missing.py"], "no such file or folder: missing.py"),
        (["--check", "."], "no Python files or notebooks under ."),
        (["--doctor", "-v"], "no such option '-v'"),
        ([], "nothing to run"),
    ],
)
def test_a_command_that_makes_no_sense_says_why_and_ends_with_2(tmp_path, arguments, message):
    ran = launch(*arguments, cwd=tmp_path)
    assert ran.returncode == 2
    assert ran.stderr.startswith(f"error: {message}")
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["--check", "script.py"]])
def test_what_runs_nothing_does_not_import_paddle(tmp_path, arguments):
    (tmp_path / "script.py").write_text("import paddle.fluid as fluid\nfluid.layers.fc\n")
    (tmp_path / "paddle").mkdir()
    (tmp_path / "paddle" / "__init__.py").write_text("raise SystemError('paddle was imported')")
    ran = launch(*arguments, cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "fluid" in ran.stdout


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("net", ["softmax", "mlp", "lenet"])
def test_the_script_of_the_book_runs_to_its_last_line(shared, tmp_path, net):
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "infer_3.png").write_bytes((shared / "mnist" / "infer_3.png").read_bytes())
    script = shared / "compat" / "seed_scripts" / "recognize_digits_static.py"
    ran = launch(script, cwd=tmp_path, timeout=880, MNIST_DIR=str(shared / "mnist"), NET=net, PASS_NUM="1")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "Inference result of image/infer_3.png is: 3"
    assert (tmp_path / "train_cost_test_cost.png").exists()
