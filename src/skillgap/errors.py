"""The exception tree of skillgap.

    SkillgapError
    ├── ConfigurationError          a setting or argument that cannot be used
    │   └── MissingCredentials      no credentials for O*NET Web Services are set
    ├── SourceError                 a source of data cannot be used
    │   ├── ReleaseUnavailable      not on disk, and the download failed
    │   ├── ReleaseLayoutError      a file or column is missing or misplaced
    │   ├── ReleaseDataError        values violate the rules of their columns
    │   ├── OnetApiUnavailable      O*NET Web Services failed on every attempt
    │   ├── OnetApiProtocolError    a response that contradicts the Web Services manual
    │   └── OnetApiRefusal          a response with an error status
    │       └── CredentialsRefused  401 or 403
    ├── LLMError                    a language model cannot be used
    │   ├── ModelUnavailable        its server failed on every attempt
    │   ├── ModelRefusesCredentials 401 or 403
    │   └── RepliesInvalid          its replies stayed invalid after feedback
    ├── StoreError                  the database cannot serve a request
    │   ├── DatabaseUnavailable     no connection, connection lost, disk full
    │   ├── SchemaMismatch          its schema belongs to another version
    │   ├── LoadConflict            a load would delete rows that another source needs
    │   └── NoData                  no release has been loaded
    ├── ChartFailed                 a chart could not be drawn
    ├── BatchInputError             a batch input cannot be used as a whole
    ├── InvalidProfile              a person's own levels are invalid
    ├── UnknownElement              no element has this name or id
    ├── UnknownJobZone              no occupation of the loaded release has this Job Zone
    ├── MissingInput                the loaded data lack an input that the answer requires
    ├── InvalidSearchText           a search text is too long
    └── OccupationError             an occupation cannot be resolved or has no ratings
        ├── InvalidCode             not an O*NET-SOC code
        ├── UnknownOccupation       not in any loaded source
        └── UnratedOccupation       exists, but O*NET has published no skill levels for it

`code` is the stable name of an error in HTTP answers and logs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from skillgap.escaping import message_for_terminal


class SkillgapError(Exception):
    """Base of all errors. The message is written for the person who has to act.

    Control characters in it are escaped, because it may quote file names and values and is shown on terminals.
    """

    code = "error"

    def __init__(self, message: str = "") -> None:
        super().__init__(message_for_terminal(message))


class ConfigurationError(SkillgapError):
    """A setting or argument cannot be used."""

    code = "configuration"


class MissingCredentials(ConfigurationError):
    """No credentials for O*NET Web Services are set."""

    code = "missing-credentials"


class SourceError(SkillgapError):
    """A source of data cannot be used."""

    code = "source"


class ReleaseUnavailable(SourceError):
    """The release is not on disk and cannot be downloaded."""

    code = "release-unavailable"


class ReleaseLayoutError(SourceError):
    """A file or column of an O*NET release is missing or misplaced."""

    code = "release-layout"


class ReleaseDataError(SourceError):
    """Values violate the rules of their columns; `defects` holds one line for each."""

    code = "release-data"
    shown = 20

    def __init__(self, file: str, defects: Sequence[str], *, is_cut: bool = False) -> None:
        """Report the defects of a file; `is_cut` means that reading stopped at the last of them."""
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
    """O*NET Web Services failed on every attempt."""

    code = "onet-api-unavailable"


class OnetApiProtocolError(SourceError):
    """A response of O*NET Web Services contradicts their manual."""

    code = "onet-api-protocol"


class OnetApiRefusal(SourceError):
    """O*NET Web Services responded with the error status `status`."""

    code = "onet-api-refusal"

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class CredentialsRefused(OnetApiRefusal):
    """O*NET Web Services rejected the credentials (401, 403)."""

    code = "credentials-refused"


class LLMError(SkillgapError):
    """A language model cannot be used."""

    code = "llm"


class ModelUnavailable(LLMError):
    """The model's server failed on every attempt."""

    code = "model-unavailable"


class ModelRefusesCredentials(LLMError):
    """The model's server rejected the credentials (401, 403)."""

    code = "model-refuses-credentials"


class RepliesInvalid(LLMError):
    """The model's replies stayed invalid after feedback; `reply` is the text of the last one."""

    code = "replies-invalid"

    def __init__(self, message: str, *, reply: str) -> None:
        super().__init__(message)
        self.reply = reply


class StoreError(SkillgapError):
    """The database cannot serve a request."""

    code = "store"


class DatabaseUnavailable(StoreError):
    """The connection failed or was lost, or the disk is full."""

    code = "database-unavailable"


class SchemaMismatch(StoreError):
    """The schema of the database belongs to another version of skillgap."""

    code = "schema-mismatch"


class LoadConflict(StoreError):
    """A load would delete rows that rows of another source refer to."""

    code = "load-conflict"


class NoData(StoreError):
    """No release has been loaded."""

    code = "no-data"

    def __init__(self, message: str = "nothing is loaded yet; run `skillgap load starter` or load a release") -> None:
        super().__init__(message)


class ChartFailed(SkillgapError):
    """A chart could not be drawn; the request itself was valid."""

    code = "chart-failed"


class BatchInputError(SkillgapError):
    """A batch input cannot be used as a whole. Single invalid rows go to the rejects instead."""

    code = "batch-input"


class UnknownElement(SkillgapError):
    """No element of the domain has this name or id."""

    code = "unknown-element"


class UnknownJobZone(SkillgapError):
    """No occupation of the loaded release has this Job Zone."""

    code = "unknown-job-zone"


class MissingInput(SkillgapError):
    """The loaded data lack an input that the answer requires."""

    code = "missing-input"


class InvalidSearchText(SkillgapError):
    """A search text is too long."""

    code = "invalid-search-text"


class InvalidProfile(SkillgapError):
    """A person's own levels are invalid. `fields` maps each invalid field to the reason, without quoting levels.

    `left_out` counts invalid fields beyond those listed.
    """

    code = "invalid-profile"

    def __init__(self, fields: Mapping[str, str], *, left_out: int = 0) -> None:
        self.fields = dict(fields)
        self.left_out = left_out
        more = f"; and {left_out} more" if left_out else ""
        super().__init__("; ".join(f"{field}: {detail}" for field, detail in self.fields.items()) + more)


class OccupationError(SkillgapError):
    """An occupation cannot be resolved or has no ratings; `onet_soc_code` is the code as given."""

    code = "occupation"

    def __init__(self, message: str, *, onet_soc_code: str) -> None:
        super().__init__(message)
        self.onet_soc_code = onet_soc_code
        self.retry_after: int | None = None
        """Seconds after which a retry may succeed; None if the error is final."""


class InvalidCode(OccupationError):
    """Not an O*NET-SOC code."""

    code = "invalid-code"


class UnknownOccupation(OccupationError):
    """The code or title is not in any loaded source."""

    code = "unknown-occupation"


class UnratedOccupation(OccupationError):
    """The occupation exists, but O*NET has published no skill levels for it."""

    code = "unrated-occupation"
