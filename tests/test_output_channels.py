"""Results reach their files whatever becomes of the output: closed pipes, full disks, devices, links, sudden death."""

from __future__ import annotations

import errno
import io
import os
import stat
import subprocess
import sys
import threading

import pytest

import nn
from autograd.files import remove_partial_files, written
from nn.commands.arguments import coloured
from nn.commands.channel import Channel
from tests.test_command_line import DRAW, ENVIRONMENT, at_once

pytestmark = pytest.mark.skipif(os.name == "nt", reason="devices, links and signals of POSIX")
TRAIN = ["train", "iris", "--epochs", "1"]
OLD, NEW = b"old " * 500, b"new " * 3000


def python(code, cwd, **options):
    """Run a script in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=ENVIRONMENT, capture_output=True, check=False, **options
    )


def shell(line, cwd, **environment):
    """Run a line of bash in which `$nn` is the command line of this checkout."""
    line = f"nn='{sys.executable} -m nn'; {line}"
    return subprocess.run(
        ["bash", "-c", line], cwd=cwd, env=ENVIRONMENT | environment, capture_output=True, encoding="utf-8", check=False
    )


def quoted(arguments):
    return " ".join(f"'{argument}'" for argument in arguments)


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


# --- one file -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_a_file_keeps_its_mode(tmp_path, mode):
    path = tmp_path / "a.npz"
    path.write_bytes(OLD)
    path.chmod(mode)
    written(path, NEW)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (NEW, mode)


def test_a_new_file_gets_the_mode_of_every_new_file(tmp_path):
    before = os.umask(0o027)
    try:
        written(tmp_path / "a", NEW)
    finally:
        assert os.umask(before) == 0o027
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_the_mask_of_the_process_is_never_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "umask", lambda _: pytest.fail("the mask belongs to all threads"))
    written(tmp_path / "a", NEW)


def test_a_link_stays_and_what_it_means_is_written(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a").write_bytes(OLD)
    (tmp_path / "first").symlink_to("second")
    (tmp_path / "second").symlink_to("data/a")
    (tmp_path / "nowhere").symlink_to("data/b")
    for link in ("first", "nowhere"):
        written(tmp_path / link, NEW)
        assert (tmp_path / link).is_symlink()
        assert (tmp_path / link).read_bytes() == NEW
    assert names(tmp_path / "data") == ["a", "b"]


def test_links_in_a_loop_are_refused(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match=str(tmp_path / "a")) as error:
        written(tmp_path / "a", NEW)
    assert error.value.errno == errno.ELOOP
    assert names(tmp_path) == ["a", "b"]


def test_a_device_is_written_to(tmp_path):
    device = tmp_path / "null"
    try:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        device.open("wb").close()
    except OSError:
        pytest.skip("no devices can be made here")
    written(device, NEW)
    assert stat.S_ISCHR(device.stat().st_mode)
    assert names(tmp_path) == ["null"]


def test_a_pipe_is_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    written(pipe, NEW)
    reader.join()
    assert read == [NEW]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "log", "link"])
def test_the_standard_output_is_added_to_and_not_replaced(tmp_path, path):
    if path.startswith("/") and not os.path.exists(path):
        pytest.skip("this system has no such path")
    (tmp_path / "link").symlink_to("/dev/stdout")
    code = f"from autograd.files import written; print('before'); written({path!r}, b'between\\n'); print('after')"
    with open(tmp_path / "log", "wb") as log:
        result = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=ENVIRONMENT, stdout=log, stderr=subprocess.PIPE, check=False
        )
    assert result.stderr == b""
    assert (tmp_path / "log").read_bytes() == b"before\nbetween\nafter\n"


def test_another_descriptor_is_written_to(tmp_path):
    with open(tmp_path / "log", "wb") as log:
        log.write(b"before\n")
        log.flush()
        written(f"/dev/fd/{log.fileno()}", b"after\n")
    assert (tmp_path / "log").read_bytes() == b"before\nafter\n"


def test_a_name_as_long_as_names_can_be_is_written(tmp_path):
    path = tmp_path / ("x" * 255)
    written(path, NEW)
    assert names(tmp_path) == [path.name]


def test_a_full_disk_names_the_file_and_leaves_the_old_one(tmp_path):
    (tmp_path / "a").write_bytes(OLD)
    code = (
        "import resource; from autograd.files import written\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: written('a', b'new ' * 3000)\n"
        "except OSError as error: print(error)\n"
    )
    assert b"'a'" in python(code, tmp_path).stdout
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == OLD
    with pytest.raises(OSError, match="/dev/full") as error:
        written("/dev/full", NEW)
    assert error.value.errno == errno.ENOSPC


DYING = """
import os, sys
import autograd.files as files

def death(line):
    count = 0
    def trace(frame, event, _):
        nonlocal count
        if frame.f_code.co_filename != files.__file__:
            return None
        count += event == "line"
        if count > line:
            os._exit(9)
        return trace
    return trace

line = 0
while True:
    with open("a", "wb") as file:
        file.write(b"old " * 500)
    child = os.fork()
    if not child:
        sys.settrace(death(line))
        files.written("a", b"new " * 3000)
        sys.settrace(None)
        os._exit(0)
    died = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with open("a", "rb") as file:
        found = file.read()
    assert found in (b"old " * 500, b"new " * 3000), line
    files.remove_partial_files("a")
    assert os.listdir() == ["a"], os.listdir()
    if died == 0:
        break
    line += 1
print(line, found[:3].decode())
"""


def test_who_dies_while_writing_leaves_the_old_file_or_the_new_one(tmp_path):
    result = python(DYING, tmp_path)
    assert result.stderr == b""
    lines, last = result.stdout.split()
    assert int(lines) > 20
    assert last == b"new"


def test_what_killed_writers_left_is_told_by_the_name(tmp_path):
    for name in (".a.0123.partial", ".b.0123.partial", "a.partial"):
        (tmp_path / name).touch()
    remove_partial_files(tmp_path / "a")
    assert names(tmp_path) == [".b.0123.partial", "a.partial"]


# --- the standard output of a command -------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        (f"$nn {quoted(TRAIN)} | head -n 1; exit ${{PIPESTATUS[0]}}", 0, ""),
        (f"$nn {quoted(TRAIN)} > /dev/full", 1, "deltagrad: error: the standard output: No space left on device\n"),
        (f"$nn {quoted(TRAIN)} >&-", 0, ""),
        (f"$nn {quoted(TRAIN)} 2>&-", 0, ""),
        (f"$nn {quoted(TRAIN)} >&- 2>&- <&-", 0, ""),
    ],
)
def test_the_model_is_saved_whatever_becomes_of_the_output(tmp_path, line, code, message):
    result = shell(line, tmp_path, COLUMNS="abc")
    assert (result.returncode, result.stderr) == (code, message)
    assert nn.load(tmp_path / "model.npz").n_in == 4
    assert names(tmp_path) == ["model.npz"]


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        (f"$nn {quoted(DRAW)} | true; exit ${{PIPESTATUS[0]}}", 1, ""),
        (f"$nn {quoted(DRAW)} > /dev/full", 1, "deltagrad: error: the standard output: No space left on device\n"),
        (f"$nn {quoted(DRAW)} >&-", 0, ""),
        ("$nn --help > /dev/full", 1, "deltagrad: error: the standard output: No space left on device\n"),
        ("$nn derive 3-4-2 | head -n 1 > /dev/null; exit ${PIPESTATUS[0]}", None, ""),
        ("$nn draw > /dev/full 2> /dev/full", 2, ""),
        ("$nn draw 'log(x)' --at x=-1 2>&-", 1, ""),
    ],
)
def test_an_output_that_nobody_takes_ends_without_a_traceback(tmp_path, line, code, message):
    result = shell(line, tmp_path)
    assert result.stderr == message
    assert code is None or result.returncode == code


def test_a_width_that_is_no_number_is_none(tmp_path):
    for columns in ("abc", "0", "-5", "1", "9" * 30):
        result = at_once("draw", "--help", cwd=tmp_path, COLUMNS=columns)
        assert (result.returncode, result.stderr) == (0, "")
        assert "examples:" in result.stdout
    narrow, forty = (at_once("draw", "--help", cwd=tmp_path, COLUMNS=columns).stdout for columns in ("1", "40"))
    assert narrow == forty  # narrower than that nothing is laid out


def test_a_file_as_output_gets_the_picture_and_the_lines(tmp_path):
    (tmp_path / "out.svg").symlink_to("/dev/stdout")
    result = shell(f"$nn {quoted(DRAW)} -o out.svg > log", tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    text = (tmp_path / "log").read_text(encoding="utf-8")
    assert "</svg>" in text
    assert "wrote out.svg" in text


def test_a_full_disk_under_a_model_names_it(tmp_path):
    result = shell(f"ulimit -f 1; $nn {quoted(TRAIN)} --hidden 64 -o kept.npz > /dev/null", tmp_path)
    assert result.returncode == 1
    assert result.stderr == "deltagrad: error: kept.npz: File too large\n"
    assert names(tmp_path) == []


# --- what a terminal shows ------------------------------------------------------------------------

EVIL = "a\x1b[2J\x07\u202eb\x9b1m"
SHOWN = r"a\x1b[2J\x07\u202eb\x9b1m"


def test_escapes_in_classes_columns_and_files_are_shown_and_not_obeyed(tmp_path):
    rows = "".join(f"{k},{EVIL if k % 2 else 'plain'}\n" for k in range(20))
    (tmp_path / f"{EVIL}.csv").write_text(f"x,{EVIL}\n{rows}", encoding="utf-8")
    (tmp_path / "bad.csv").write_text(f"x,{EVIL}\n1,\n", encoding="utf-8")
    commands = [
        ["train", f"{EVIL}.csv", "--epochs", "1", "-o", f"{EVIL}.npz"],
        ["train", "bad.csv"],
        ["train", EVIL],
        ["predict", f"{EVIL}.npz", "bad.csv"],
        ["draw", f"{EVIL}+x", "--at", "x=1"],
        ["draw", "x", "--at", f"{EVIL}=1"],
        [EVIL],
    ]
    for command in commands:
        result = at_once(*command, cwd=tmp_path, COLUMNS="500")
        for text in (result.stderr, result.stdout if command[0] != "predict" else ""):  # whose output is data
            assert {c for c in text if not c.isprintable()} <= {"\n"}, command
        assert "Traceback" not in result.stderr
    assert SHOWN in result.stderr


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_data_are_escaped_for_a_terminal_and_for_no_other_program():
    for stream, expected in ((Terminal(), SHOWN), (io.StringIO(), EVIL)):
        Channel(stream).write_data(EVIL)
        assert stream.getvalue() == expected
    terminal = Terminal()
    print(coloured(f"{EVIL}", "bold", terminal), file=Channel(terminal))
    assert terminal.getvalue() in (f"\x1b[1m{SHOWN}\x1b[0m\n", f"{SHOWN}\n")


def test_labels_are_shown_escaped():
    import viz
    from autograd import Value, explain, lift

    x, w = Value(-1.0, EVIL), Value(2.0, "w")
    y = x * w + x
    texts = [viz.to_text(y, color=False), repr(x), repr(y), str(explain(y, x)), str(lift(y).report()), lift(y).source]
    texts.append(lift(y, {"x": [w]}).equations())
    with pytest.raises(ArithmeticError) as error:
        x.log()
    texts.append(str(error.value))
    for text in texts:
        assert {c for c in text if not c.isprintable()} <= {"\n"}
    assert SHOWN[:8] in texts[0]
    assert SHOWN in texts[-1]
