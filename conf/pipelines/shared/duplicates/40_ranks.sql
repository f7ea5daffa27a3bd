-- Which of several copies stays: the one of the smallest rank. Documents that tie go by arrival, so
-- a later batch displaces none with keep => first.
CREATE TEMPORARY VIEW ranks
AS
SELECT
  id,
  source,
  words_hash,
  struct(arrival, file, position) AS seen,
  struct(
    CASE :keep
      WHEN 'first' THEN 0
      WHEN 'longest' THEN -text_bytes
      WHEN 'score' THEN -coalesce(score, -double('infinity'))
      WHEN 'source' THEN coalesce(nullif(array_position(split(:sources, ' *, *'), source), 0), 2147483647)
      ELSE raise_error(concat('keep is first, longest, score or source, not ', :keep))
    END AS preference,
    arrival,
    file,
    position
  ) AS rank
FROM bands
