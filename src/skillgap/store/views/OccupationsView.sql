-- One row per occupation of the text release, of O*NET Web Services, or of both.
-- If both have it, the later source wins (date of the release or of the fetch); on a tie the text release wins.
-- A missing description is taken from the other source. `source` and `as_of` describe the winner.
CREATE VIEW OccupationsView AS
WITH text_release AS (
    SELECT release_date
    FROM Loads
    WHERE load_id = (SELECT MAX(load_id) FROM Loads WHERE source = 'text')
),
merged AS (
    SELECT
        t.onet_soc_code,
        t.title AS text_title,
        t.description AS text_description,
        (SELECT release_date FROM text_release) AS text_date,
        a.title AS api_title,
        a.description AS api_description,
        DATE(a.fetched_at) AS api_date
    FROM Occupations AS t
    LEFT JOIN OnetApiOccupationData AS a ON a.onet_soc_code = t.onet_soc_code
    UNION ALL
    SELECT
        a.onet_soc_code,
        NULL,
        NULL,
        NULL,
        a.title,
        a.description,
        DATE(a.fetched_at)
    FROM OnetApiOccupationData AS a
    LEFT JOIN Occupations AS t ON t.onet_soc_code = a.onet_soc_code
    WHERE t.onet_soc_code IS NULL
),
chosen AS (
    SELECT
        merged.*,
        CASE
            WHEN text_title IS NULL THEN 'api'
            WHEN api_date > text_date THEN 'api'
            ELSE 'text'
        END AS source
    FROM merged
)
SELECT
    onet_soc_code,
    CASE WHEN source = 'api' THEN api_title ELSE text_title END AS title,
    CASE
        WHEN source = 'api' THEN COALESCE(api_description, text_description)
        ELSE COALESCE(text_description, api_description)
    END AS description,
    source,
    CASE WHEN source = 'api' THEN api_date ELSE text_date END AS as_of
FROM chosen
