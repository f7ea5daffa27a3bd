-- Exact copies: of the documents with one content hash the first to arrive stays. Ids only, no
-- text is read; a near copy is another document here.
CREATE OR REFRESH MATERIALIZED VIEW unique (
  CONSTRAINT exact_duplicate EXPECT (kept_id = id) ON VIOLATION DROP ROW
)
COMMENT 'Filtered documents by id, each with the copy of it that stays and how many copies there are'
AS
SELECT
  id,
  source,
  content_hash,
  first_value(id) OVER (PARTITION BY content_hash ORDER BY arrival, file, position, id) AS kept_id,
  count(*) OVER (PARTITION BY content_hash) AS copies
FROM filtered
