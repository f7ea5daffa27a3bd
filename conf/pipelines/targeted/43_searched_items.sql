-- Questions of the split train in which one of another split was found.
CREATE OR REFRESH MATERIALIZED VIEW searched_items
COMMENT 'Questions of the target that were searched, and those for evaluation in them'
AS
SELECT id, target_id
FROM contamination(
  documents => TABLE(SELECT id, text FROM items WHERE split = 'train'),
  targets => TABLE(SELECT id, benchmark, text FROM items WHERE coalesce(split, '') <> 'train')
)
UNION ALL
SELECT id, NULL
FROM items
