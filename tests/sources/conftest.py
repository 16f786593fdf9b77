"""Small releases in every shape O*NET has published, and a server to download one from."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest

from skillgap.sources.releases import STARTER, Archive, find_release
from skillgap.sources.text_files import OnetData, extract_onet_data

Tables = dict[str, list[list[str]]]
"""File name without ending -> header and rows, as texts."""

READ_ME = b"O*NET 29.0 Database\r\nAugust 2024 Release\r\n-------------------\r\n"

# Lines of 29.0, descriptions shortened: an unrated occupation, a comma in a title, a `"` in a description,
# and a level above zero that is both Not Relevant and Recommend Suppress.
_SMALL = {
    "Occupation Data": """
        O*NET-SOC Code | Title                    | Description
        11-1011.00     | Chief Executives         | Determine and formulate policies.
        11-3031.03     | Investment Fund Managers | Plan, direct, or coordinate investment strategy.
        15-1252.00     | Software Developers      | Research, design, and develop computer software.
        35-2014.00     | Cooks, Restaurant        | Prepare, season, and cook dishes.
    """,
    "Content Model Reference": """
        Element ID | Element Name             | Description
        1.A.3.a.4  | Trunk Strength           | The ability to use your muscles without "giving out" or fatiguing.
        2          | Worker Requirements      | Worker Requirements
        2.A.1.a    | Reading Comprehension    | Understanding written sentences and paragraphs.
        2.B.3.m    | Quality Control Analysis | Conducting tests and inspections.
    """,
    "Scales Reference": """
        Scale ID | Scale Name | Minimum | Maximum
        AO       | Automation | 1       | 5
        IM       | Importance | 1       | 5
        LV       | Level      | 0       | 7
    """,
    "Skills": """
        O*NET-SOC Code | Element ID | Element Name | Scale ID | Data Value | N | Standard Error | Lower CI Bound \
        | Upper CI Bound | Recommend Suppress | Not Relevant | Date | Domain Source
        11-1011.00|2.A.1.a|Reading Comprehension   |IM|4.12|8|0.1250|3.8800|4.3700|N|n/a|08/2023|Analyst
        11-1011.00|2.A.1.a|Reading Comprehension   |LV|4.62|8|0.1830|4.2664|4.9836|N|N  |08/2023|Analyst
        11-1011.00|2.B.3.m|Quality Control Analysis|IM|1.88|8|0.1250|1.6300|2.1200|N|n/a|08/2023|Analyst
        11-1011.00|2.B.3.m|Quality Control Analysis|LV|1.12|8|0.2266|0.6809|1.5691|N|N  |08/2023|Analyst
        11-3031.03|2.A.1.a|Reading Comprehension   |IM|4.00|8|0.2673|3.4762|4.5238|N|n/a|07/2014|Analyst
        11-3031.03|2.A.1.a|Reading Comprehension   |LV|4.25|8|0.1637|3.9292|4.5708|N|N  |07/2014|Analyst
        11-3031.03|2.B.3.m|Quality Control Analysis|IM|1.50|8|0.3780|1.0000|2.2408|N|n/a|07/2014|Analyst
        11-3031.03|2.B.3.m|Quality Control Analysis|LV|0.75|8|0.5261|0.0000|1.7812|Y|Y  |07/2014|Analyst
        35-2014.00|2.A.1.a|Reading Comprehension   |IM|2.88|8|0.1250|2.6300|3.1200|N|n/a|08/2018|Analyst
        35-2014.00|2.A.1.a|Reading Comprehension   |LV|2.38|8|0.1830|2.0164|2.7336|N|N  |08/2018|Analyst
        35-2014.00|2.B.3.m|Quality Control Analysis|IM|2.75|8|0.1637|2.4292|3.0708|N|n/a|08/2018|Analyst
        35-2014.00|2.B.3.m|Quality Control Analysis|LV|2.50|8|0.1890|2.1296|2.8704|N|N  |08/2018|Analyst
    """,
}


def small_tables() -> Tables:
    """Return the files of a small release as rows of texts, to be changed at will."""
    return {
        name: [[field.strip() for field in line.split("|")] for line in table.strip().splitlines()]
        for name, table in _SMALL.items()
    }


def set_cell(tables: Tables, file: str, line: int, header: str, text: str) -> None:
    """Put a text where a defect report would place it: the header is line 1."""
    tables[file][line - 1][tables[file][0].index(header)] = text


def drop_column(tables: Tables, file: str, header: str) -> None:
    """Leave out a column."""
    place = tables[file][0].index(header)
    for row in tables[file]:
        del row[place]


def split_skills(tables: Tables) -> Tables:
    """Return the tables in the layout of 30.3: Essential Skills (2.A) and Transferable Skills (2.B) for Skills."""
    header, *rows = tables["Skills"]
    others = {name: table for name, table in tables.items() if name != "Skills"}
    return others | {
        "Essential Skills": [header, *(row for row in rows if row[1].startswith("2.A"))],
        "Transferable Skills": [header, *(row for row in rows if row[1].startswith("2.B"))],
    }


def as_text(tables: Tables, *, newline: str = "\r\n", bom: bool = False) -> dict[str, bytes]:
    """Return the files of a text release, Read Me included."""
    encoding = "utf-8-sig" if bom else "utf-8"
    lines = {f"{name}.txt": ["\t".join(row) + newline for row in rows] for name, rows in tables.items()}
    return {"Read Me.txt": READ_ME} | {name: "".join(parts).encode(encoding) for name, parts in lines.items()}


def as_csv(tables: Tables) -> dict[str, bytes]:
    """Return the files of a CSV release: lower_snake names, titles and scale names joined, a missing value empty."""
    titles = {code: title for code, title, _ in tables["Occupation Data"]}  # the headers too
    scale_names = {scale_id: name for scale_id, name, *_ in tables["Scales Reference"]}
    files = {}
    for name, rows in tables.items():
        if name.endswith("Skills"):
            rows = [
                [code, titles[code], element_id, element_name, scale_id, scale_names[scale_id], *rest]
                for code, element_id, element_name, scale_id, *rest in rows
            ]
        out = io.StringIO(newline="")
        csv.writer(out).writerows([["" if text == "n/a" else text for text in row] for row in rows])
        files[f"{name.lower().replace(' ', '_')}.csv"] = out.getvalue().encode("utf-8-sig")
    return files


def write_folder(folder: Path, files: Mapping[str, bytes]) -> Archive:
    """Write a release as a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return Archive(folder, "here")


def write_zip(path: Path, files: Mapping[str, bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> Archive:
    """Write a release as a zip."""
    with zipfile.ZipFile(path, "w", compression) as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
    return Archive(path, "here")


@pytest.fixture
def extract(tmp_path: Path):
    """Return what is extracted from a folder of these files."""

    def extract(files: Mapping[str, bytes], folder: str = "release", *, also: Sequence[str] = ()) -> OnetData:
        return extract_onet_data(write_folder(tmp_path / folder, files), also=also)

    return extract


class ReleaseServer(ThreadingHTTPServer):
    """Serves `content` at every path, records requests, and misbehaves on demand."""

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/database"
        self.content = content
        self.requests: list[tuple[str, str | None]] = []
        """Path and Range header of each request."""
        self.credentials: list[str | None] = []
        """Authorization header of each request."""
        self.missing: set[str] = set()
        """Names of files that are not there."""
        self.cut_after: list[int] = []
        """For each of the next requests, how many bytes are sent before the connection is closed."""
        self.knows_ranges = True
        self.knows_length = True
        self.compresses = False
        """Whether answers are sent in gzip to who accepts it."""
        self.status = 200


class _Handler(BaseHTTPRequestHandler):
    server: ReleaseServer

    def do_GET(self) -> None:
        server, asked = self.server, self.headers["Range"]
        server.requests.append((self.path, asked))
        server.credentials.append(self.headers["Authorization"])
        if urlsplit(self.path).path.rpartition("/")[2] in server.missing:
            self.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and server.knows_ranges else 0
        if start >= len(server.content):
            self.send_error(416)
            return
        if server.status != 200:
            self.send_error(server.status)
            return
        body = server.content[start:]
        self.send_response(206 if start else 200)
        if server.compresses and "gzip" in self.headers["Accept-Encoding"]:
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        if server.knows_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.cut_after.pop(0)] if server.cut_after else body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def release_server(tmp_path: Path) -> Iterator[ReleaseServer]:
    """A real HTTP server with the starter as a release: a complete zip of half a megabyte."""
    content = find_release(STARTER, cache_dir=tmp_path).path.read_bytes()
    with ReleaseServer(content) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
