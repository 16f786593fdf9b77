"""O*NET-SOC of 2010 and 2019: codes known from the crosswalk's own document, and laws of the table."""

from __future__ import annotations

from skillgap.onet.crosswalks import predecessors, recoded, successors, taxonomy_of


def test_codes_have_the_successors_that_onet_names():
    assert successors()["15-1132.00"] == ("15-1252.00", "15-1253.00")  # Software Developers, Applications
    assert successors()["29-1141.00"] == ("29-1141.00",)
    assert predecessors()["15-1252.00"] == ("15-1132.00", "15-1133.00")
    assert len(successors()) == 1_110
    assert len(predecessors()) == 1_012


def test_an_occupation_that_only_changed_its_code_has_no_relatives():
    changed = recoded()
    assert changed["15-1121.00"] == "15-1211.00"  # Computer Systems Analysts
    assert "15-1132.00" not in changed, "two occupations became one"
    assert len(set(changed.values())) == len(changed) == 85
    for old, new in changed.items():
        assert (successors()[old], predecessors()[new]) == ((new,), (old,))
        assert old != new


def test_the_taxonomy_is_that_of_the_codes_that_only_one_has():
    assert taxonomy_of(successors()) == "2010"
    assert taxonomy_of(predecessors()) == "2019"
    assert taxonomy_of(["15-1132.00", "29-1141.00"]) == "2010"
    assert taxonomy_of(["29-1141.00"]) is None, "a code of both"
