"""Finding a release: the starter, a path, or a download from a real HTTP server that may fail in every usual way."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path

import pytest
import stamina

from skillgap.errors import ReleaseUnavailable
from skillgap.sources.onet_text import extract_onet_data
from skillgap.sources.releases import Archive, find_release, is_release_number, release_date, sha256_of
from tests.sources.conftest import ReleaseServer


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Retry as often as in earnest, at once; and reach 127.0.0.1 whatever proxy is set."""
    monkeypatch.setenv("NO_PROXY", "*")
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    return tmp_path / "made" / "when" / "needed"


@pytest.fixture
def download(release_server: ReleaseServer, cache_dir: Path):
    """Find a release number at the test's server."""

    def download(number: str = "29.0", **given: object) -> Archive:
        return find_release(number, **{"cache_dir": cache_dir, "download_url": release_server.url} | given)

    return download


def kept(cache_dir: Path) -> list[str]:
    """Return what the cache holds beside its empty lock files."""
    return sorted(file.name for file in cache_dir.iterdir() if file.suffix != ".lock")


# -- names and paths --------------------------------------------------------------------------------------------------


def test_the_starter_comes_with_the_package(tmp_path: Path):
    archive = find_release("starter", cache_dir=tmp_path / "cache")
    assert (archive.path.name, archive.origin) == ("starter.zip", "starter")
    assert archive.path.is_file()
    assert not (tmp_path / "cache").exists()


def test_a_path_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "db_29_0_text").mkdir()
    monkeypatch.chdir(tmp_path)
    archive = find_release("db_29_0_text", cache_dir=tmp_path)
    assert archive == Archive(Path("db_29_0_text"), str(tmp_path.resolve() / "db_29_0_text"))


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "db.zip").touch()
    assert find_release("~/db.zip", cache_dir=tmp_path).path == tmp_path / "db.zip"


@pytest.mark.parametrize("source", ["latest", "29", "29.00", "v29.0", "29_0", "no/such.zip"])
def test_another_name_is_refused_with_what_would_be_understood(source: str, tmp_path: Path):
    with pytest.raises(ReleaseUnavailable) as caught:
        find_release(source, cache_dir=tmp_path)
    assert str(caught.value) == (
        f"{source}: no such file or folder, and not a release number like 31.0 (nor `starter`)"
    )


@pytest.mark.parametrize("source", ["~no-such-user/db.zip", "x" * 5000])
def test_a_path_that_cannot_be_looked_up_is_refused(source: str, tmp_path: Path):
    with pytest.raises(ReleaseUnavailable, match=r"^(~no-such-user/db\.zip|x+): cannot be looked up \("):
        find_release(source, cache_dir=tmp_path)


@pytest.mark.parametrize("number", ["20.0", "15.1", "05.0"])
def test_a_release_before_20_1_is_refused_without_a_request(number: str, download, release_server: ReleaseServer):
    with pytest.raises(ReleaseUnavailable) as caught:
        download(number)
    assert str(caught.value) == (f"O*NET {number} is laid out in an older way; releases from 20.1 on can be loaded")
    assert release_server.requests == []


def test_a_release_number_is_two_digits_dot_one_digit():
    told = {text: is_release_number(text) for text in ("29.0", "31.1", "9.0", "29.10", "29.0 ", "２９.0", "29,0")}
    assert [text for text, is_number in told.items() if is_number] == ["29.0", "31.1"]


def test_a_month_of_publication_is_its_first_day():
    assert release_date("August 2024") == date(2024, 8, 1)
    with pytest.raises(ValueError, match="Summer 2024"):
        release_date("Summer 2024")


# -- a download that works --------------------------------------------------------------------------------------------


def test_a_download_is_kept_with_a_record_of_it(download, cache_dir: Path, release_server: ReleaseServer):
    archive = download()
    url = f"{release_server.url}/db_29_0_text.zip"
    assert archive == Archive(cache_dir / "db_29_0_text.zip", url)
    assert archive.path.read_bytes() == release_server.content
    record = json.loads((cache_dir / "db_29_0_text.zip.json").read_text())
    assert datetime.fromisoformat(record.pop("downloaded_at")).tzinfo is not None
    assert record == {
        "url": url,
        "size": len(release_server.content),
        "sha256": hashlib.sha256(release_server.content).hexdigest(),
    }
    assert kept(cache_dir) == ["db_29_0_text.zip", "db_29_0_text.zip.json"]


def test_what_was_downloaded_can_be_extracted(download, release_server: ReleaseServer):
    data = extract_onet_data(download())
    assert data.release.number == "29.0"
    assert data.origin == f"{release_server.url}/db_29_0_text.zip"
    assert data.sha256 == hashlib.sha256(release_server.content).hexdigest()


@pytest.mark.parametrize(("number", "name"), [("20.1", "db_20_1_text.zip"), ("31.0", "db_31_0_text.zip")])
def test_the_url_follows_from_the_number(number: str, name: str, download, release_server: ReleaseServer):
    download(number, download_url=f"{release_server.url}/")
    assert release_server.requests == [(f"/database/{name}", None)]


def test_progress_rises_to_the_total(download, release_server: ReleaseServer):
    seen: list[tuple[int, int | None]] = []
    download(on_bytes=lambda done, total: seen.append((done, total)))
    size = len(release_server.content)
    assert seen[-1] == (size, size)
    assert seen == sorted(seen)
    assert {total for _, total in seen} == {size}


def test_progress_counts_the_bytes_of_the_file_where_the_server_would_compress(download, release_server: ReleaseServer):
    release_server.compresses = True
    seen: list[tuple[int, int | None]] = []
    assert download(on_bytes=lambda *each: seen.append(each)).path.read_bytes() == release_server.content
    assert seen[-1] == (len(release_server.content), len(release_server.content))


def test_a_second_call_makes_no_request(download, release_server: ReleaseServer):
    first = download()
    assert download() == first
    assert len(release_server.requests) == 1


# -- a download that fails --------------------------------------------------------------------------------------------


def test_two_at_once_download_once(download, release_server: ReleaseServer):
    with ThreadPoolExecutor(2) as pool:
        archives = list(pool.map(lambda _: download(), range(2)))
    assert archives[0] == archives[1]
    assert archives[0].path.read_bytes() == release_server.content
    assert len(release_server.requests) == 1


def test_a_cut_download_goes_on_where_it_was_cut(download, release_server: ReleaseServer):
    release_server.cut_after = [100_000]
    seen: list[tuple[int, int | None]] = []
    archive = download(on_bytes=lambda done, total: seen.append((done, total)))
    assert [asked for _, asked in release_server.requests] == [None, "bytes=100000-"]
    assert archive.path.read_bytes() == release_server.content
    assert seen[-1] == (len(release_server.content), len(release_server.content))
    assert seen == sorted(seen)


def test_after_four_cuts_the_next_run_goes_on(download, cache_dir: Path, release_server: ReleaseServer):
    release_server.cut_after = [1000, 1000, 1000, 1000]
    with pytest.raises(ReleaseUnavailable, match="what was downloaded is kept and the next run goes on from there"):
        download()
    assert len(release_server.requests) == 4
    assert kept(cache_dir) == ["db_29_0_text.part"]
    archive = download()
    asked = [asked for _, asked in release_server.requests]
    assert asked == [None, "bytes=1000-", "bytes=2000-", "bytes=3000-", "bytes=4000-"]
    assert archive.path.read_bytes() == release_server.content


def test_a_server_that_ignores_the_range_sends_the_whole_file(download, cache_dir: Path, release_server: ReleaseServer):
    release_server.knows_ranges = False
    release_server.cut_after = [100_000]
    seen: list[tuple[int, int | None]] = []
    archive = download(on_bytes=lambda *each: seen.append(each))
    assert [asked for _, asked in release_server.requests] == [None, "bytes=100000-"]
    assert archive.path.read_bytes() == release_server.content
    assert seen[-1] == (len(release_server.content), len(release_server.content))


@pytest.mark.parametrize("more", [0, 7])
def test_a_part_that_does_not_fit_is_thrown_away(more: int, download, cache_dir: Path, release_server: ReleaseServer):
    size = len(release_server.content) + more
    cache_dir.mkdir(parents=True)
    (cache_dir / "db_29_0_text.part").write_bytes(b"x" * size)
    archive = download()
    assert [asked for _, asked in release_server.requests] == [f"bytes={size}-", None]
    assert archive.path.read_bytes() == release_server.content


@pytest.mark.parametrize(
    ("status", "way_out", "requests"),
    [(403, "does O*NET 29.9 exist?", 1), (404, "does O*NET 29.9 exist?", 1), (503, "try again later.", 4)],
)
def test_a_refusal_names_url_and_status_and_where_releases_are_listed(
    status: int, way_out: str, requests: int, download, cache_dir: Path, release_server: ReleaseServer
):
    release_server.status = status
    with pytest.raises(ReleaseUnavailable) as caught:
        download("29.9")
    assert str(caught.value) == (
        f"{release_server.url}/db_29_9_text.zip: HTTP {status}; {way_out} "
        "Releases: https://www.onetcenter.org/db_releases.html"
    )
    assert len(release_server.requests) == requests
    assert kept(cache_dir) == []


def test_without_a_server_the_way_out_is_said(download):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ReleaseUnavailable) as caught:
            download(download_url=url)
    assert str(caught.value).startswith(f"{url}/db_29_0_text.zip: ")
    assert "Without network access, get the zip by other means and load its path, or load `starter`" in str(
        caught.value
    )


@pytest.mark.parametrize("url", ["http://[::1", "www.onetcenter.org/database"])
def test_a_download_url_that_is_none_is_reported(url: str, download):
    with pytest.raises(ReleaseUnavailable) as caught:
        download(download_url=url)
    assert str(caught.value).startswith(f"{url}/db_29_0_text.zip: ")


def test_a_sign_in_page_is_not_kept_as_a_release(download, cache_dir: Path, release_server: ReleaseServer):
    release, release_server.content = release_server.content, b"<html>Welcome to our wireless network</html>"
    with pytest.raises(ReleaseUnavailable) as caught:
        download()
    assert str(caught.value) == (
        f"{release_server.url}/db_29_0_text.zip: what came is not a whole zip (it begins "
        "b'<html>Welcome to our wireless network</html>'); is there a sign-in page in between?"
    )
    assert kept(cache_dir) == []
    release_server.content = release
    assert download().path.read_bytes() == release


def test_a_cut_that_only_a_length_would_show_is_noticed(download, cache_dir: Path, release_server: ReleaseServer):
    release_server.knows_length = False
    release_server.cut_after = [100_000]
    with pytest.raises(ReleaseUnavailable, match="not a whole zip"):
        download()
    totals: list[int | None] = []
    assert download(on_bytes=lambda _, total: totals.append(total)).path.read_bytes() == release_server.content
    assert set(totals) == {None}


# -- the cache --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", [b"", b"x"])
def test_a_file_changed_after_its_download_is_refused(last: bytes, download, release_server: ReleaseServer):
    path = download().path
    path.write_bytes(release_server.content[:-1] + last)
    downloaded_at = json.loads(path.with_suffix(".zip.json").read_text())["downloaded_at"]
    with pytest.raises(ReleaseUnavailable) as caught:
        download()
    assert str(caught.value) == (
        f"{path}: changed since it was downloaded on {downloaded_at} (SHA-256 differs); delete it and load again"
    )
    path.unlink()
    assert download().path.read_bytes() == release_server.content


@pytest.mark.parametrize("record", ["", "[]", '{"url": "x"}', "\udcff"])
def test_a_damaged_record_is_refused_until_it_is_deleted(
    record: str, download, cache_dir: Path, release_server: ReleaseServer
):
    download()
    file = cache_dir / "db_29_0_text.zip.json"
    file.write_bytes(record.encode(errors="surrogateescape"))
    with pytest.raises(ReleaseUnavailable, match=r"db_29_0_text\.zip\.json: cannot be read .*; delete it and load"):
        download()
    file.unlink()
    assert download().path.read_bytes() == release_server.content


def test_a_cache_dir_that_is_a_file_is_reported(tmp_path: Path, download, release_server: ReleaseServer):
    (tmp_path / "file").touch()
    with pytest.raises(ReleaseUnavailable) as caught:
        download(cache_dir=tmp_path / "file")
    assert str(caught.value).startswith(f"{tmp_path / 'file'}: cannot keep the download there (")
    assert release_server.requests == []


# -- checksums --------------------------------------------------------------------------------------------------------


def test_the_checksum_of_a_file_is_its_sha_256(tmp_path: Path):
    (tmp_path / "abc").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert sha256_of(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_checksum_of_a_folder_depends_on_the_names_and_contents_of_its_files(tmp_path: Path):
    def checksum(folder: str, files: dict[str, bytes]) -> str:
        (tmp_path / folder / "below").mkdir(parents=True)
        (tmp_path / folder / "below" / folder).touch()
        for name, content in files.items():
            (tmp_path / folder / name).write_bytes(content)
        return sha256_of(tmp_path / folder)

    first = checksum("first", {"a": b"1", "b": b"2"})
    assert checksum("same in another order", {"b": b"2", "a": b"1"}) == first
    assert checksum("another name", {"a": b"1", "c": b"2"}) != first
    assert checksum("another content", {"a": b"1", "b": b"3"}) != first


def test_the_checksum_of_a_folder_does_not_depend_on_the_order_it_is_listed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(name.encode())
    listed = list(tmp_path.iterdir())
    checksums = []
    for order in (listed, listed[::-1]):
        monkeypatch.setattr(Path, "iterdir", lambda _, order=order: iter(order))
        checksums.append(sha256_of(tmp_path))
    assert checksums[0] == checksums[1]
