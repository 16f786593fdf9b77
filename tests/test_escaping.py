"""Untrusted text on terminals, in CSV and in Markdown."""

from __future__ import annotations

import csv
import io
import json

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillgap.escaping import (
    FORMULA,
    NEGATIVE_NUMBER,
    CsvWriter,
    csv_cell,
    csv_text,
    for_markdown,
    for_terminal,
    json_for_terminal,
    message_for_terminal,
)
from tests.conftest import is_obeyed

NEAR_FORMULAS = st.text(alphabet="=+-@＝＋－＠'\t\r\n \u00a0\u200b15.eEa", max_size=6)


@given(st.text() | st.text(alphabet=st.characters(categories=["Cc", "Cf", "Zl", "Zp", "Cs"])))
def test_nothing_that_a_terminal_obeys_is_left(text: str):
    assert not is_obeyed(for_terminal(text))
    assert not is_obeyed(message_for_terminal(text).replace("\n", ""))


def test_controls_are_shown_as_what_they_are():
    assert for_terminal("Nurse\x1b[31m\x9b2J\x7f\u202e\r\n\ud800") == r"Nurse\x1b[31m\x9b2J\x7f\u202e\r\n\ud800"
    assert for_terminal("Café – “O*NET” 한국어 می‌خواهم 👩‍⚕️") == "Café – “O*NET” 한국어 می‌خواهم 👩‍⚕️"
    assert message_for_terminal("2 defects\n  line 1: \x1b\nskillgap: all is well") == (
        "2 defects\n  line 1: \\x1b\\nskillgap: all is well"
    )


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_json_says_the_same_without_a_control(text: str):
    shown = json_for_terminal(orjson.dumps({"title": text}, option=orjson.OPT_INDENT_2).decode())
    assert json.loads(shown) == {"title": text}
    assert not is_obeyed(shown.replace("\n", ""))


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x", " =1", "\u00a0=1", "-"),
        "'=1",
    ],
)
def test_a_cell_that_a_spreadsheet_may_run_has_a_sign_before_it(text: str):
    assert csv_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", [-5, -1.25, "-5", "-1.25", "-1e-05", "a=1", "29-1141.00", "'quoted'", "", None, "–"])
def test_numbers_and_plain_text_stay(value: object):
    assert csv_cell(value) == value


@given(st.text() | NEAR_FORMULAS)
def test_reading_undoes_what_writing_did(text: str):
    assert csv_text(csv_cell(text)) == text


@given(NEAR_FORMULAS)
def test_arrow_and_python_agree_on_what_may_run(text: str):
    column = pa.array([text])
    may_run = pc.and_not(pc.match_substring_regex(column, FORMULA), pc.match_substring_regex(column, NEGATIVE_NUMBER))
    assert may_run.to_pylist() == [csv_cell(text) != text]


def test_a_table_has_no_formula_in_its_header_either():
    out = io.StringIO()
    writer = CsvWriter(out)
    writer.writerow(["@id", "gap"])
    writer.writerows([["=1", -0.5], ["+x", None]])
    assert list(csv.reader(io.StringIO(out.getvalue()))) == [["'@id", "gap"], ["'=1", "-0.5"], ["'+x", ""]]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("R&D", "R&amp;D"),
        ("&lt;b&gt;", "&amp;lt;b&amp;gt;"),
        ("a|b", r"a\|b"),
        ("[x](javascript:1)", r"\[x\](javascript:1)"),
        ("![x](http://evil.example)", r"\!\[x\](http&#58;//evil.example)"),
        ("see www.evil.example", "see www&#46;evil.example"),
        ("`a` *b* _c_", r"\`a\` \*b\* \_c\_"),
        ("one\ntwo", "one two"),
        ("a\\|b", r"a\\\|b"),
        ("\x1b[31m", r"\\x1b\[31m"),
        ("Writing, Speaking (2.A)", "Writing, Speaking (2.A)"),
    ],
)
def test_markdown_shows_a_text_and_runs_nothing(text: str, written: str):
    assert for_markdown(text) == written
