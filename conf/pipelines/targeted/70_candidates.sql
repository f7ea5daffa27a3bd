-- What may be chosen. A rule on quality does not drop what the model ranks in the top buckets; each
-- text stays once; and no document with a question of the target set in it stays: its format alone
-- would fake a gain.
CREATE OR REFRESH MATERIALIZED VIEW candidates (
  CONSTRAINT near_duplicate EXPECT (is_kept)                                           ON VIOLATION DROP ROW,
  CONSTRAINT target_text    EXPECT (target_items = 0)                                  ON VIOLATION DROP ROW,
  CONSTRAINT quality_rules  EXPECT (broken_rules = 0 OR bucket >= :override_bucket)    ON VIOLATION DROP ROW
)
COMMENT 'Passages by id that may be chosen, each with its score'
AS
WITH hits AS (
  SELECT id, count(target_id) AS target_items FROM item_hits GROUP BY id
),
broken AS (
  SELECT
    id,
    size(filter(
      array(
        passes.word_count, passes.alphabetic_words, passes.hash_ratio, passes.ellipsis_ratio,
        passes.bullet_lines, passes.repeated_lines
      ),
      holds -> NOT holds
    )) AS broken_rules
  FROM filtered
)
SELECT
  scores.id,
  scores.document_id,
  scores.source,
  scores.language,
  scores.url,
  scores.tokens,
  scores.score,
  buckets.bucket,
  hits.target_items,
  broken.broken_rules,
  near_duplicates.id IS NOT NULL AS is_kept
FROM scores
JOIN buckets ON buckets.id = scores.id
JOIN hits ON hits.id = scores.document_id
JOIN broken ON broken.id = scores.document_id
LEFT JOIN near_duplicates ON near_duplicates.id = scores.document_id
