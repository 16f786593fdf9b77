"""Where a release comes from: a path, the starter data, or a download that is kept.

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
STARTER = "starter"

_LONGEST_SHOWN = 200
_FIRST = (20, 1)
_EDITIONS = ("text", "csv")
"""In the order they are tried. A release may have no text edition: O*NET's documents of 31.0 describe CSV alone."""
_NUMBER = re.compile(r"([0-9]{2})\.([0-9])")

OnBytes = Callable[[int, int | None], None]
"""Called with bytes so far and bytes in all, where known."""


@dataclass(frozen=True)
class Archive:
    """A release on disk, and where it came from."""

    path: Path
    """A folder or a zip."""
    origin: str
    """URL (see `masked_url`), path, or `starter`."""


@dataclass(frozen=True)
class DownloadRecord:
    """What is noted beside a downloaded zip."""

    url: str
    size: int
    sha256: str
    downloaded_at: str


def is_release_number(text: str) -> bool:
    """Tell `29.0` from a path."""
    return _NUMBER.fullmatch(text) is not None


def find_release(
    source: str, *, cache_dir: Path, download_url: str = DOWNLOAD_URL, on_bytes: OnBytes | None = None
) -> Archive:
    """Return the release meant by `starter`, a release number, or the path of a folder or zip.

    A number is downloaded once and kept in `cache_dir`. Raises ReleaseUnavailable.
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
    return _download(source, cache_dir, download_url, on_bytes)


def _on_disk(source: str) -> Path | None:
    try:
        path = Path(source).expanduser()
        return path if source and path.exists() else None  # an empty path would be the current folder
    except (OSError, RuntimeError) as error:  # a name too long, a folder not to be entered; `~nobody`
        raise ReleaseUnavailable(f"{source}: cannot be looked up ({error})") from error


def _download(number: str, cache_dir: Path, download_url: str, on_bytes: OnBytes | None) -> Archive:
    major, minor = (int(part) for part in number.split("."))
    if (major, minor) < _FIRST:
        raise ReleaseUnavailable(f"O*NET {number} is laid out in an older way; releases from 20.1 on can be loaded")
    base, mark, query = download_url.partition("?")
    editions = [
        _Edition(f"{base.rstrip('/')}/{name}{mark}{query}", cache_dir / name)
        for name in (f"db_{major}_{minor}_{edition}.zip" for edition in _EDITIONS)
    ]
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(editions[0].target.with_suffix(".lock")):  # a second process waits, and finds what the first got
            _mask_records(cache_dir)
            return _kept(editions) or _first_there(editions, number, on_bytes)
    except OSError as error:
        raise ReleaseUnavailable(
            f"{cache_dir}: cannot keep the download there ({error}); SKILLGAP_CACHE_DIR may name another place"
        ) from error


@dataclass(frozen=True)
class _Edition:
    """One zip that a release may come as."""

    url: str = field(repr=False)
    """May hold a password: for the request only."""
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
    """Return the edition that was downloaded earlier, if any."""
    for edition in editions:
        if edition.target.exists() and edition.record.exists():
            _check(edition.target, edition.record)
            return Archive(edition.target, edition.shown)
    return None


def _first_there(editions: Sequence[_Edition], number: str, on_bytes: OnBytes | None) -> Archive:
    """Download the first edition that the server has. Raises ReleaseUnavailable naming each one that was tried."""
    tried: list[str] = []
    for edition in editions:
        try:
            return _get(edition, on_bytes)
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            tried.append(f"{edition.shown}: HTTP {status}")
            if status != httpx.codes.NOT_FOUND:
                break
            edition.part.unlink(missing_ok=True)  # the rest of it will not come
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            kept = "; what was downloaded is kept and the next run goes on from there" if edition.part.exists() else ""
            raise ReleaseUnavailable(
                f"{edition.shown}: {_reason(error, edition.url)}. Without network access, get the zip by other means "
                f"and load its path, or load `{STARTER}`{kept}"
            ) from None  # an exception in the chain may quote the URL
    way_out = "try again later." if httpx.codes.is_server_error(status) else f"does O*NET {number} exist?"
    raise ReleaseUnavailable(
        f"{'; '.join(tried)}; {way_out} Releases: https://www.onetcenter.org/db_releases.html"
    ) from None


def _reason(error: Exception, url: str) -> str:
    """Return why a request failed, without quoting a password."""
    if isinstance(error, httpx.InvalidURL) and "@" in url:  # its text may be a piece of the password
        return "not a URL; in a user name or a password write / as %2F, : as %3A, ? as %3F, # as %23 and @ as %40"
    return masked_urls(str(error)) or type(error).__name__


def _get(edition: _Edition, on_bytes: OnBytes | None) -> Archive:
    """Download an edition, resuming what is there of it, and note where it came from."""
    # Not as a decorator, whose log lines would quote the URL.
    for attempt in stamina.retry_context(on=_may_pass, attempts=4, wait_max=5.0):
        with attempt:
            _fetch(edition.url, edition.part, on_bytes)
    _check_is_zip(edition.part, edition.shown)
    size, digest = edition.part.stat().st_size, sha256_of(edition.part)
    _note(edition.record, DownloadRecord(edition.shown, size, digest, datetime.now().astimezone().isoformat()))
    edition.part.replace(edition.target)
    return Archive(edition.target, edition.shown)


def _note(record: Path, done: DownloadRecord) -> None:
    with atomic_write(record) as file:
        file.write(json.dumps(asdict(done), indent=2).encode())


def _mask_records(cache_dir: Path) -> None:
    """Mask the URLs in all records: version 0.1.0 stored them with their passwords."""
    for record in cache_dir.glob("db_*.zip.json"):
        with suppress(OSError, ValueError, TypeError):  # damaged: reported when its release is asked for
            noted = DownloadRecord(**json.loads(record.read_text()))
            if noted.url != (shown := masked_url(noted.url)):
                _note(record, replace(noted, url=shown))


def _may_pass(error: Exception) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.is_server_error
    return isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol)


def _fetch(url: str, part: Path, on_bytes: OnBytes | None) -> None:
    """Append to `part` what it lacks of the file at `url`."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    address, auth = _without_password(httpx.URL(url))
    with httpx.stream("GET", address, auth=auth, headers=headers, follow_redirects=True, timeout=30.0) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink()  # it had more than the file has: not the same file, start again
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
    """Return a URL and its credentials apart, so that no exception or log line of httpx has them."""
    if not url.userinfo:
        return url, None
    return url.copy_with(userinfo=b""), httpx.BasicAuth(url.username, url.password)


def _check_is_zip(part: Path, url: str) -> None:
    if not zipfile.is_zipfile(part):
        with part.open("rb") as file:
            start = file.read(60)
        part.unlink()  # or the next run would go on from there
        raise ReleaseUnavailable(
            f"{url}: what came is not a whole zip (it begins {start!r}); is there a sign-in page in between?"
        )


def _check(path: Path, record: Path) -> None:
    """Raise ReleaseUnavailable unless the file is what `record` notes of its download."""
    try:
        noted = DownloadRecord(**json.loads(record.read_text()))
        is_same = path.stat().st_size == noted.size and sha256_of(path) == noted.sha256
    except (OSError, ValueError, TypeError) as error:
        raise ReleaseUnavailable(f"{record}: cannot be read ({error}); delete it and load again") from error
    if not is_same:
        raise ReleaseUnavailable(
            f"{path}: changed since it was downloaded on {noted.downloaded_at} (SHA-256 differs); "
            "delete it and load again"
        )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, or of all files of a folder in the order of their names."""
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
    """Return the first day of `August 2024`. Raises ValueError."""
    return datetime.strptime(text, "%B %Y").date()
