"""URLs are shown and stored without passwords, tokens and keys."""

from __future__ import annotations

import logging
import logging.config

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from skillgap.config.logs import configure_logging, server_logging
from skillgap.urls import masked_url, masked_urls


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://onet.test/a/b.zip", "https://onet.test/a/b.zip"),
        ("https://onet.test:8443", "https://onet.test:8443"),
        ("https://ann:pw@onet.test:8443/a", "https://***@onet.test:8443/a"),
        ("https://token@onet.test/a", "https://***@onet.test/a"),
        ("https://token:x-oauth-basic@onet.test/a", "https://***@onet.test/a"),
        ("https://ann:p/w@onet.test/a", "https://***@onet.test/a"),
        ("https://ann:p w?#@x@onet.test/a", "https://***@onet.test/a"),
        ("ann:pw@onet.test/a", "***@onet.test/a"),
        ("https://onet.test/a?token=t&Key=k;client=ann#access=t", "https://onet.test/a?token=***&Key=***;client=***#access=***"),
        ("https://onet.test/a?t0ken", "https://onet.test/a?***"),
        ("https://onet.test/a?sig=a=b?c/d", "https://onet.test/a?sig=***"),
        (
            "https://onet.test/rows?filter=onetsoc_code.eq.11-1011.00&start=1&end=20",
            "https://onet.test/rows?filter=onetsoc_code.eq.11-1011.00&start=1&end=20",
        ),
    ],
)  # fmt: skip
def test_credentials_in_a_url_are_masked(url: str, shown: str):
    assert masked_url(url) == shown


@given(st.from_regex(r"https://([a-z:/@?#=&%]{0,12}@)?host[a-z:/@?#=&;]{0,12}", fullmatch=True))
def test_a_masked_url_stays_as_it_is(url: str):
    assert masked_url(masked_url(url)) == masked_url(url)


@given(st.text("abc:/?#=&@; ", max_size=8), st.text("abc:/?#=&@; ", max_size=8))
def test_nothing_before_the_last_at_sign_is_shown(before: str, after: str):
    assert "SECRET" not in masked_url(f"https://{before}SECRET{after}@host/a")


def test_urls_in_a_text_are_masked_and_the_rest_stays():
    text = "Client error '404' for url 'https://ann:pw@onet.test/a', see ann@onet.test and https://onet.test/b?k=v."
    assert masked_urls(text) == (
        "Client error '404' for url 'https://***@onet.test/a', see ann@onet.test and https://onet.test/b?k=***"
    )


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_log_line_has_a_password(log_format: str, capfd: pytest.CaptureFixture[str]):
    url = "https://ann:s3cr3t@onet.test/a?token=s3cr3t"
    configure_logging(log_format=log_format, log_level="info")
    structlog.get_logger("skillgap").warning("failed", url=url, exc_info=ValueError(url))
    structlog.get_logger("skillgap").warning(f"failed at {url}")
    logging.config.dictConfig({"version": 1, **server_logging(log_format=log_format)})
    logging.getLogger("_granian").warning("failed at %s", url)
    err = capfd.readouterr().err
    assert err.count("onet.test") >= 4
    assert "s3cr3t" not in err
