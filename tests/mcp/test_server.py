"""The tools for agents, asked by the SDK's own client over both transports."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from anyio.from_thread import start_blocking_portal
from mcp import Client, StdioServerParameters
from sqlalchemy import Engine

from benchmarks.http import free_port
from tests.api.serving import eventually

NURSE, MANAGER = "29-1141.00", "11-9111.00"
TOOLS = ["search_occupations", "skill_gap", "transitions", "occupation_skills", "explain_level"]
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("search_occupations", {"query": "registered nurse", "limit": 3}),
    ("skill_gap", {"from_occupation": NURSE, "to_occupation": "Medical and Health Services Managers"}),
    ("skill_gap", {"from_occupation": NURSE, "to_occupation": MANAGER, "domain": "knowledge", "limit": 50}),
    ("transitions", {"occupation": NURSE, "limit": 5}),
    ("occupation_skills", {"occupation": MANAGER, "ratings": "onet"}),
    ("explain_level", {"element": "Writing", "level": 3.5}),
]


@pytest.fixture(scope="module")
def environment(whole_29: Engine) -> dict[str, str]:
    return {**os.environ, "SKILLGAP_DATABASE_URL": str(whole_29.url)}


@pytest.fixture(scope="module")
def address(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the server answers by HTTP."""
    port = free_port()
    log = tmp_path_factory.mktemp("mcp") / "log"
    command = [sys.executable, "-m", "skillgap", "mcp", "--http", "--port", str(port)]
    with log.open("wb") as stderr, subprocess.Popen(command, env=environment, stdout=stderr, stderr=stderr) as process:
        eventually(lambda: "Uvicorn running" in log.read_text(), within=60)
        yield f"http://127.0.0.1:{port}/mcp"
        process.terminate()


@pytest.fixture(scope="module", params=["stdio", "http"])
def ask(request: pytest.FixtureRequest, environment: dict[str, str], address: str) -> Iterator[Callable[..., Any]]:
    """Give a client of one transport to a coroutine, and return what that returns."""
    command = StdioServerParameters(command=sys.executable, args=["-m", "skillgap", "mcp"], env=environment)
    client = Client(address if request.param == "http" else command, read_timeout_seconds=120)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(client) as connected:
        yield lambda work: portal.call(work, connected)


def test_every_tool_reads_alone_and_answers_by_its_schema(ask: Callable[..., Any]):
    async def work(client: Client) -> Any:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        return tools, [await client.call_tool(name, arguments) for name, arguments in CALLS]

    tools, results = ask(work)
    assert list(tools) == TOOLS
    for tool in tools.values():
        assert tool.description
        assert tool.annotations.read_only_hint
        assert tool.annotations.idempotent_hint
        assert all("description" in each for each in tool.input_schema["properties"].values())
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)
    for (name, arguments), result in zip(CALLS, results, strict=True):
        jsonschema.validate(arguments, tools[name].input_schema)
        assert not result.is_error, result.content
        jsonschema.validate(result.structured_content, tools[name].output_schema)
    found, gap, knowledge, near, skills, level = (result.structured_content for result in results)
    assert found["items"][0]["occupation"]["onet_soc_code"] == NURSE
    assert found["next_offset"] == 3
    assert gap["in_words"][0].endswith("need a higher level in 17 of 35 skills: 8 are clear, 2 are likely, 7 are open.")
    assert gap["report"]["skill_gaps"][0]["element_name"] == "Operations Analysis"
    assert gap["report"]["skill_gaps"][0]["to_source"] == "text"
    assert gap["report"]["provenance"]["release"] == "29.0"
    assert (gap["total_gaps"], gap["next_offset"]) == (17, 15)
    assert knowledge["report"]["domain"] == "knowledge"
    assert [each["rank"] for each in near["transitions"]] == [1, 2, 3, 4, 5]
    assert skills["skills"][0]["date_updated"]
    assert level["in_words"].startswith("Writing, level 3.5: between “")
    assert [each["anchor_value"] for each in level["scale"]] == sorted(each["anchor_value"] for each in level["scale"])


def test_pages_follow_each_other_without_loss(ask: Callable[..., Any]):
    async def work(client: Client) -> Any:
        pages, offset = [], 0
        while offset is not None:
            arguments = {"from_occupation": NURSE, "to_occupation": MANAGER, "limit": 4, "offset": offset}
            pages.append((await client.call_tool("skill_gap", arguments)).structured_content)
            offset = pages[-1]["next_offset"]
        return pages, (await client.call_tool("skill_gap", {**arguments, "limit": 50, "offset": 0})).structured_content

    pages, whole = ask(work)
    for rows in ("skill_gaps", "surplus_skills"):
        assert [row for page in pages for row in page["report"][rows]] == whole["report"][rows]


WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("skill_gap", {"from_occupation": "nurze", "to_occupation": MANAGER}, "'nurze'", "Call search_occupations"),
    ("skill_gap", {"from_occupation": NURSE, "to_occupation": "99-9999.00"}, "99-9999.00", "Call search_occupations"),
    ("occupation_skills", {"occupation": "55-1011.00"}, "55-1011.00", "is_rated or is_predicted"),
    ("explain_level", {"element": "Writting", "level": 3}, "Did you mean Writing?", "Call occupation_skills"),
    ("explain_level", {"element": "Writing", "level": 9}, "level", "less than or equal to 7"),
]


def test_an_error_says_what_to_do_next(ask: Callable[..., Any]):
    async def work(client: Client) -> Any:
        return [await client.call_tool(tool, arguments) for tool, arguments, _, _ in WRONG]

    for (tool, arguments, says, then), result in zip(WRONG, ask(work), strict=True):
        assert result.is_error, (tool, arguments)
        assert says in result.content[0].text
        assert then in result.content[0].text


def test_attribution_and_method_are_resources(ask: Callable[..., Any]):
    async def work(client: Client) -> Any:
        listed = [str(each.uri) for each in (await client.list_resources()).resources]
        return {uri: (await client.read_resource(uri)).contents[0].text for uri in listed}

    texts = ask(work)
    assert set(texts) == {"skillgap://attribution", "skillgap://method"}
    assert "O*NET® is a trademark of USDOL/ETA" in texts["skillgap://attribution"]
    assert "distinguishable" in texts["skillgap://method"]


@pytest.mark.programs
def test_without_data_it_says_so(tmp_path: Path):
    environment = {**os.environ, "SKILLGAP_DATABASE_URL": f"sqlite:///{tmp_path}/empty.db"}
    command = StdioServerParameters(command=sys.executable, args=["-m", "skillgap", "mcp"], env=environment)

    async def run() -> Any:
        async with Client(command, read_timeout_seconds=60) as client:
            return await client.call_tool("search_occupations", {"query": "nurse"})

    result = asyncio.run(run())
    assert result.is_error
    assert "skillgap load" in result.content[0].text


def test_a_figure_without_inputs_is_null_with_the_reason(levels_alone: Engine):
    environment = {**os.environ, "SKILLGAP_DATABASE_URL": str(levels_alone.url)}
    command = StdioServerParameters(command=sys.executable, args=["-m", "skillgap", "mcp"], env=environment)

    async def work(client: Client) -> Any:
        asked = {"from_occupation": NURSE, "to_occupation": MANAGER}
        return [
            (await client.call_tool("skill_gap", asked)).structured_content,
            (await client.call_tool("transitions", {"occupation": NURSE})).structured_content,
        ]

    client = Client(command, read_timeout_seconds=120)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(client) as connected:
        gap, near = portal.call(work, connected)
    summary = gap["report"]["summary"]
    assert summary["weighted_shortfall"] is None
    assert summary["unavailable"]["weighted_shortfall"] in gap["in_words"]
    assert {each["summary"]["shortfall_percentile"] for each in near["transitions"]} == {None}
