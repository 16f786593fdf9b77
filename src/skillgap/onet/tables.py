"""The data dictionary: every O*NET table that is loaded, column by column.

File lookup, parsers, row checks, load order, SQL tables, the tables of O*NET Web Services, the stand-in for them and
`docs/schema.md` are derived from `TABLES`. To load another column, declare it here and write a migration.

Source of files, headers, widths and precision: O*NET data dictionary, releases 20.1 to 31.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# -- types of columns -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Text:
    """One line of text without control or invisible characters."""

    longest: int
    """In characters."""
    is_exact: bool = False
    """Values that differ only in case or accents are different values."""
    may_be_empty: bool = False
    """A missing value is stored as an empty text, because the column is part of the key."""


@dataclass(frozen=True)
class Prose:
    """Text that may contain tabs and line ends."""

    longest: int
    """In characters."""


@dataclass(frozen=True)
class SocCode:
    """An O*NET-SOC code, `11-1011.00`."""


@dataclass(frozen=True)
class ElementId:
    """A position in the Content Model, `2.A.1.a`."""


@dataclass(frozen=True)
class Number:
    """A decimal number, stored with fixed precision."""

    least: float
    most: float
    digits: int
    """Significant digits in the database, decimals included."""
    decimals: int


@dataclass(frozen=True)
class Whole:
    """A whole number."""

    least: int
    most: int


@dataclass(frozen=True)
class Flag:
    """Y or N."""


@dataclass(frozen=True)
class Month:
    """A month, stored as its first day: `08/2023` in the text edition."""


@dataclass(frozen=True)
class Day:
    """A date: O*NET Web Services write a month as its first day, `2023-08-01`."""


ColumnType = Text | Prose | SocCode | ElementId | Number | Whole | Flag | Month | Day

# -- columns, layouts, tables -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """One column, in release files and in the database."""

    name: str
    """In the database."""
    header: str
    """In release files."""
    type: ColumnType
    description: str
    """One sentence for the reference document."""
    unit: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Later headers, each by the first release that uses it."""
    may_be_null: bool = False
    """Values may be missing in release files."""
    may_be_absent: bool = False
    """Release files may lack the whole column."""
    filled_from: str = ""
    """The table that supplies missing values, looked up by element id; the stored column is never null."""
    is_nullable: bool | None = None
    """Whether the database accepts null, if that differs from `may_be_null` for a reason given at the column."""
    references: str = ""
    """The table whose key contains every value."""
    is_checked: bool = False
    """The database checks the range too: Y or N, or at least the least value."""

    @property
    def stores_null(self) -> bool:
        """Whether the database accepts null."""
        if self.is_nullable is not None:
            return self.is_nullable
        return self.may_be_null and not self.filled_from

    @property
    def onet_name(self) -> str:
        """The name in O*NET's SQL files and Web Services."""
        return self.name.replace("onet_soc_code", "onetsoc_code")


@dataclass(frozen=True)
class Layout:
    """The files that together hold a table, from one release on."""

    files: tuple[str, ...]
    """Names without ending."""
    since: str = "20.1"
    elements: tuple[str, ...] = ()
    """For a table that is split, the element id prefix of each file."""

    @property
    def web_services(self) -> tuple[str, ...]:
        """The tables of the Database Services with the same rows."""
        return tuple(file.lower().replace(" ", "_") for file in self.files)


@dataclass(frozen=True)
class Table:
    """One table of a release."""

    name: str
    description: str
    layouts: tuple[Layout, ...]
    """Oldest first."""
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    is_required: bool = False
    """A gap cannot be computed without it; other tables are optional in a release."""
    is_complete: bool = False
    """Each occupation with rows has one row for every element and scale of the file."""
    api_table: str = ""
    """The table that stores rows of the same kind from O*NET Web Services."""

    @property
    def reference(self) -> str:
        """The description for the reference document."""
        return self.description if self.is_required else f"{self.description} Empty if the release lacks it."

    @property
    def file(self) -> str:
        """The name of its first file, as messages show it."""
        return self.layouts[0].files[0]

    @property
    def files(self) -> tuple[str, ...]:
        """The names of its files in every layout."""
        return tuple(file for layout in self.layouts for file in layout.files)

    @property
    def parents(self) -> tuple[str, ...]:
        """The tables that its columns refer to."""
        return tuple(dict.fromkeys(column.references for column in self.columns if column.references))

    def layout_of(self, release: str) -> Layout:
        """Return the layout of a release, by its number."""
        number = release_key(release)
        return next(
            (layout for layout in reversed(self.layouts) if release_key(layout.since) <= number), self.layouts[0]
        )


def release_key(number: str) -> tuple[int, ...]:
    """Return a key that sorts release numbers: 30.10 comes after 30.9."""
    return tuple(int(part) for part in number.split("."))


# -- columns of several tables ----------------------------------------------------------------------------------------

_SOC_CODE = Column(
    "onet_soc_code", "O*NET-SOC Code", SocCode(), "Occupation, by its O*NET-SOC code.", references="Occupations"
)
_ELEMENT_ID = Column(
    "element_id", "Element ID", ElementId(), "Element of the Content Model, such as a skill.", references="Elements"
)
_SCALE_ID = Column("scale_id", "Scale ID", Text(3), "Scale of the value: IM importance, LV level.", references="Scales")
_DATED = (
    Column("date_updated", "Date", Month(), "Month of the last update.", may_be_null=True),
    Column("domain_source", "Domain Source", Text(30), "Who supplied the value, such as Analyst.", may_be_null=True),
)

_RATING = (
    _SOC_CODE,
    _ELEMENT_ID,
    _SCALE_ID,
    # Files may leave the name out, since it follows from the id.
    Column(
        "element_name",
        "Element Name",
        Text(150),
        "Name of the element.",
        may_be_null=True,
        may_be_absent=True,
        filled_from="Elements",
    ),
    # Never missing in a file. The shipped schema accepts null, for endpoints that leave the value out.
    Column(
        "data_value",
        "Data Value",
        Number(-9, 999, 5, 2),
        "The rating: the mean over raters.",
        unit="points of the scale",
        is_nullable=True,
    ),
    Column("n", "N", Whole(0, 9999), "Number of raters.", may_be_null=True),
    Column(
        "standard_error",
        "Standard Error",
        Number(0, 999, 7, 4),
        "Standard error of the rating.",
        unit="points of the scale",
        may_be_null=True,
        is_checked=True,
    ),
    Column(
        "lower_ci_bound",
        "Lower CI Bound",
        Number(-99, 999, 7, 4),
        "Lower end of O*NET's 95 % interval.",
        unit="points of the scale",
        may_be_null=True,
        may_be_absent=True,
    ),
    Column(
        "upper_ci_bound",
        "Upper CI Bound",
        Number(-99, 999, 7, 4),
        "Upper end of O*NET's 95 % interval.",
        unit="points of the scale",
        may_be_null=True,
        may_be_absent=True,
    ),
    Column(
        "recommend_suppress",
        "Recommend Suppress",
        Flag(),
        "Y if O*NET calls the value too imprecise to show.",
        may_be_null=True,
        is_checked=True,
    ),
    Column(
        "not_relevant",
        "Not Relevant",
        Flag(),
        "Y if most raters found the element not relevant to the occupation.",
        may_be_null=True,
        is_checked=True,
    ),
    *_DATED,
)
_RATING_KEY = ("onet_soc_code", "element_id", "scale_id")


def _rated(name: str, description: str, *layouts: Layout, is_required: bool = False, api_table: str = "") -> Table:
    """Declare the table of a rated domain. All domains share the columns of ratings."""
    return Table(
        name,
        description,
        layouts,
        _RATING,
        _RATING_KEY,
        is_required=is_required,
        is_complete=True,
        api_table=api_table,
    )


# -- tables, parents before children ----------------------------------------------------------------------------------

_DECLARED = (
    Table(
        "Occupations",
        "Occupation Data: one row per occupation of the release.",
        (Layout(("Occupation Data",)),),
        (
            Column("onet_soc_code", "O*NET-SOC Code", SocCode(), "O*NET-SOC code of the occupation."),
            Column("title", "Title", Text(150), "Title of the occupation."),
            Column(
                "description",
                "Description",
                Prose(1000),
                "Summary of the work in the occupation.",
                may_be_null=True,
                may_be_absent=True,
            ),
        ),
        key=("onet_soc_code",),
        is_required=True,
        api_table="OnetApiOccupationData",
    ),
    Table(
        "Scales",
        "Scales Reference: the bounds of each scale.",
        (Layout(("Scales Reference",)),),
        (
            Column("scale_id", "Scale ID", Text(3), "Short name of the scale, such as LV."),
            Column("scale_name", "Scale Name", Text(50), "Name of the scale, such as Level."),
            Column("minimum", "Minimum", Number(-9, 9, 3, 0), "Lowest value."),
            Column("maximum", "Maximum", Number(-9, 999, 3, 0), "Highest value."),
        ),
        key=("scale_id",),
        is_required=True,
    ),
    Table(
        "Elements",
        "Content Model Reference: the names of all elements; a skill is an element.",
        (Layout(("Content Model Reference",)),),
        (
            Column("element_id", "Element ID", ElementId(), "Position in the Content Model."),
            Column("element_name", "Element Name", Text(150), "Name of the element."),
            Column(
                "description",
                "Description",
                Prose(1500),
                "Definition of the element.",
                may_be_null=True,
                may_be_absent=True,
            ),
        ),
        key=("element_id",),
        is_required=True,
    ),
    _rated(
        "Skills",
        "Skills (to 30.2), Essential Skills and Transferable Skills (from 30.3): one row per rating.",
        Layout(("Skills",)),
        Layout(("Essential Skills", "Transferable Skills"), since="30.3", elements=("2.A", "2.B")),
        is_required=True,
        api_table="OnetApiSkillsData",
    ),
    _rated(
        "Knowledge",
        "Knowledge, rated by incumbents or experts. Errors are missing if experts rated.",
        Layout(("Knowledge",)),
    ),
    _rated("Abilities", "Abilities, rated by analysts.", Layout(("Abilities",))),
    _rated("WorkActivities", "Work Activities, rated by incumbents or experts.", Layout(("Work Activities",))),
    Table(
        "JobZoneReference",
        "Job Zone Reference: the meaning of each Job Zone.",
        (Layout(("Job Zone Reference",)),),
        (
            Column("job_zone", "Job Zone", Whole(1, 5), "Number of the Job Zone."),
            Column("name", "Name", Text(100), "Name of the Job Zone."),
            Column("experience", "Experience", Prose(1000), "Experience that its occupations need."),
            Column("education", "Education", Prose(1000), "Education that its occupations need."),
            Column("job_training", "Job Training", Prose(1000), "Training on the job that its occupations need."),
            Column("examples", "Examples", Prose(1000), "Examples of its occupations."),
            Column("svp_range", "SVP Range", Text(50), "Range of Specific Vocational Preparation.", may_be_null=True),
        ),
        key=("job_zone",),
    ),
    Table(
        "JobZones",
        "Job Zones: how much preparation an occupation needs, 1 to 5, or 2 to 5 from 30.2 on.",
        (Layout(("Job Zones",)),),
        (_SOC_CODE, Column("job_zone", "Job Zone", Whole(1, 5), "Job Zone of the occupation."), *_DATED),
        key=("onet_soc_code",),
    ),
    Table(
        "Interests",
        "Interests (to 30.2), Career Interest Types (from 30.3).",
        (Layout(("Interests",)), Layout(("Career Interest Types",), since="30.3")),
        (
            _SOC_CODE,
            _ELEMENT_ID,
            Column("scale_id", "Scale ID", Text(3), "Scale of the value: OI, IH.", references="Scales"),
            Column("element_name", "Element Name", Text(150), "Name of the interest."),
            Column(
                "data_value", "Data Value", Number(-9, 999, 5, 2), "Value on the scale.", unit="points of the scale"
            ),
            *_DATED,
        ),
        _RATING_KEY,
    ),
    Table(
        "TaskStatements",
        "Task Statements: the tasks of an occupation.",
        (Layout(("Task Statements",)),),
        (
            _SOC_CODE,
            Column("task_id", "Task ID", Whole(0, 99_999_999), "O*NET's number of the task."),
            Column("task", "Task", Prose(1000), "The task in one sentence."),
            Column("task_type", "Task Type", Text(12), "Core or Supplemental.", may_be_null=True),
            Column(
                "incumbents_responding",
                "Incumbents Responding",
                Whole(0, 9999),
                "Number of incumbents who rated the task.",
                may_be_null=True,
            ),
            *_DATED,
        ),
        key=("onet_soc_code", "task_id"),
    ),
    Table(
        "AlternateTitles",
        "Alternate Titles (to 30.2), Job Titles (from 30.3).",
        (Layout(("Alternate Titles",)), Layout(("Job Titles",), since="30.3")),
        (
            _SOC_CODE,
            Column(
                "alternate_title",
                "Alternate Title",
                Text(250, is_exact=True),
                "Another title of the occupation.",
                renamed={"30.3": "Job Title"},
            ),
            Column(
                "short_title",
                "Short Title",
                Text(150, is_exact=True, may_be_empty=True),
                "Its abbreviation; empty if there is none.",
            ),
            Column("sources", "Source(s)", Text(50), "O*NET's codes of where the title was found.", may_be_null=True),
        ),
        key=("onet_soc_code", "alternate_title", "short_title"),  # O*NET lists some titles twice
    ),
    Table(
        "SampleOfReportedTitles",
        "Sample of Reported Titles: titles that incumbents use.",
        (Layout(("Sample of Reported Titles",)),),
        (
            _SOC_CODE,
            Column(
                "reported_job_title",
                "Reported Job Title",
                Text(150, is_exact=True),
                "Title that an incumbent reported.",
            ),
            Column(
                "shown_in_my_next_move",
                "Shown in My Next Move",
                Flag(),
                "Y if O*NET's My Next Move shows the title.",
                may_be_null=True,
                may_be_absent=True,
            ),
        ),
        key=("onet_soc_code", "reported_job_title"),
    ),
    Table(
        "TechnologySkills",
        "Technology Skills (to 30.2), Software Skills (from 30.3).",
        (Layout(("Technology Skills",)), Layout(("Software Skills",), since="30.3")),
        (
            _SOC_CODE,
            Column(
                "example",
                "Example",
                Text(150, is_exact=True),
                "Name of the software or tool.",
                renamed={"30.3": "Workplace Example"},
            ),
            Column(
                "category_id",
                "Commodity Code",
                Text(20),
                "UNSPSC commodity code (to 30.2), element of the Content Model (from 30.3).",
                renamed={"30.3": "Element ID"},
            ),
            Column(
                "category_name",
                "Commodity Title",
                Text(150),
                "Name of the category.",
                renamed={"30.3": "Element Name"},
                may_be_null=True,
            ),
            Column(
                "hot_technology",
                "Hot Technology",
                Flag(),
                "Y if job postings often ask for it.",
                may_be_null=True,
                may_be_absent=True,
            ),
            Column(
                "in_demand",
                "In Demand",
                Flag(),
                "Y if job postings of this occupation often ask for it.",
                may_be_null=True,
                may_be_absent=True,
            ),
        ),
        key=("onet_soc_code", "example", "category_id"),
    ),
    Table(
        "RelatedOccupations",
        "Related Occupations: O*NET's own list.",
        (Layout(("Related Occupations",)),),
        (
            _SOC_CODE,
            Column(
                "related_onet_soc_code",
                "Related O*NET-SOC Code",
                SocCode(),
                "The related occupation.",
                references="Occupations",
            ),
            Column("relatedness_tier", "Relatedness Tier", Text(50), "Primary-Short, Primary-Long or Supplemental."),
            Column("related_index", "Index", Whole(1, 999), "Place in the list, nearest first."),
        ),
        key=("onet_soc_code", "related_onet_soc_code"),
    ),
    Table(
        "LevelScaleAnchors",
        "Level Scale Anchors: examples that illustrate levels.",
        (Layout(("Level Scale Anchors",)),),
        (
            _ELEMENT_ID,
            _SCALE_ID,
            Column("anchor_value", "Anchor Value", Whole(0, 999), "The level.", unit="points of the scale"),
            Column("anchor_description", "Anchor Description", Prose(1000), "Example of a task at that level."),
        ),
        key=("element_id", "scale_id", "anchor_value"),
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _DECLARED}
"""Every table by name, parents before children."""
LOAD_ORDER = tuple(TABLES)
REQUIRED_TABLES = tuple(table.name for table in _DECLARED if table.is_required)
"""The tables that a gap is computed from."""
OPTIONAL_TABLES = tuple(table.name for table in _DECLARED if not table.is_required)
"""The tables that a release may lack, as the starter data do."""
