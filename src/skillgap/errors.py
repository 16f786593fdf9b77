"""Every error that skillgap raises on purpose.

    SkillgapError
    ├── ConfigurationError          a setting that cannot work
    │   └── MissingCredentials      O*NET Web Services were asked for, and no setting says as whom
    ├── SourceError                 a source of facts cannot be used
    │   ├── ReleaseUnavailable      neither on disk nor to be downloaded
    │   ├── ReleaseLayoutError      a file or column is not where the release should have it
    │   ├── ReleaseDataError        a value breaks the rules of its column
    │   ├── OnetApiUnavailable      O*NET Web Services gave no usable answer, however often asked
    │   ├── OnetApiProtocolError    an answer that is not what the Web Services' manual says
    │   └── OnetApiRefusal          an answer with the status of an error
    │       └── CredentialsRefused  401 or 403
    ├── LLMError                    a language model cannot be used
    │   ├── ModelUnavailable        it failed again and again
    │   ├── ModelRefusesCredentials 401 or 403
    │   └── RepliesInvalid          its replies cannot be read, though it was told why
    ├── StoreError                  the database cannot do what was asked
    │   ├── DatabaseUnavailable     no connection, connection lost, disk full
    │   ├── SchemaMismatch          its tables are not those of this version
    │   ├── LoadConflict            rows of another source still need what a load would delete
    │   └── NoData                  no release has been loaded
    ├── ChartFailed                 a chart could not be drawn
    ├── BatchInputError             an input of many rows cannot be used as a whole
    ├── InvalidProfile              a person's own levels cannot be used as given
    ├── UnknownElement              no element is called so
    ├── InvalidSearchText           a text is too long to be searched for
    └── OccupationError             a question about an occupation has no gap for an answer
        ├── InvalidCode             not an O*NET-SOC code
        ├── UnknownOccupation       no loaded source has it
        └── UnratedOccupation       it exists, and O*NET has published no skill levels for it

`code` is the stable name of an error in HTTP answers and logs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from skillgap.escaping import message_for_terminal


class SkillgapError(Exception):
    """Base of all errors below; its text is written for the person who has to act.

    Control characters in it are escaped: it may quote names of files, and values, and is shown on terminals.
    """

    code = "error"

    def __init__(self, message: str = "") -> None:
        super().__init__(message_for_terminal(message))


class ConfigurationError(SkillgapError):
    """A setting names something that cannot work."""

    code = "configuration"


class MissingCredentials(ConfigurationError):
    """O*NET Web Services were asked for, and no setting says as whom."""

    code = "missing-credentials"


class SourceError(SkillgapError):
    """A source of facts cannot be used."""

    code = "source"


class ReleaseUnavailable(SourceError):
    """The release is neither on disk nor to be downloaded."""

    code = "release-unavailable"


class ReleaseLayoutError(SourceError):
    """A file or a column is not where an O*NET release has it."""

    code = "release-layout"


class ReleaseDataError(SourceError):
    """Values break the rules of their columns; `defects` holds one line for each."""

    code = "release-data"
    shown = 20

    def __init__(self, file: str, defects: Sequence[str], *, is_cut: bool = False) -> None:
        """Report the defects of a file; with `is_cut`, reading stopped at the last of them."""
        self.file = file
        self.defects = tuple(defects)
        self.count = f"{'at least ' if is_cut else ''}{len(defects):,} defect{'s' if len(defects) != 1 else ''}"
        shown = "\n".join(f"  {defect}" for defect in self.defects[: self.shown])
        more = len(self.defects) - self.shown
        rest = f"\n  and {more:,} more" if more > 0 else ""
        super().__init__(f"{file}: {self.count}, nothing was written\n{shown}{rest}")

    def in_one_line(self) -> str:
        """Return the count of defects and the first three."""
        first = "; ".join(self.defects[:3])
        more = len(self.defects) - 3
        return message_for_terminal(f"{self.file}: {self.count}: {first}{f'; and {more:,} more' if more > 0 else ''}")


class OnetApiUnavailable(SourceError):
    """O*NET Web Services gave no usable answer, however often asked."""

    code = "onet-api-unavailable"


class OnetApiProtocolError(SourceError):
    """An answer of O*NET Web Services that is not what their manual says."""

    code = "onet-api-protocol"


class OnetApiRefusal(SourceError):
    """O*NET Web Services answered with an error; `status` is its HTTP status."""

    code = "onet-api-refusal"

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class CredentialsRefused(OnetApiRefusal):
    """O*NET Web Services refuse the credentials (401, 403)."""

    code = "credentials-refused"


class LLMError(SkillgapError):
    """A language model cannot be used."""

    code = "llm"


class ModelUnavailable(LLMError):
    """The model's server failed again and again."""

    code = "model-unavailable"


class ModelRefusesCredentials(LLMError):
    """The model's server answered with 401 or 403."""

    code = "model-refuses-credentials"


class RepliesInvalid(LLMError):
    """The model's replies cannot be read, though it was told why; `reply` is the text of the last one."""

    code = "replies-invalid"

    def __init__(self, message: str, *, reply: str) -> None:
        super().__init__(message)
        self.reply = reply


class StoreError(SkillgapError):
    """The database cannot do what was asked."""

    code = "store"


class DatabaseUnavailable(StoreError):
    """No connection, a lost connection, or a disk without room."""

    code = "database-unavailable"


class SchemaMismatch(StoreError):
    """The database's tables are not those of this version."""

    code = "schema-mismatch"


class LoadConflict(StoreError):
    """Rows of another source still need what this load would delete."""

    code = "load-conflict"


class NoData(StoreError):
    """No release has been loaded."""

    code = "no-data"

    def __init__(self, message: str = "nothing is loaded yet; run `skillgap load starter`, or load a release") -> None:
        super().__init__(message)


class ChartFailed(SkillgapError):
    """A chart could not be drawn, through no fault of whoever asked."""

    code = "chart-failed"


class BatchInputError(SkillgapError):
    """An input of many rows cannot be used as a whole; a single row that cannot is among the rejects instead."""

    code = "batch-input"


class UnknownElement(SkillgapError):
    """No element of the domain has this name or id."""

    code = "unknown-element"


class UnknownJobZone(SkillgapError):
    """No occupation of the loaded release has this Job Zone."""

    code = "unknown-job-zone"


class MissingInput(SkillgapError):
    """The loaded data lack an input that the answer cannot do without."""

    code = "missing-input"


class InvalidSearchText(SkillgapError):
    """A text is too long to be searched for."""

    code = "invalid-search-text"


class InvalidProfile(SkillgapError):
    """A person's own levels cannot be used as given; `fields` says what is wrong with each. It quotes no level.

    `left_out` counts wrong ones that are not among the fields.
    """

    code = "invalid-profile"

    def __init__(self, fields: Mapping[str, str], *, left_out: int = 0) -> None:
        self.fields = dict(fields)
        self.left_out = left_out
        more = f"; and {left_out} more" if left_out else ""
        super().__init__("; ".join(f"{field}: {detail}" for field, detail in self.fields.items()) + more)


class OccupationError(SkillgapError):
    """A question about an occupation has no gap for an answer; `onet_soc_code` is the occupation asked for."""

    code = "occupation"

    def __init__(self, message: str, *, onet_soc_code: str) -> None:
        super().__init__(message)
        self.onet_soc_code = onet_soc_code
        self.retry_after: int | None = None
        """Seconds after which another answer is possible; None where this one is final."""


class InvalidCode(OccupationError):
    """Not an O*NET-SOC code."""

    code = "invalid-code"


class UnknownOccupation(OccupationError):
    """No loaded source has this code or title."""

    code = "unknown-occupation"


class UnratedOccupation(OccupationError):
    """The occupation exists, and O*NET has published no skill levels for it."""

    code = "unrated-occupation"
