"""Invalid settings, as commands report them."""

from __future__ import annotations

import pytest

from tests.cli.running import MANAGER, NURSE, Run


def test_wrong_settings_are_all_named_at_once(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SKILLGAP_PORT", "70000")
    monkeypatch.setenv("SKILLGAP_LOG_FORMAT", "xml")
    monkeypatch.setenv("SKILLGAP_CORS_ORIGINS", "https://one.example,two.example")
    ended = run("serve")
    assert ended.code == 1
    assert "'two.example' is not an origin; write it like https://example.org, or * for all" in ended.err
    assert "SKILLGAP_PORT='70000'" in ended.err
    assert "SKILLGAP_LOG_FORMAT='xml'" in ended.err


@pytest.mark.usefixtures("with_starter")
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("API_KEYS_FILE", "/nonexistent"),
        ("ONET_DOWNLOAD_URL", "ftp://x"),
        ("LLM_CONCURRENCY", "0"),
        ("LLM_BASE_URL", "not-a-url"),
        ("CORS_ORIGINS", "example.org"),
        ("ONET_PASSWORD", "without-a-user"),
        ("ONET_REQUESTS_PER_SECOND", "many"),
        ("PORT", "70000"),
        ("RELOAD_SECONDS", "0"),
    ],
)
def test_a_command_fails_for_no_setting_of_another(run: Run, monkeypatch: pytest.MonkeyPatch, setting: str, value: str):
    monkeypatch.setenv(f"SKILLGAP_{setting}", value)
    for command in (("gap", NURSE, MANAGER), ("search", "nurse"), ("status",)):
        assert run(*command).code == 0
    for command in (("serve", "--port", "0"), ("doctor",)) if setting != "PORT" else (("serve",), ("doctor",)):
        ended = run(*command)
        assert ended.code == 1
        assert f"SKILLGAP_{setting}" in ended.out + ended.err


@pytest.mark.parametrize(
    ("command", "settings"),
    [
        (("enrich",), {"LLM_CONCURRENCY": "0", "LLM_BASE_URL": "x"}),
        (("fetch",), {"ONET_API_URL": "x", "ONET_REQUESTS_PER_SECOND": "0"}),
        (("gap", NURSE, MANAGER), {"DATABASE_URL": "oracle://x"}),
        (("load", "starter"), {"LOG_FORMAT": "xml"}),
        (("diff", "29.0", "starter"), {"ONET_DOWNLOAD_URL": "ftp://x"}),
    ],
)
def test_a_command_names_all_wrong_settings_that_it_uses_together(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], settings: dict[str, str]
):
    for name, value in settings.items():
        monkeypatch.setenv(f"SKILLGAP_{name}", value)
    ended = run(*command)
    assert ended.code == 1
    for name in settings:
        assert f"  SKILLGAP_{name}" in ended.err
    assert "Traceback" not in ended.err


def test_a_wrong_setting_that_is_a_secret_is_not_shown(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", "oracle://me:hidden@host/db")
    monkeypatch.setenv("SKILLGAP_ONET_PASSWORD", "hidden")
    ended = run("serve")
    assert ended.code == 1
    assert "SKILLGAP_DATABASE_URL: the database URL names 'oracle'; MySQL and SQLite are supported" in ended.err
    assert "SKILLGAP_ONET_PASSWORD: set SKILLGAP_ONET_USERNAME and SKILLGAP_ONET_PASSWORD together" in ended.err
    assert "hidden" not in ended.err


@pytest.mark.parametrize("url", ["ftp://me:hidden@host", "me:hidden@host/x", "ftp://host?token=hidden"])
def test_a_wrong_url_is_shown_without_its_password(run: Run, monkeypatch: pytest.MonkeyPatch, url: str):
    for name in ("ONET_DOWNLOAD_URL", "ONET_API_URL", "LLM_BASE_URL"):
        monkeypatch.setenv(f"SKILLGAP_{name}", url)
    ended = run("serve")
    assert ended.code == 1
    assert ended.err.count("host") == 3
    assert "hidden" not in ended.err


def test_a_load_without_a_download_ignores_where_downloads_come_from(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SKILLGAP_ONET_DOWNLOAD_URL", "ftp://x")
    for command in (("load", "starter"), ("load",), ("diff", "starter", "loaded")):
        assert run(*command).code == 0
