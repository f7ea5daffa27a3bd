-- Where a passage stands within its language: 19 is the best twentieth of its tokens.
CREATE OR REFRESH MATERIALIZED VIEW buckets
COMMENT 'Passages by id, each with the bucket of its score'
AS
SELECT id, bucket FROM quality_buckets(TABLE(scores), scores => 'score', weight => 'tokens', by => 'language')
