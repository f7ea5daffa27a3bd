-- Where a passage stands within its language: 19 is the best twentieth of its tokens. What the ratio
-- left out stands below all that has a score.
CREATE OR REFRESH MATERIALIZED VIEW buckets
COMMENT 'Passages by id, each with the bucket of its score'
AS
SELECT id, bucket
FROM quality_buckets(
  TABLE(SELECT id, language, tokens, coalesce(score, -1) AS score FROM scores),
  scores => 'score',
  weight => 'tokens',
  by => 'language'
)
