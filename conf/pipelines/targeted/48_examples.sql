-- As many of the one as of the other: of the larger class those of the smallest draws.
CREATE OR REFRESH MATERIALIZED VIEW examples
COMMENT 'Labelled texts that the models are trained on'
AS
WITH both AS (
  SELECT concat('positive ', id) AS id, text, text AS passage, 'positive' AS label FROM positives
  UNION ALL
  SELECT concat('negative ', id), text, passage, 'negative' FROM negatives
),
placed AS (
  SELECT *, row_number() OVER (PARTITION BY label ORDER BY id_uniform(id), id) AS place FROM both
),
sizes AS (SELECT min(documents) AS documents FROM (SELECT count(*) AS documents FROM both GROUP BY label))
SELECT id, text, passage, label
FROM placed
JOIN sizes ON place <= sizes.documents
