"""O*NET's credit line and license."""

from __future__ import annotations

from skillgap.onet.releases import Release

LICENSE_URL = "https://creativecommons.org/licenses/by/4.0/"


def attribution(release: Release | None, *, web_services: bool = False) -> str:
    """Return the credit line that O*NET's licenses require for the database and, if used, for its Web Services.

    Sources: https://www.onetcenter.org/license_db.html, https://services.onetcenter.org/help/license_data.
    """
    agency = "the U.S. Department of Labor, Employment and Training Administration (USDOL/ETA)."
    trademark = "O*NET® is a trademark of USDOL/ETA."
    services = f"This application incorporates information from O*NET Web Services by {agency} {trademark}"
    if web_services and release is None:
        return services
    database = f"O*NET {release.number} Database" if release else "O*NET Database"
    text = (
        f"This page includes information from the {database} by {agency} Used under the CC BY 4.0 license. {trademark}"
    )
    return f"{text} {services}" if web_services else text


MODIFICATION = (
    "skillgap has modified all or some of this information. USDOL/ETA has not approved, endorsed, or tested these "
    "modifications."
)
