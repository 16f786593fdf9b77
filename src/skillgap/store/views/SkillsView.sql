-- One row per occupation, element and scale that O*NET has rated or the active language model has scored.
-- If text release and Web Services both have it, the later `date_updated` wins; on a tie, or if a date is missing,
-- the text release wins. `source` is 'text', 'api', or 'llm' if there is only a score. `data_value` is always O*NET's;
-- the score is in `llm_data_value`.
CREATE VIEW SkillsView AS
WITH rated AS (
    SELECT
        t.onet_soc_code,
        t.element_id,
        t.scale_id,
        t.element_name,
        t.data_value,
        t.n,
        t.standard_error,
        t.lower_ci_bound,
        t.upper_ci_bound,
        t.recommend_suppress,
        t.not_relevant,
        t.date_updated,
        t.domain_source,
        'text' AS source
    FROM Skills AS t
    LEFT JOIN OnetApiSkillsData AS a
        ON a.onet_soc_code = t.onet_soc_code
        AND a.element_id = t.element_id
        AND a.scale_id = t.scale_id
        AND a.date_updated > t.date_updated
    WHERE a.onet_soc_code IS NULL
    UNION ALL
    SELECT
        a.onet_soc_code,
        a.element_id,
        a.scale_id,
        a.element_name,
        a.data_value,
        a.n,
        a.standard_error,
        a.lower_ci_bound,
        a.upper_ci_bound,
        a.recommend_suppress,
        a.not_relevant,
        a.date_updated,
        a.domain_source,
        'api' AS source
    FROM OnetApiSkillsData AS a
    LEFT JOIN Skills AS t
        ON t.onet_soc_code = a.onet_soc_code
        AND t.element_id = a.element_id
        AND t.scale_id = a.scale_id
    WHERE t.onet_soc_code IS NULL OR a.date_updated > t.date_updated
),
active AS (
    SELECT model, prompt_version
    FROM LLMModels
    WHERE is_active = 1
)
SELECT
    r.onet_soc_code,
    r.element_id,
    r.scale_id,
    r.element_name,
    r.data_value,
    r.n,
    r.standard_error,
    r.lower_ci_bound,
    r.upper_ci_bound,
    r.recommend_suppress,
    r.not_relevant,
    r.date_updated,
    r.domain_source,
    r.source,
    s.level AS llm_data_value,
    s.uncertainty AS llm_uncertainty,
    s.lower_ci_bound AS llm_lower_ci_bound,
    s.upper_ci_bound AS llm_upper_ci_bound,
    s.explanation AS llm_explanation,
    s.scored_at AS llm_scored_at
FROM rated AS r
-- Subqueries instead of a join give every server the whole primary key to look rows up by.
LEFT JOIN LLMSkillScores AS s
    ON s.onet_soc_code = r.onet_soc_code
    AND s.element_id = r.element_id
    AND s.scale_id = r.scale_id
    AND s.model = (SELECT model FROM active)
    AND s.prompt_version = (SELECT prompt_version FROM active)
UNION ALL
SELECT
    s.onet_soc_code,
    s.element_id,
    s.scale_id,
    e.element_name,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    'llm',
    s.level,
    s.uncertainty,
    s.lower_ci_bound,
    s.upper_ci_bound,
    s.explanation,
    s.scored_at
FROM LLMSkillScores AS s
INNER JOIN Elements AS e ON e.element_id = s.element_id
LEFT JOIN Skills AS t
    ON t.onet_soc_code = s.onet_soc_code
    AND t.element_id = s.element_id
    AND t.scale_id = s.scale_id
LEFT JOIN OnetApiSkillsData AS a
    ON a.onet_soc_code = s.onet_soc_code
    AND a.element_id = s.element_id
    AND a.scale_id = s.scale_id
WHERE t.onet_soc_code IS NULL
    AND a.onet_soc_code IS NULL
    AND s.model = (SELECT model FROM active)
    AND s.prompt_version = (SELECT prompt_version FROM active)
