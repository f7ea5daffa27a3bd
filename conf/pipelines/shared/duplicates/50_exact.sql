-- Documents of the same words: one stays. The first to arrive names them, and stands for them all
-- when near-duplicates are looked for.
CREATE OR REFRESH MATERIALIZED VIEW exact (
  CONSTRAINT exact_duplicate EXPECT (kept_id = id) ON VIOLATION DROP ROW
)
COMMENT 'Documents by id, each with the copy of it that stays and how many copies there are'
AS
SELECT
  id,
  source,
  rank,
  first_value(id) OVER (PARTITION BY words_hash ORDER BY seen, id) AS first_id,
  first_value(id) OVER (PARTITION BY words_hash ORDER BY rank, id) AS kept_id,
  count(*) OVER (PARTITION BY words_hash) AS copies
FROM ranks
