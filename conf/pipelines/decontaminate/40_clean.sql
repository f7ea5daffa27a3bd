-- Ids only, so that recomputing them all costs little; the texts of what stays are in documents.
CREATE OR REFRESH MATERIALIZED VIEW clean (
  CONSTRAINT contaminated EXPECT (items = 0) ON VIOLATION DROP ROW
)
COMMENT 'Documents by id, each with the benchmarks that it has items of'
AS
SELECT
  documents.id,
  documents.source,
  documents.arrival,
  coalesce(found.items, 0) AS items,
  found.benchmarks
FROM documents
LEFT JOIN (
  SELECT id, count(*) AS items, array_sort(collect_set(benchmark)) AS benchmarks
  FROM contamination
  GROUP BY id
) AS found ON found.id = documents.id
