"""API keys: created, stored as hashes, read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from skillgap.config.api_keys import find_key, read_keys
from tests.cli.running import Run


def test_new_key_finds_its_file_among_the_secrets(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    secrets, file = tmp_path / "secrets", tmp_path / "keys"
    secrets.mkdir()
    (secrets / "skillgap_api_keys_file").write_text(str(file))
    monkeypatch.setattr("skillgap.config.settings.SECRETS", secrets)
    assert run("new-key", "reporting").code == 0
    assert list(read_keys(file)) == ["reporting"]


def test_a_new_key_is_shown_once_and_kept_as_a_hash(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    file = tmp_path / "keys"
    assert "SKILLGAP_API_KEYS_FILE" in run("new-key", "reporting").err
    monkeypatch.setenv("SKILLGAP_API_KEYS_FILE", str(file))
    key = run("new-key", "reporting", "--requests-per-minute", "7").out.strip()
    run("new-key", "other")
    assert key not in file.read_text()
    assert hashlib.sha256(key.encode()).hexdigest() in file.read_text()
    found = find_key(read_keys(file), key)
    assert found
    assert (found.name, found.requests_per_minute) == ("reporting", 7)
    for wrong in ("", "reporting", "reporting.", key[:-1], key + "x", key.replace("reporting", "other"), "é."):
        assert find_key(read_keys(file), wrong) is None
    file.write_text(file.read_text().rstrip("\n"))  # as some editors leave it
    run("new-key", "third")
    assert list(read_keys(file)) == ["reporting", "other", "third"]
    again = run("new-key", "reporting")
    assert again.code == 1
    assert "has a key named reporting" in again.err


def test_every_wrong_line_of_a_file_of_keys_is_named(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    file = tmp_path / "keys"
    file.write_text(f"# ours\na {'0' * 64} 5\nb {'0' * 63} 5\n\na {'1' * 64} 5\nc {'0' * 64} 0\n")
    monkeypatch.setenv("SKILLGAP_API_KEYS_FILE", str(file))
    ended = run("serve")
    assert ended.code == 1
    assert "line 3: expected a name" in ended.err
    assert "line 5: a second key named a" in ended.err
    assert "line 6: expected a name" in ended.err
