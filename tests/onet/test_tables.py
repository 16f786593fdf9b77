"""The data dictionary is consistent with itself, with the real releases, and with the domains."""

from __future__ import annotations

import zipfile
from itertools import pairwise
from typing import get_args

import pytest

from skillgap.onet.domains import DOMAIN_TABLES, DOMAINS, LABELS, NOUNS, Domain, DomainChoice, domain_of
from skillgap.onet.tables import LOAD_ORDER, OPTIONAL_TABLES, REQUIRED_TABLES, TABLES, Flag, Number, release_key
from tests.conftest import onet_zip

COLUMNS = [(table, column) for table in TABLES.values() for column in table.columns]


def test_the_names_of_domains_are_those_of_their_types():
    assert tuple(domain.name for domain in DOMAINS) == get_args(Domain)
    assert (*get_args(Domain), "all") == get_args(DomainChoice) == tuple(NOUNS) == tuple(LABELS)


def test_each_domain_has_a_complete_table_and_prefixes_of_its_own():
    for domain in DOMAINS:
        assert TABLES[domain.table].is_complete
        assert {domain_of(f"{prefix}.1.a") for prefix in domain.elements} == {domain.name}
    assert {name for name, table in TABLES.items() if table.is_complete} == set(DOMAIN_TABLES.values())


def test_every_table_has_its_key_and_comes_after_its_parents():
    assert sorted((*REQUIRED_TABLES, *OPTIONAL_TABLES)) == sorted(LOAD_ORDER)
    for table in TABLES.values():
        names = [column.name for column in table.columns]
        assert len(set(names)) == len(names)
        assert set(table.key) <= set(names)
        for parent in table.parents:
            assert LOAD_ORDER.index(parent) < LOAD_ORDER.index(table.name)
            assert len(TABLES[parent].key) == 1, "a column refers to a single column"


def test_no_key_column_is_nullable_and_checks_are_of_flags_and_least_values():
    assert not [column.name for table, column in COLUMNS if column.name in table.key and column.stores_null]
    assert {type(column.type) for _, column in COLUMNS if column.is_checked} == {Flag, Number}


def test_values_are_looked_up_in_a_table_with_that_column_by_element():
    filled = [(table, column) for table, column in COLUMNS if column.filled_from]
    assert {column.name for _, column in filled} == {"element_name"}
    for table, column in filled:
        assert column.name in {other.name for other in TABLES[column.filled_from].columns}
        assert "element_id" in table.key
        assert not column.stores_null


def test_layouts_are_in_the_order_of_their_releases_and_no_file_holds_two_tables():
    for table in TABLES.values():
        for before, after in pairwise(table.layouts):
            assert release_key(before.since) < release_key(after.since)
        assert all(len(layout.elements) in (0, len(layout.files)) for layout in table.layouts)
        later = {release for column in table.columns for release in column.renamed}
        assert later <= {layout.since for layout in table.layouts}
    files = [file for table in TABLES.values() for file in table.files]
    assert len(set(files)) == len(files)


@pytest.mark.parametrize(
    ("release", "files"),
    [
        ("19.0", ("Skills",)),
        ("29.0", ("Skills",)),
        ("30.2", ("Skills",)),
        ("30.3", ("Essential Skills", "Transferable Skills")),
        ("30.10", ("Essential Skills", "Transferable Skills")),
        ("31.0", ("Essential Skills", "Transferable Skills")),
    ],
)
def test_the_layout_of_a_release_is_the_newest_that_was_published(release: str, files: tuple[str, ...]):
    assert TABLES["Skills"].layout_of(release).files == files


def test_columns_have_descriptions_that_end_in_a_full_stop():
    assert [column.name for _, column in COLUMNS if not column.description.endswith(".")] == []
    assert [table.name for table in TABLES.values() if not table.description.endswith(".")] == []


@pytest.mark.release
@pytest.mark.parametrize("release", ["26_1", "29_0", "30_3_layout"])
def test_every_file_of_a_table_in_a_real_release_has_the_declared_headers(release: str):
    found = 0
    with zipfile.ZipFile(onet_zip(release)) as zipped:
        for name in zipped.namelist():
            stem = name.rpartition("/")[2].removesuffix(".txt")
            for table in TABLES.values():
                if stem in table.files:
                    header = zipped.read(name).decode().splitlines()[0].split("\t")
                    assert {column.header for column in table.columns} <= set(header)
                    found += 1
    assert found >= len(REQUIRED_TABLES)
