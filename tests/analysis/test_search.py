"""Search by titles, beginnings, words, typos and codes; each hit with the title that matched."""

from __future__ import annotations

import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from skillgap.analysis.search import Hit, TitleIndex, features, find_code, index_titles, titles_of
from skillgap.analysis.similarity.profiles import Profile
from skillgap.errors import InvalidSearchText, UnknownOccupation
from skillgap.models import ListedOccupation, Occupation
from skillgap.service.ratings import get_profiles, get_ratings
from skillgap.store.engine import read

NURSES, MIDWIVES, DRIVERS, OTHER, TEACHERS = "29-1141.00", "29-1161.00", "53-3032.00", "29-9099.00", "25-2021.00"

TITLES = [
    (NURSES, "Registered Nurses", "title"),
    (NURSES, "Staff Nurse", "alternate"),
    (NURSES, "RN (Registered Nurse)", "reported"),
    (MIDWIVES, "Nurse Midwives", "title"),
    (MIDWIVES, "Midwife", "alternate"),
    (DRIVERS, "Heavy and Tractor-Trailer Truck Drivers", "title"),
    (DRIVERS, "Truck Driver", "alternate"),
    (DRIVERS, "Trucker", "reported"),
    (TEACHERS, "Elementary School Teachers", "title"),
    (TEACHERS, "Teacher", "alternate"),
    (OTHER, "Nurse Educators, All Other", "title"),
    (OTHER, "Midwife", "alternate"),
]


@pytest.fixture(scope="module")
def index() -> TitleIndex:
    return TitleIndex(TITLES, last={OTHER})


@pytest.fixture(scope="module")
def whole(whole_29: Engine) -> tuple[TitleIndex, dict[str, Occupation]]:
    with read(whole_29) as connection:
        profiles, occupations = get_profiles(connection), get_ratings(connection).occupations
    return index_titles(occupations.values(), profiles), dict(occupations)


def found(index: TitleIndex, text: str, limit: int = 10) -> list[tuple[str, str, str]]:
    return [(hit.onet_soc_code, hit.title, hit.match) for hit in index.find(text, limit)[0]]


@pytest.mark.parametrize("text", ["Registered Nurses", "  registered, NURSES!", "REGISTERED NURSES"])
def test_a_whole_title_comes_first(index: TitleIndex, text: str):
    assert found(index, text)[0] == (NURSES, "Registered Nurses", "exact")


def test_among_equal_titles_an_occupation_without_levels_comes_last(index: TitleIndex):
    assert found(index, "midwife")[:2] == [(MIDWIVES, "Midwife", "exact"), (OTHER, "Midwife", "exact")]
    turned = TitleIndex(TITLES, last={MIDWIVES})
    assert found(turned, "midwife")[0][0] == OTHER


def test_an_index_has_each_title_with_its_kind_and_knows_who_has_levels():
    def occupation(code: str, *, is_rated: bool, is_predicted: bool) -> Occupation:
        return Occupation(code, "Midwives", None, is_rated, is_predicted, None, "text", None, None)

    rated = occupation("29-1161.00", is_rated=True, is_predicted=False)
    predicted = occupation("29-1162.00", is_rated=False, is_predicted=True)
    without = occupation("11-0000.00", is_rated=False, is_predicted=False)
    profile = Profile("29-1162.00", "Midwives", "", (), ("Birth Helper",), ("Doula",), (), None, None, {})
    assert list(titles_of([rated, predicted], {"29-1162.00": profile})) == [
        ("29-1161.00", "Midwives", "title"),
        ("29-1162.00", "Midwives", "title"),
        ("29-1162.00", "Birth Helper", "alternate"),
        ("29-1162.00", "Doula", "reported"),
    ]
    known = index_titles([without, predicted, rated], {"29-1162.00": profile})
    assert [code for code, *_ in found(known, "midwives")] == ["29-1161.00", "29-1162.00", "11-0000.00"]
    assert found(known, "doula")[0] == ("29-1162.00", "Doula", "exact")


def test_unfinished_text_finds_titles_that_begin_with_it_own_titles_first(index: TitleIndex):
    assert found(index, "nurse mi")[0] == (MIDWIVES, "Nurse Midwives", "prefix")
    assert found(index, "tru")[0] == (DRIVERS, "Truck Driver", "prefix")
    assert found(index, "staff nur")[0] == (NURSES, "Staff Nurse", "prefix")
    assert found(index, "teac")[0] == (TEACHERS, "Teacher", "prefix")


def test_a_hit_names_the_title_and_its_kind(index: TitleIndex):
    for text, hit in {
        "registered nurses": Hit(NURSES, "Registered Nurses", "title", "exact"),
        "staff nurse": Hit(NURSES, "Staff Nurse", "alternate", "exact"),
        "rn regis": Hit(NURSES, "RN (Registered Nurse)", "reported", "prefix"),
        "trailer drivers": Hit(DRIVERS, "Heavy and Tractor-Trailer Truck Drivers", "title", "words"),
        "truckre": Hit(DRIVERS, "Trucker", "reported", "similar"),
        "53-30": Hit(DRIVERS, "Heavy and Tractor-Trailer Truck Drivers", "title", "code"),
    }.items():
        assert index.find(text)[0][0] == hit


def test_pages_of_a_few_together_are_the_whole_list(index: TitleIndex):
    for text in ("nurse", "nurse e", "midwife", "29"):
        every, total = index.find(text)
        assert len(every) == total > 1
        for limit in (1, 2, 3):
            pages = [index.find(text, limit, offset) for offset in range(0, total, limit)]
            assert ([hit for hits, _ in pages for hit in hits], {count for _, count in pages}) == (every, {total})


def test_unfinished_text_is_completed_by_the_most_common_words():
    titles = [("a", text, "title") for text in ("Bakers", "Bankers", "Bakers Aid", "Barbers", "Bakery", "Bankers Aid")]
    index = TitleIndex(titles)
    assert index.completions("ba") == ["bakers", "bankers", "bakery"]
    assert index.completions("bar") == ["barbers"]
    assert index.completions("bakerss") == []
    # The words before the last one are kept, and only the last one is completed.
    assert index.understand(["aid", "ban"]) == (["aid", "bankers"], "prefix")
    assert index.understand(["aid", "bankers"]) == (["aid", "bankers"], "words")


def test_a_typo_is_corrected_to_the_closest_word_then_the_most_common_then_alphabetically():
    titles = [
        ("a", text, "title")
        for text in ("Tailor", "Sailor", "Jailor", "Sailor Mate", "Cook", "Rope", "Welding", "Teaching", "Tracking")
    ]
    index = TitleIndex(titles)
    assert index.correction("bailor") == "sailor"
    assert index.correction("jailorr") == "jailor"
    assert index.correction("cokk") == "cook", "four letters may have a typo"
    assert index.correction("rop") is None
    assert index.correction("wlednig") is None, "seven letters may have one"
    assert index.correction("taechnig") == "teaching", "eight may have two"
    assert index.correction("xxachinx") is None, "never three"
    assert index.correction("qrackigg") == "tracking"


def test_all_words_one_typo_away_are_considered():
    titles = [("a", f"{letter}aker", "title") for letter in string.ascii_lowercase[:12]]
    assert TitleIndex([*titles, ("a", "laker laker lakes", "title"), ("a", "laker", "reported")]).correction(
        "zaker"
    ) == ("laker")


def test_words_count_in_any_order_and_the_title_that_matched_is_shown(index: TitleIndex):
    assert found(index, "driver heavy trailer")[0] == (
        DRIVERS,
        "Heavy and Tractor-Trailer Truck Drivers",
        "words",
    )
    assert {code for code, _, _ in found(index, "nurse")} == {NURSES, MIDWIVES, OTHER}


@pytest.mark.parametrize("text", ["mdwife", "midwfie", "midwifee", "mitwife"])
def test_one_typo_in_a_word_is_tolerated(index: TitleIndex, text: str):
    assert found(index, text)[0] == (MIDWIVES, "Midwife", "similar")


def test_two_typos_are_tolerated_in_long_words_only(index: TitleIndex):
    assert found(index, "regstred nurse")[0][0] == NURSES
    assert found(index, "mdwfe") == []


@pytest.mark.parametrize("text", ["", "  ", "!?", "zzzz qqqq", "日本"])
def test_a_text_without_similar_titles_finds_nothing(index: TitleIndex, text: str):
    assert index.find(text) == ([], 0)


def test_an_empty_index_finds_nothing():
    assert TitleIndex([]).find("nurse") == ([], 0)
    assert TitleIndex([]).find("29-1141") == ([], 0)


@pytest.mark.parametrize(
    ("text", "codes"),
    [("29", [NURSES, MIDWIVES, OTHER]), ("29-11", [NURSES, MIDWIVES]), ("29114100", [NURSES]), ("99-9999.00", [])],
)
def test_the_beginning_of_a_code_finds_by_code(index: TitleIndex, text: str, codes: list[str]):
    hits, total = index.find(text)
    assert [hit.onet_soc_code for hit in hits] == codes
    assert total == len(codes)
    assert {hit.match for hit in hits} <= {"code"}


def test_pages_together_are_the_whole_list(whole: tuple[TitleIndex, dict[str, Occupation]]):
    index, _ = whole
    for text in ("manager", "nurse", "teach", "software enginer", "29-1", "a"):
        every, total = index.find(text, 2_000)
        assert len(every) == total == len({hit.onet_soc_code for hit in every})
        pages = [hit for offset in range(0, total + 7, 7) for hit in index.find(text, 7, offset)[0]]
        assert pages == every
        assert index.find(text, 5, total) == ([], total)


def test_every_occupation_is_found_by_its_own_title_and_by_its_code(whole: tuple[TitleIndex, dict[str, Occupation]]):
    index, occupations = whole
    for code, occupation in occupations.items():
        assert found(index, occupation.title, 1) == [(code, occupation.title, "exact")]
        assert found(index, code, 1) == [(code, occupation.title, "code")]


def test_every_alternate_title_finds_its_occupation(whole: tuple[TitleIndex, dict[str, Occupation]], whole_29: Engine):
    index, occupations = whole
    with read(whole_29) as connection:
        titles = [each for each in titles_of(occupations.values(), get_profiles(connection)) if each[2] == "alternate"]
    for code, title, _ in titles[::200]:
        hits = index.find(title, 40)[0]
        mine = [hit for hit in hits if hit.onet_soc_code == code]
        assert [(hit.title.casefold(), hit.match) for hit in mine] == [(title.casefold(), "exact")]


def test_naive_bayes_is_worked_by_hand():
    """A feature adds ln((n + 5 p) / 5 p) for an occupation that uses it n times, p being its share of all features.

    Each feature also adds ln(5 / (m + 5)) for an occupation with m features. A word of one letter has four features
    (word, stem, part, last word), of which `b` uses each of y's twice; its second title has eight: four of y, three
    of z and the pair. So `a` has 4 features and `b` 12.
    """
    index = TitleIndex([("a", "x", "title"), ("b", "y", "title"), ("b", "z y", "alternate")])
    scores, similarity = index.scores(["y"])
    share = 2 / 16
    votes = [0.0, 1.0 + (_rarity(3, 2) / np.hypot(_rarity(3, 2), _rarity(3, 1))) ** 3]
    expected = [
        4 * np.log(5 / (4 + 5)) + 12 * np.log(votes[0] + 0.02),
        4 * np.log(5 / (12 + 5)) + 4 * np.log((2 + 5 * share) / (5 * share)) + 12 * np.log(votes[1] + 0.02),
    ]
    np.testing.assert_allclose(scores, expected, rtol=1e-5)
    assert similarity[0] == 0


def test_features_are_words_stems_parts_pairs_and_the_last_word():
    assert list(features(["nurses", "aid"])) == [
        *("word nurses", "stem nurse", "part <nur", "part nurs", "part urse", "part rses", "part ses>"),
        *("word aid", "stem aid", "part <aid", "part aid>"),
        *("pair nurses aid", "last aid"),
    ]
    assert list(features(["x"])) == ["word x", "stem x", "part <x>", "last x"]
    assert list(features([])) == []


def test_similarity_of_titles_is_worked_by_hand():
    # Words and stems count, by how rare they are among the three titles; parts, pairs and last words do not.
    index = TitleIndex([("a", "cooks", "title"), ("b", "cooks aid", "title"), ("c", "maids aid", "title")])
    _, similarity = index.scores(["cooks"])
    rare, common = _rarity(3, 1), _rarity(3, 2)  # "maids", and its stem, are in one; the others in two
    first = {"a": 2 * common**2 / 2**0.5 / common, "b": 2 * common**2 / (4 * common**2) ** 0.5, "c": 0.0}
    np.testing.assert_allclose(similarity, np.array(list(first.values())) / (2**0.5 * common), rtol=1e-6)
    _, similarity = index.scores(["maids", "aid"])
    whole = (2 * common**2 + 2 * rare**2) ** 0.5
    np.testing.assert_allclose(similarity, [0.0, 2 * common**2 / (4 * common**2) ** 0.5 / whole, 1.0], rtol=1e-6)
    _, similarity = index.scores(["nothing"])
    assert similarity.tolist() == [0.0, 0.0, 0.0]


def test_stems_count_beside_words():
    # No title has the word "bakers", but its stem is that of "bakery": one of the two terms of that title.
    index = TitleIndex([("a", "bakery", "title"), ("b", "tailor", "title")])
    _, similarity = index.scores(["bakers"])
    np.testing.assert_allclose(similarity, [0.5**0.5, 0.0], rtol=1e-6)


def test_the_most_similar_titles_vote_for_their_occupations():
    titles = [("a", "cook", "title"), ("b", "cook aid", "title"), ("c", "tailor", "title")]
    scores, similarity = TitleIndex(titles, voters=1).scores(["cook"])
    log_odds, _ = TitleIndex(titles, vote_weight=0.0).scores(["cook"])
    assert similarity[0] == pytest.approx(1.0)
    assert 0 < similarity[1] < 1
    np.testing.assert_allclose(scores - log_odds, 12 * np.log([1.02, 0.02, 0.02]), rtol=1e-6)


def test_of_equally_likely_occupations_the_first_code_comes_first_and_ten_are_given():
    codes = [f"{11 + k}-0000.00" for k in range(60)]
    titles = [(code, f"{('School', 'Kitchen', 'Bakery')[k % 3]} aid", "title") for k, code in enumerate(codes)]
    index = TitleIndex(reversed(titles))
    hits, total = index.find("aid kitchen", 60)
    assert total == 60
    assert [hit.onet_soc_code for hit in hits] == [*codes[1::3], *sorted({*codes} - {*codes[1::3]})]
    assert index.find("aid kitchen") == (hits[:10], 60)


def test_a_hit_is_listed_with_its_occupation():
    occupation = Occupation(NURSES, "Registered Nurses", None, True, False, None, "text", None, None)
    hit = Hit(NURSES, "Staff Nurse", "alternate", "prefix")
    assert hit.listed({NURSES: occupation}) == ListedOccupation(occupation, "Staff Nurse", "alternate", "prefix")


def test_of_the_same_title_an_occupations_own_comes_first_then_the_likelier_occupation():
    titles = [
        *(("a", "Cook", "alternate"), ("a", "Tailor", "title"), ("a", "Dress Maker", "alternate")),
        ("b", "Cook", "title"),
        *(("c", "Cook", "alternate"), ("c", "Line Cook", "title"), ("c", "Fry Cook", "alternate")),
    ]
    index = TitleIndex(titles)
    assert [(hit.onet_soc_code, hit.match) for hit in index.find("cook")[0]] == [
        ("b", "exact"),
        ("c", "exact"),
        ("a", "exact"),
    ]
    assert [hit.onet_soc_code for hit in index.find("coo")[0]] == ["b", "c", "a"]


def _rarity(titles: int, having: int) -> float:
    return 1 + np.log((1 + titles) / (1 + having))


@settings(deadline=None, max_examples=200)
@given(text=st.text(alphabet=string.printable + "éß日\u0000", max_size=60), limit=st.integers(1, 20))
def test_any_text_has_an_answer(whole: tuple[TitleIndex, dict[str, Occupation]], text: str, limit: int):
    index, occupations = whole
    hits, total = index.find(text, limit)
    assert len(hits) == min(limit, total)
    for hit in hits:
        assert hit.listed(occupations).matched_title == hit.title


# -- codes and exact titles --------------------------------------------------------------------------------------------


def test_a_code_or_an_exact_title_is_resolved():
    titles = {NURSES: "Registered Nurses"}
    assert find_code("291141", titles) == NURSES
    assert find_code(" registered nurses ", titles) == NURSES
    assert find_code("Registered\u00a0 Nurses", titles) == NURSES, "spaces as spreadsheets leave them"
    assert find_code("Registered Nurses", {NURSES: "Registered  Nurses\u00a0"}) == NURSES


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Registred Nurses", ". Did you mean Registered Nurses (29-1141.00)?"),
        ("nurse", ". Did you mean Nurses A (1), Nurses B (2) or Nurses C (3)?"),
        ("Registered", ""),
        ("x" * 300, ""),
    ],
)
def test_an_unknown_title_suggests_up_to_three_similar_ones(text: str, hint: str):
    titles = {NURSES: "Registered Nurses", **{str(k): f"Nurses {letter}" for k, letter in enumerate("ABCD", start=1)}}
    with pytest.raises(UnknownOccupation) as raised:
        find_code(text, titles)
    message = f"{text[:80]!r} is neither an O*NET-SOC code nor a loaded title{hint}"
    assert (str(raised.value), raised.value.onet_soc_code) == (message, text[:80])


def test_titles_are_compared_by_their_first_200_letters():
    with pytest.raises(UnknownOccupation, match=r"Did you mean a{200} \(1\)\?"):
        find_code("A" * 200 + "b" * 400, {"1": "a" * 200})


# -- bounds -----------------------------------------------------------------------------------------------------------


def test_the_length_limit_applies_to_the_normalized_text(index: TitleIndex):
    with pytest.raises(InvalidSearchText, match="3,600 characters; at most 200"):
        index.find("\ufdfa" * 200)
    with pytest.raises(InvalidSearchText, match="201 characters"):
        index.find("a" * 201)
    assert index.find("a " * 100)[1] == index.find("a")[1]


def test_too_many_words_are_refused_and_not_ignored(index: TitleIndex):
    with pytest.raises(InvalidSearchText, match="31 different words; at most 30"):
        index.find(" ".join(f"w{n}" for n in range(31)))
    index.find(" ".join(f"w{n}" for n in range(30)))


def test_letters_of_another_width_are_the_same_letters(index: TitleIndex):
    assert index.find("ｎｕｒｓｅ") == index.find("nurse")


def test_a_repeated_word_is_corrected_once():
    corrected: list[str] = []

    class Recording(TitleIndex):
        def correction(self, word: str) -> str | None:
            corrected.append(word)
            return super().correction(word)

    Recording(TITLES).find(" ".join(["nurze", "managr"] * 10))
    assert sorted(corrected) == ["managr", "nurze"]
