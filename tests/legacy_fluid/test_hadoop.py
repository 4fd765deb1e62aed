"""Files in Hadoop: the clients of fluid, with a program `hadoop` that keeps the files of this test in a folder."""

import pytest

from legacy_fluid.beside.fs_wrapper import BDFS
from legacy_fluid.contrib import HDFSClient, multi_download, multi_upload
from legacy_fluid.incubate.fleet.utils import hdfs

PROGRAM = r"""#!/bin/sh
echo "$@" >> "$HADOOP_TEST/log"
shift
while case "$1" in -D*) settings="$settings$1 " ;; *) false ;; esac do shift; done
[ "$settings" = "-Dfs.default.name=hdfs://here:9000 -Dhadoop.job.ugi=user,secret " ] || exit 9
root="$HADOOP_TEST/root"
list() {
    echo "Found some items"
    find "$root$1" -mindepth 1 $2 $3 | sort | while read -r path; do
        [ -d "$path" ] && mode=drwxr-xr-x || mode=-rw-r--r--
        case "$path" in *-1) year=2018 ;; *) year=2020 ;; esac
        echo "$mode   1 user group 11 $year-05-09 17:30 ${path#"$root"}"
    done
}
case "$1" in
    -test) test "$2" "$root$3" ;;
    -ls) list "$2" -maxdepth 1 ;;
    -lsr) list "$2" ;;
    -cat) cat "$root$2" && echo ;;
    -mkdir) mkdir "$root$2" ;;
    -rm) rm "$root$2" ;;
    -rmr) rm -r "$root$2" ;;
    -mv) mv "$root$2" "$root$3" ;;
    -put) cp -R "$2" "$root$3" ;;
    -get) cp -R "$root$2" "$3" ;;
esac
"""
"""The commands that the clients give, on files below a folder, of which those named -1 are older; and a log of them."""

SETTINGS = {"fs.default.name": "hdfs://here:9000", "hadoop.job.ugi": "user,secret"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The folder of the installation."""
    monkeypatch.setenv("HADOOP_TEST", str(tmp_path))
    program = tmp_path / "bin" / "hadoop"
    program.parent.mkdir()
    (tmp_path / "root").mkdir()
    program.write_text(PROGRAM, encoding="utf-8")
    program.chmod(0o755)
    return tmp_path


@pytest.fixture
def there(home):
    """The folder that stands for Hadoop's files, with some."""
    root = home / "root"
    for name in ("data/part-0", "data/part-1", "data/more/part-2"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(name, encoding="utf-8")
    return root


@pytest.fixture(params=[HDFSClient, hdfs.HDFSClient], ids=["contrib", "incubate"])
def client(request, home, monkeypatch):
    monkeypatch.setattr(hdfs.HDFSClient, "_seconds_between_tries", 0)
    return request.param(str(home), SETTINGS)


@pytest.fixture
def here(tmp_path):
    """A folder of this machine, with files."""
    folder = tmp_path / "here"
    (folder / "below").mkdir(parents=True)
    for name in ("a", "b", "below/c"):
        (folder / name).write_text(name, encoding="utf-8")
    return folder


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_both_clients_do_with_files_and_folders(client, there):
    assert client.ls("/data") == ["/data/more", "/data/part-0", "/data/part-1"]
    assert client.ls("/nothing") == []
    assert [client.is_exist(path) for path in ("/data", "/data/part-0", "/nothing")] == [True, True, False]
    assert [client.is_dir(path) for path in ("/data", "/data/part-0", "/nothing")] == [True, False, False]
    assert [client.makedirs(path) for path in ("/new", "/new", "/no/parent")] == [True, None, False]
    assert [client.rename("/data/part-0", "/new/part"), client.rename("/nothing", "/new/part")] == [True, False]
    assert [client.delete(path) for path in ("/data/part-1", "/data/more", "/nothing")] == [True, True, True]
    assert names(there) == {"new/part"}


def test_a_command_that_fails_is_tried_again_and_told(client, home, there, caplog):
    assert client.makedirs("/no/parent") is False
    assert [line.split()[-2] for line in (home / "log").read_text().splitlines()] == ["-e", "-mkdir", "-mkdir"]
    told = {record.getMessage() for record in caplog.records}
    assert len(told) == 1
    assert told.pop().startswith("hadoop fs -mkdir /no/parent ended with 1: mkdir")


def test_folders_of_this_machine_are_made_once(client, tmp_path):
    for _ in range(2):
        client.make_local_dirs(str(tmp_path / "x" / "y"))
    assert (tmp_path / "x" / "y").is_dir()


# --- contrib: one file, or all below a folder ---


@pytest.fixture
def single(home):
    return HDFSClient(str(home), SETTINGS)


def test_a_file_is_uploaded_once_unless_it_is_to_be_overwritten(single, there, here):
    assert single.upload("/up", str(here / "a")) is True
    assert single.upload("/up", str(here / "a")) is False
    (here / "a").write_text("new", encoding="utf-8")
    assert single.upload("/up", str(here / "a"), overwrite=True) is True
    assert (there / "up" / "a").read_text() == "new"
    assert single.upload("/up", str(here / "below")) is False  # a folder
    with pytest.raises(AssertionError, match="there is no file"):
        single.upload("/up", str(here / "nothing"))


def test_a_file_is_downloaded_once_unless_it_is_to_be_overwritten(single, there, tmp_path):
    target = tmp_path / "down"
    assert single.download("/data/part-0", str(target)) is True
    assert single.download("/data/part-0", str(target)) is False
    (there / "data" / "part-0").write_text("new", encoding="utf-8")
    assert single.download("/data/part-0", str(target), overwrite=True) is True
    assert (target / "part-0").read_text() == "new"
    assert single.download("/data/nothing", str(target)) is False


def test_all_below_a_folder_is_listed_the_oldest_first(single, there):
    assert single.lsr("/data") == ["/data/part-1", "/data/more/part-2", "/data/part-0"]
    assert single.lsr("/data", only_file=False, sort=False)[0] == "/data/more"


def test_workers_download_a_part_each(single, there, tmp_path):
    parts = [multi_download(single, "/data", str(tmp_path / "down"), worker, 2) for worker in range(2)]
    assert [len(part) for part in parts] == [2, 1]
    assert names(tmp_path / "down") == {"part-0", "part-1", "more/part-2"}
    assert sorted(parts[0] + parts[1]) == sorted(str(tmp_path / "down" / name) for name in names(tmp_path / "down"))


def test_all_files_of_a_folder_are_uploaded(single, home, here):
    (home / "root" / "up").mkdir()
    multi_upload(single, "/up", str(here))
    assert names(home / "root") == {"up/a", "up/b", "up/below/c"}
    with pytest.raises(AssertionError, match="takes an HDFSClient, not None"):
        multi_upload(None, "/up", str(here))


# --- incubate: a folder at once ---


@pytest.fixture
def whole(home):
    return hdfs.HDFSClient(str(home), SETTINGS)


def test_a_folder_is_downloaded(whole, there, tmp_path):
    files = whole.download("/data", str(tmp_path / "down"))
    assert files == [str(tmp_path / "down" / name) for name in ("more/part-2", "part-0", "part-1")]
    assert (tmp_path / "down" / "part-1").read_text() == "data/part-1"


def test_a_folder_is_uploaded_into_an_emptied_one_where_asked_to(whole, there, here):
    whole.upload("/data", str(here))
    assert names(there / "data") == {"part-0", "part-1", "more/part-2", "a", "b", "below/c"}
    whole.upload("/data", str(here), overwrite=True)
    assert names(there / "data") == {"a", "b", "below/c"}
    whole.upload("/data", str(here / "nothing"))
    assert whole.upload_dir("/dirs/", f"{here}/") is True
    assert whole.upload_dir("/dirs", str(here), overwrite=True) is True
    assert names(there / "dirs") == {"here/a", "here/b", "here/below/c"}


def test_files_are_read_and_listed(whole, there):
    assert [whole.is_file(path) for path in ("/data/part-0", "/data", "/nothing")] == [True, False, False]
    assert [whole.cat(path) for path in ("/data/part-0", "/data")] == ["data/part-0", ""]
    assert whole.lsr("/data", excludes=["/data/part-0"]) == ["/data/more/part-2", "/data/part-1"]


def test_workers_get_neighbours():
    parts = [hdfs.HDFSClient.split_files(["1", "2", "3", "4", "5"], worker, 3) for worker in range(3)]
    assert parts == [["1", "2"], ["3", "4"], ["5"]]


# --- the file system of a checkpoint ---


def test_a_file_system_of_checkpoints(home, there, here, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{home / 'bin'}:/usr/bin:/bin")
    fs = BDFS(SETTINGS["fs.default.name"], SETTINGS["hadoop.job.ugi"])
    assert fs.need_upload_download()
    assert (fs.ls_dir("/data"), fs.list_dirs("/data")) == ((["more"], ["part-0", "part-1"]), ["more"])
    assert fs.list_dirs("/nothing") == []
    assert [fs.is_dir("/data"), fs.is_dir("/data/part-0"), fs.stat("/nothing")] == [True, False, False]
    for _ in range(2):
        fs.mkdir("/new")
    fs.mv("/data/part-0", "/new/part-0")
    fs.upload(str(here), "/new")
    fs.download("/new/here", str(tmp_path / "back"))
    assert names(tmp_path / "back") == {"a", "b", "below/c"}
    for path in ("/data/part-1", "/new/here", "/nothing"):
        fs.delete(path)
    assert names(there) == {"data/more/part-2", "new/part-0"}
    with pytest.raises(OSError, match="hadoop fs -mv /nothing /new ended with 1"):
        fs.mv("/nothing", "/new")
