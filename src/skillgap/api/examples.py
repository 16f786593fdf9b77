"""A real answer, shortened to a row a list, for the API's document; a test holds it against the starter data."""

from __future__ import annotations

from datetime import date
from typing import Any

from skillgap.model import LICENCE_URL, MODIFICATION, Release, attribution

SKILL_GAP: dict[str, Any] = {
    "from_occupation": {
        "onet_soc_code": "29-1141.00",
        "title": "Registered Nurses",
        "description": None,
        "is_rated": True,
        "source": "text",
        "as_of": "2024-08-01",
    },
    "to_occupation": {
        "onet_soc_code": "11-9111.00",
        "title": "Medical and Health Services Managers",
        "description": None,
        "is_rated": True,
        "source": "text",
        "as_of": "2024-08-01",
    },
    "summary": {
        "skills_compared": 35,
        "gaps": 17,
        "distinguishable_gaps": 8,
        "surplus": 14,
        "distinguishable_surplus": 2,
        "weighted_shortfall": 0.4583,
        "shortfall_percentile": 51.3,
    },
    "skill_gaps": [
        {
            "element_id": "2.B.3.a",
            "element_name": "Operations Analysis",
            "scale_id": "LV",
            "from_data_value": 1.75,
            "to_data_value": 3.88,
            "gap": 2.125,
            "importance": 3.62,
            "standard_error": 0.4304,
            "gap_lower": 1.2018,
            "gap_upper": 3.0482,
            "p_value": 0.000219,
            "distinguishable": True,
            "from_standard_error": 0.4119,
            "to_standard_error": 0.125,
            "from_source": "text",
            "to_source": "text",
            "from_date_updated": "2021-08",
            "to_date_updated": "2022-08",
            "from_not_relevant": False,
            "to_not_relevant": False,
            "from_recommend_suppress": False,
            "to_recommend_suppress": False,
        }
    ],
    "surplus_skills": [
        {
            "element_id": "2.B.3.m",
            "element_name": "Quality Control Analysis",
            "scale_id": "LV",
            "from_data_value": 3.0,
            "to_data_value": 1.62,
            "gap": -1.375,
            "importance": 2.12,
            "standard_error": 0.2913,
            "gap_lower": -1.9997,
            "gap_upper": -0.7503,
            "p_value": 0.000329,
            "distinguishable": True,
            "from_standard_error": 0.0,
            "to_standard_error": 0.2631,
            "from_source": "text",
            "to_source": "text",
            "from_date_updated": "2021-08",
            "to_date_updated": "2022-08",
            "from_not_relevant": False,
            "to_not_relevant": False,
            "from_recommend_suppress": False,
            "to_recommend_suppress": False,
        }
    ],
    "provenance": {
        "release": "29.0",
        "release_date": "2024-08",
        "web_services_release": None,
        "data_version": "1-20261123T080000Z",
        "sources": ["text"],
        "attribution": attribution(Release("29.0", date(2024, 8, 1))),
        "modification": MODIFICATION,
        "licence": LICENCE_URL,
    },
}
