"""Finding a release: the starter, a path, or a download from a real HTTP server that may fail in every usual way."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import socket
import traceback
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path

import httpx
import pandas as pd
import pytest
import stamina

from skillgap.config.logs import configure_logging
from skillgap.errors import ReleaseUnavailable
from skillgap.onet.tables import OPTIONAL_TABLES
from skillgap.sources.releases import (
    Archive,
    find_release,
    is_release_number,
    release_date,
    sha256_of,
)
from skillgap.sources.text_files import OnetData, extract_onet_data
from tests.conftest import onet_zip
from tests.sources.conftest import ReleaseServer


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Retry as often as in production but without waiting, and reach 127.0.0.1 regardless of proxies."""
    monkeypatch.setenv("NO_PROXY", "*")
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    return tmp_path / "made" / "when" / "needed"


@pytest.fixture
def download(release_server: ReleaseServer, cache_dir: Path):
    """Find a release number at the test's server."""

    def download(number: str = "29.0", *, download_url: str = release_server.url, **given: object) -> Archive:
        return find_release(number, **{"cache_dir": cache_dir, "download_url": lambda: download_url} | given)

    return download


def kept(cache_dir: Path) -> list[str]:
    """Return the contents of the cache except its empty lock files."""
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
    assert str(caught.value) == (f"O*NET {number} has an older layout; releases from 20.1 on can be loaded")
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
    with pytest.raises(ReleaseUnavailable, match="the partial download is kept and the next run resumes it"):
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
    [(403, "does O*NET 29.9 exist?", 1), (503, "try again later.", 4)],
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


# -- a release without a text edition ---------------------------------------------------------------------------------


TEXT, CSV = "db_29_0_text.zip", "db_29_0_csv.zip"


def csv_edition(path: Path) -> bytes:
    """Return a text release as O*NET's CSV edition: snake-case names, a BOM, Title and Scale Name, empty for n/a."""
    out = io.BytesIO()
    with zipfile.ZipFile(path) as text, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:

        def rows(name: str) -> list[list[str]]:
            return [line.split("\t") for line in text.read(name).decode().splitlines()]

        folder = path.stem
        titles = {row[0]: row[1] for row in rows(f"{folder}/Occupation Data.txt")}
        scales = {row[0]: row[1] for row in rows(f"{folder}/Scales Reference.txt")}
        for name in text.namelist():
            stem = name.removeprefix(f"{folder}/").removesuffix(".txt")
            if stem == "Read Me" or not name.endswith(".txt"):
                continue
            header, *table = rows(name)
            columns = [[each, *column] for each, column in zip(header, zip(*table, strict=True), strict=True)]
            for key, joined in (("O*NET-SOC Code", titles), ("Scale ID", scales)):
                if key in header and stem not in ("Occupation Data", "Scales Reference"):
                    [place] = [k for k, column in enumerate(columns) if column[0] == key]
                    columns.insert(place + 1, [joined[value] for value in columns[place]])
            file = io.StringIO(newline="")
            csv.writer(file).writerows(
                ["" if value == "n/a" else value for value in row] for row in zip(*columns, strict=True)
            )
            name = f"{folder.replace('_text', '_csv')}/{stem.lower().replace(' ', '_')}.csv"
            zipped.writestr(name, file.getvalue().encode("utf-8-sig"))
    return out.getvalue()


def test_a_release_with_a_csv_edition_alone_is_loaded_from_it(
    download, cache_dir: Path, release_server: ReleaseServer, onet_29: OnetData
):
    release_server.missing, release_server.content = {TEXT}, csv_edition(onet_zip("29_0"))
    archive = download()
    assert archive == Archive(cache_dir / CSV, f"{release_server.url}/{CSV}")
    assert [path for path, _ in release_server.requests] == [f"/database/{TEXT}", f"/database/{CSV}"]
    found = extract_onet_data(archive, also=OPTIONAL_TABLES)
    assert (found.release.number, found.release.date) == ("29.0", None), "without a Read Me, no month is known"
    for table, expected in onet_29.tables.items():
        pd.testing.assert_frame_equal(found.tables[table], expected, obj=table)
    assert {table for table in OPTIONAL_TABLES if not found.tables[table].empty} == {
        table for table in OPTIONAL_TABLES if table not in ("Abilities", "WorkActivities")
    }


def test_a_csv_edition_in_the_cache_stays_in_use(download, cache_dir: Path, release_server: ReleaseServer):
    release_server.missing = {TEXT}
    first = download()
    release_server.missing = set()
    assert (download(), len(release_server.requests)) == (first, 2)
    assert kept(cache_dir) == [CSV, f"{CSV}.json"]
    first.path.write_bytes(b"")
    with pytest.raises(ReleaseUnavailable, match=r"db_29_0_csv\.zip: changed since it was downloaded"):
        download()


def test_a_cut_download_of_a_csv_edition_is_resumed(download, cache_dir: Path, release_server: ReleaseServer):
    cache_dir.mkdir(parents=True)
    (cache_dir / "db_29_0_text.part").write_bytes(b"the rest of which never comes")
    release_server.missing, release_server.cut_after = {TEXT}, [1000] * 4
    with pytest.raises(ReleaseUnavailable, match=r"db_29_0_csv\.zip: .* the next run resumes it"):
        download()
    assert kept(cache_dir) == ["db_29_0_csv.part"]
    assert download().path.read_bytes() == release_server.content
    assert release_server.requests[-1] == (f"/database/{CSV}", "bytes=4000-")


@pytest.mark.parametrize(("status", "way_out"), [(404, "does O*NET 29.9 exist?"), (503, "try again later.")])
def test_without_either_edition_both_are_named(status: int, way_out: str, download, release_server: ReleaseServer):
    release_server.missing, release_server.status = {"db_29_9_text.zip"}, status
    with pytest.raises(ReleaseUnavailable) as caught:
        download("29.9")
    assert str(caught.value) == (
        f"{release_server.url}/db_29_9_text.zip: HTTP 404; {release_server.url}/db_29_9_csv.zip: HTTP {status}; "
        f"{way_out} Releases: https://www.onetcenter.org/db_releases.html"
    )


@pytest.mark.parametrize("status", [403, 500])
def test_another_refusal_than_404_is_not_taken_for_a_missing_edition(
    status: int, download, release_server: ReleaseServer
):
    release_server.status = status
    with pytest.raises(ReleaseUnavailable):
        download()
    assert {path for path, _ in release_server.requests} == {f"/database/{TEXT}"}


# -- passwords --------------------------------------------------------------------------------------------------------

SECRET, TOKEN = "p4ssw%2Frd", "t0ken"


def with_secrets(url: str) -> str:
    return f"{url.replace('://', f'://mirror:{SECRET}@')}?token={TOKEN}"


def has_secret(text: object) -> bool:
    return any(part in str(text) for part in ("p4ssw", TOKEN))


def test_a_password_is_sent_and_neither_shown_nor_stored(download, cache_dir: Path, release_server: ReleaseServer):
    archive = download(download_url=with_secrets(release_server.url))
    assert release_server.credentials == [httpx.BasicAuth("mirror", "p4ssw/rd")._auth_header]
    assert release_server.requests == [(f"/database/{TEXT}?token={TOKEN}", None)]
    masked = f"{release_server.url.replace('://', '://***@')}/{TEXT}?token=***"
    assert archive == Archive(cache_dir / TEXT, masked)
    assert json.loads((cache_dir / f"{TEXT}.json").read_text())["url"] == masked
    assert not any(has_secret(file.read_bytes()) for file in cache_dir.iterdir())


@pytest.mark.parametrize("fault", ["404", "403", "503", "cut", "not a zip", "no server", "not a URL", "/", "?", "@"])
def test_no_failure_of_a_download_shows_the_password(
    fault: str, download, release_server: ReleaseServer, capfd: pytest.CaptureFixture[str]
):
    url = with_secrets(release_server.url)
    match fault:
        case "cut":
            release_server.cut_after = [1000] * 4
        case "not a zip":
            release_server.content = b"<html>"
        case "no server":
            url = f"http://mirror:{SECRET}@127.0.0.1:9/?token={TOKEN}"
        case "not a URL":
            url = f"http://mirror:{SECRET}@[::1"
        case "/" | "?" | "@":
            url = f"http://mirror:7{fault}p4ssw@127.0.0.1:9/"
        case status:
            release_server.status = int(status)
    configure_logging(log_format="json", log_level="debug")
    with pytest.raises(ReleaseUnavailable) as caught:
        download(download_url=url)
    error = "".join(traceback.format_exception(caught.value))
    assert "***@" in str(caught.value)
    assert not has_secret(error)
    assert not has_secret(capfd.readouterr())


def test_a_retry_is_logged_without_the_password_where_logging_is_not_set_up(download, release_server: ReleaseServer):
    release_server.status = 503
    seen: list[object] = []
    stamina.instrumentation.set_on_retry_hooks([lambda details: seen.append((details, repr(details.caused_by)))])
    with pytest.raises(ReleaseUnavailable):
        download(download_url=with_secrets(release_server.url))
    stamina.instrumentation.set_on_retry_hooks([])
    assert len(seen) == 3
    assert not has_secret(seen)


def test_records_with_a_password_are_masked_when_the_cache_is_next_used(
    download, cache_dir: Path, release_server: ReleaseServer
):
    download()
    record, other = cache_dir / f"{TEXT}.json", cache_dir / "db_28_3_text.zip.json"
    noted = json.loads(record.read_text())
    for file in (record, other):
        file.write_text(json.dumps({**noted, "url": f"https://mirror:{SECRET}@example.org/{TEXT}"}))
    (cache_dir / "db_27_0_text.zip.json").write_text("damaged")
    download()
    for file in (record, other):
        assert json.loads(file.read_text()) == {**noted, "url": f"https://***@example.org/{TEXT}"}
    assert len(release_server.requests) == 1


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
        f"{release_server.url}/db_29_0_text.zip: the response is not a complete zip (it begins "
        "b'<html>Welcome to our wireless network</html>'); is there a sign-in page in between?"
    )
    assert kept(cache_dir) == []
    release_server.content = release
    assert download().path.read_bytes() == release


def test_a_cut_that_only_a_length_would_show_is_noticed(download, cache_dir: Path, release_server: ReleaseServer):
    release_server.knows_length = False
    release_server.cut_after = [100_000]
    with pytest.raises(ReleaseUnavailable, match="not a complete zip"):
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
    assert str(caught.value).startswith(f"{tmp_path / 'file'}: cannot store the download there (")
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
