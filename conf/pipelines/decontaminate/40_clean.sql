-- Ids only, so that recomputing them all costs little; the texts of what stays are in documents.
CREATE OR REFRESH MATERIALIZED VIEW clean (
  CONSTRAINT contaminated EXPECT (items = 0) ON VIOLATION DROP ROW
)
COMMENT 'Documents by id, each with the benchmarks that it has items of'
AS
SELECT
  id,
  count(target_id) AS items,
  max(score) AS score,
  array_sort(collect_set(benchmark)) AS benchmarks
FROM contamination
GROUP BY id
