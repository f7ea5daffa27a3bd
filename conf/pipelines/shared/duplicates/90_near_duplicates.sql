-- Similarity is not transitive, so a component is not one text: a document goes only if it is itself
-- similar to one that stays, here or in the finished corpus.
CREATE OR REFRESH MATERIALIZED VIEW near_duplicates (
  CONSTRAINT near_duplicate EXPECT (kept_id = id) ON VIOLATION DROP ROW
)
COMMENT 'Documents without exact copies, by id, each with the near-duplicate that stays in its place'
AS
SELECT
  exact.id,
  exact.source,
  near.component,
  coalesce(in_reference.reference_id, near.kept_id, exact.id) AS kept_id,
  coalesce(in_reference.similarity, near.similarity, 1) AS similarity,
  coalesce(near.copies, 1) AS copies
FROM exact
LEFT JOIN in_reference ON in_reference.id = exact.first_id
LEFT JOIN local_representatives(
  members => TABLE(clusters),
  pairs => TABLE(similar),
  max_copies => :max_copies
) AS near ON near.id = exact.id
