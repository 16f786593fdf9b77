"""Atomic writes: readers see complete files, however many writers there are."""

from __future__ import annotations

import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from skillgap.errors import ConfigurationError
from skillgap.files import atomic_write, sweep

WRITERS, ROUNDS = 4, 40


def content(writer: int) -> bytes:
    """Return the content of a writer, of a distinct length."""
    return bytes([65 + writer]) * (30_000 + 10_000 * writer)


def write_again_and_again(file: Path, writer: int) -> None:
    os.getpid = lambda: 7  # type: ignore[assignment] # as in two containers, whose processes have the same numbers
    for _ in range(ROUNDS):
        with atomic_write(file) as out:
            half = len(content(writer)) // 2
            out.write(content(writer)[:half])
            out.flush()
            out.write(content(writer)[half:])


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def test_two_writers_of_one_file_do_not_mix(tmp_path: Path):
    file = tmp_path / "out"
    with atomic_write(file) as first:
        first.write(b"first " * 10)
        with atomic_write(file) as second:
            second.write(b"second")
        assert file.read_bytes() == b"second"
        first.write(b"to its end")
    assert file.read_bytes() == b"first " * 10 + b"to its end"
    assert names_in(tmp_path) == ["out"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_readers_see_one_writers_content_whole(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "out"
    monkeypatch.setattr(os, "getpid", os.getpid)  # put back: the threads set it too
    with atomic_write(file) as out:
        out.write(content(0))
    known = {content(writer) for writer in range(WRITERS)}
    context = multiprocessing.get_context("forkserver")
    make = threading.Thread if kind == "threads" else context.Process
    writers = [make(target=write_again_and_again, args=(file, writer)) for writer in range(WRITERS)]
    for each in writers:
        each.start()
    reads = 0
    while any(each.is_alive() for each in writers) or reads < 10:
        assert file.read_bytes() in known
        reads += 1
    for each in writers:
        each.join()
        assert getattr(each, "exitcode", 0) == 0
    assert names_in(tmp_path) == ["out"]


def test_an_error_leaves_the_file_before_and_nothing_else(tmp_path: Path):
    file = tmp_path / "out"
    file.write_bytes(b"before")

    def fail() -> None:
        with atomic_write(file) as out:
            out.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert file.read_bytes() == b"before"
    assert names_in(tmp_path) == ["out"]


def test_the_content_is_on_disk_before_it_takes_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    done = []
    sync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        state = os.fstat(descriptor)
        done.append("folder" if stat.S_ISDIR(state.st_mode) else f"{state.st_size} bytes")
        sync(descriptor)

    def replaced(part: Path, file: Path) -> Path:
        done.append("rename")
        return replace(part, file)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    with atomic_write(tmp_path / "out") as out:
        out.write(b"content")
    assert done == ["7 bytes", "rename", "folder"]


def test_a_new_file_has_the_permissions_that_open_gives(tmp_path: Path):
    for mask in (0o022, 0o077, 0o002):
        with umask(mask), atomic_write(tmp_path / f"{mask}") as out:
            out.write(b"x")
        assert stat.S_IMODE((tmp_path / f"{mask}").stat().st_mode) == 0o666 & ~mask


def test_a_replaced_file_keeps_its_permissions(tmp_path: Path):
    file = tmp_path / "out"
    file.touch()
    file.chmod(0o640)
    with atomic_write(file) as out:
        out.write(b"x")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_name_as_long_as_can_be_is_written(tmp_path: Path):
    file = tmp_path / ("é" * 127)
    with atomic_write(file) as out:
        out.write(b"x")
    assert file.read_bytes() == b"x"


def test_a_sweep_removes_what_the_dead_left_and_spares_the_living(tmp_path: Path):
    killed = (
        "import os, pathlib, signal; from skillgap.files import atomic_write\n"
        f"with atomic_write(pathlib.Path({str(tmp_path / 'dead')!r})): os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", killed], check=False).returncode == -signal.SIGKILL
    [left] = names_in(tmp_path)
    with atomic_write(tmp_path / "living") as out:
        sweep(tmp_path)
        assert left not in names_in(tmp_path)
        out.write(b"x")
    assert names_in(tmp_path) == ["living"]
    assert (tmp_path / "living").read_bytes() == b"x"


def test_sweeps_beside_writers_take_nothing_from_them(tmp_path: Path):
    ended = threading.Event()

    def sweep_all_the_time() -> None:
        while not ended.is_set():
            sweep(tmp_path)

    with ThreadPoolExecutor(2) as pool:
        sweeping = pool.submit(sweep_all_the_time)
        try:
            for number in range(200):
                with atomic_write(tmp_path / f"{number}") as out:
                    out.write(b"x")
        finally:
            ended.set()
        sweeping.result()
    assert names_in(tmp_path) == sorted(map(str, range(200)))


def test_a_file_that_cannot_be_written_names_its_place(tmp_path: Path):
    with (
        pytest.raises(ConfigurationError, match=f"the folder {tmp_path}/none does not exist"),
        atomic_write(tmp_path / "none/x"),
    ):
        pass
