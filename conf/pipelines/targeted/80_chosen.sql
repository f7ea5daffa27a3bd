-- Another budget or share costs this stage alone.
CREATE OR REFRESH MATERIALIZED VIEW chosen (
  CONSTRAINT token_budget EXPECT (chosen_by IS NOT NULL) ON VIOLATION DROP ROW
)
COMMENT 'Passages by id, each with how it was chosen: by its score, or as general text'
AS
SELECT candidates.id, candidates.document_id, candidates.tokens, candidates.score, candidates.target_items, found.chosen_by
FROM within_budget(
  TABLE(candidates),
  budget => :token_budget,
  general_share => :general_share
) AS found
JOIN candidates ON candidates.id = found.id
