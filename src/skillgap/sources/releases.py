"""Releases on disk: a path, the starter data, or a cached download.

Release history: https://www.onetcenter.org/db_releases.html.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import httpx
import stamina
from filelock import FileLock

from skillgap.errors import ReleaseUnavailable
from skillgap.files import atomic_write
from skillgap.urls import masked_url, masked_urls

DOWNLOAD_URL = "https://www.onetcenter.org/dl_files/database"
DownloadUrl = Callable[[], str]
"""Returns the URL of the download folder. Called only for a download, so other sources ignore an invalid setting."""
STARTER = "starter"

_LONGEST_SHOWN = 200
_FIRST = (20, 1)
_EDITIONS = ("text", "csv")
"""Editions in the order they are tried. Not every release has a text edition: O*NET documents only CSV for 31.0."""
_NUMBER = re.compile(r"([0-9]{2})\.([0-9])")

OnBytes = Callable[[int, int | None], None]
"""Called with the bytes received so far and the total, if known."""


@dataclass(frozen=True)
class Archive:
    """A release on disk and its origin."""

    path: Path
    """A folder or a zip."""
    origin: str
    """A URL without password, a path, or `starter`."""


@dataclass(frozen=True)
class DownloadRecord:
    """The record stored next to a downloaded zip."""

    url: str
    size: int
    sha256: str
    downloaded_at: str


def is_release_number(text: str) -> bool:
    """Return whether a text is a release number such as `29.0`, and not a path."""
    return _NUMBER.fullmatch(text) is not None


def find_release(
    source: str, *, cache_dir: Path, download_url: DownloadUrl = lambda: DOWNLOAD_URL, on_bytes: OnBytes | None = None
) -> Archive:
    """Return the release named by `starter`, a release number, or the path of a folder or zip.

    A release given by number is downloaded once and kept in `cache_dir`. `download_url` is called for a download only.
    Raises ReleaseUnavailable, and what `download_url` raises.
    """
    if source == STARTER:
        return Archive(Path(__file__).parent / "starter" / "starter.zip", STARTER)
    path = _on_disk(source)
    if path is not None:
        return Archive(path, str(path.resolve()))
    if not is_release_number(source):
        shown = source if len(source) <= _LONGEST_SHOWN else f"{source[:_LONGEST_SHOWN]}…"
        raise ReleaseUnavailable(
            f"{shown or 'no source'}: no such file or folder, and not a release number like 31.0 (nor `{STARTER}`)"
        )
    return _download(source, cache_dir, download_url(), on_bytes)


def _on_disk(source: str) -> Path | None:
    try:
        path = Path(source).expanduser()
        return path if source and path.exists() else None  # an empty path would be the current folder
    except (OSError, RuntimeError) as error:  # a name too long, a folder without access, an unknown ~user
        raise ReleaseUnavailable(f"{source}: cannot be looked up ({error})") from error


def _download(number: str, cache_dir: Path, download_url: str, on_bytes: OnBytes | None) -> Archive:
    major, minor = (int(part) for part in number.split("."))
    if (major, minor) < _FIRST:
        raise ReleaseUnavailable(f"O*NET {number} has an older layout; releases from 20.1 on can be loaded")
    base, mark, query = download_url.partition("?")
    editions = [
        _Edition(f"{base.rstrip('/')}/{name}{mark}{query}", cache_dir / name)
        for name in (f"db_{major}_{minor}_{edition}.zip" for edition in _EDITIONS)
    ]
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(
            editions[0].target.with_suffix(".lock")
        ):  # a second process waits for the first and uses its download
            _mask_records(cache_dir)
            return _kept(editions) or _first_there(editions, number, on_bytes)
    except OSError as error:
        raise ReleaseUnavailable(
            f"{cache_dir}: cannot store the download there ({error}); set SKILLGAP_CACHE_DIR to another folder"
        ) from error


@dataclass(frozen=True)
class _Edition:
    """One zip file of a release."""

    url: str = field(repr=False)
    """May contain a password, so only requests use it."""
    target: Path

    @property
    def shown(self) -> str:
        """The URL for messages and records."""
        return masked_url(self.url)

    @property
    def record(self) -> Path:
        return self.target.with_name(f"{self.target.name}.json")

    @property
    def part(self) -> Path:
        return self.target.with_suffix(".part")


def _kept(editions: Sequence[_Edition]) -> Archive | None:
    """Return the edition that was downloaded earlier, if any. Raises ReleaseUnavailable if it has changed since."""
    for edition in editions:
        if edition.target.exists() and edition.record.exists():
            _check(edition.target, edition.record)
            return Archive(edition.target, edition.shown)
    return None


def _first_there(editions: Sequence[_Edition], number: str, on_bytes: OnBytes | None) -> Archive:
    """Download the first edition that the server has. Raises ReleaseUnavailable, which names every URL tried."""
    tried: list[str] = []
    for edition in editions:
        try:
            return _get(edition, on_bytes)
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            tried.append(f"{edition.shown}: HTTP {status}")
            if status != httpx.codes.NOT_FOUND:
                break
            edition.part.unlink(missing_ok=True)  # it cannot be resumed
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            kept = "; the partial download is kept and the next run resumes it" if edition.part.exists() else ""
            raise ReleaseUnavailable(
                f"{edition.shown}: {_reason(error, edition.url)}. Without network access, get the zip by other means "
                f"and load its path, or load `{STARTER}`{kept}"
            ) from None  # a chained exception may quote the URL
    way_out = "try again later." if httpx.codes.is_server_error(status) else f"does O*NET {number} exist?"
    raise ReleaseUnavailable(
        f"{'; '.join(tried)}; {way_out} Releases: https://www.onetcenter.org/db_releases.html"
    ) from None


def _reason(error: Exception, url: str) -> str:
    """Return the reason why a request failed, without any password."""
    if isinstance(error, httpx.InvalidURL) and "@" in url:  # its text may quote a part of the password
        return "not a URL; in a user name or password, write / as %2F, : as %3A, ? as %3F, # as %23 and @ as %40"
    return masked_urls(str(error)) or type(error).__name__


def _get(edition: _Edition, on_bytes: OnBytes | None) -> Archive:
    """Download an edition, or resume its partial download, and record its origin."""
    # The decorator form would quote the URL in its log lines.
    for attempt in stamina.retry_context(on=_is_worth_a_retry, attempts=4, wait_max=5.0):
        with attempt:
            _fetch(edition.url, edition.part, on_bytes)
    _check_is_zip(edition.part, edition.shown)
    size, digest = edition.part.stat().st_size, sha256_of(edition.part)
    _write_record(edition.record, DownloadRecord(edition.shown, size, digest, datetime.now().astimezone().isoformat()))
    edition.part.replace(edition.target)
    return Archive(edition.target, edition.shown)


def _write_record(record: Path, done: DownloadRecord) -> None:
    with atomic_write(record) as file:
        file.write(json.dumps(asdict(done), indent=2).encode())


def _mask_records(cache_dir: Path) -> None:
    """Mask the passwords that version 0.1.0 stored in the URLs of records."""
    for record in cache_dir.glob("db_*.zip.json"):
        with suppress(OSError, ValueError, TypeError):  # a damaged record is reported when its release is loaded
            stored = DownloadRecord(**json.loads(record.read_text()))
            if stored.url != (shown := masked_url(stored.url)):
                _write_record(record, replace(stored, url=shown))


def _is_worth_a_retry(error: Exception) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.is_server_error
    return isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol)


def _fetch(url: str, part: Path, on_bytes: OnBytes | None) -> None:
    """Download the file at `url`, or the rest of it, into `part`."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    address, auth = _without_password(httpx.URL(url))
    with httpx.stream("GET", address, auth=auth, headers=headers, follow_redirects=True, timeout=30.0) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink()  # it is longer than the file, so it is another file: start again
            raise httpx.ReadError("the partial download does not fit the file")
        if not response.is_success:  # not raise_for_status, whose text quotes the URL
            text = f"{masked_url(url)}: HTTP {response.status_code}"
            raise httpx.HTTPStatusError(text, request=response.request, response=response)
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        done = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else None
        with part.open("ab" if resumed else "wb") as file:
            for chunk in response.iter_bytes():
                file.write(chunk)
                done += len(chunk)
                if on_bytes:
                    on_bytes(done, total)


def _without_password(url: httpx.URL) -> tuple[httpx.URL, httpx.BasicAuth | None]:
    """Return a URL and its credentials separately, to keep them out of exceptions and log lines of httpx."""
    if not url.userinfo:
        return url, None
    return url.copy_with(userinfo=b""), httpx.BasicAuth(url.username, url.password)


def _check_is_zip(part: Path, url: str) -> None:
    if not zipfile.is_zipfile(part):
        with part.open("rb") as file:
            start = file.read(60)
        part.unlink()  # the next run must not resume it
        raise ReleaseUnavailable(
            f"{url}: the response is not a complete zip (it begins {start!r}); is there a sign-in page in between?"
        )


def _check(path: Path, record: Path) -> None:
    """Raise ReleaseUnavailable unless the file matches the record of its download."""
    try:
        stored = DownloadRecord(**json.loads(record.read_text()))
        is_same = path.stat().st_size == stored.size and sha256_of(path) == stored.sha256
    except (OSError, ValueError, TypeError) as error:
        raise ReleaseUnavailable(f"{record}: cannot be read ({error}); delete it and load again") from error
    if not is_same:
        raise ReleaseUnavailable(
            f"{path}: changed since it was downloaded on {stored.downloaded_at} (SHA-256 differs); "
            "delete it and load again"
        )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, or of all files in a folder, sorted by name."""
    digest = hashlib.sha256()
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        if file.is_file():
            if path.is_dir():
                digest.update(os.fsencode(file.name) + b"\0")
            with file.open("rb") as stream:
                for chunk in iter(lambda: stream.read(1 << 20), b""):
                    digest.update(chunk)
    return digest.hexdigest()


def release_date(text: str) -> date:
    """Return the first day of a month such as `August 2024`. Raises ValueError."""
    return datetime.strptime(text, "%B %Y").date()
