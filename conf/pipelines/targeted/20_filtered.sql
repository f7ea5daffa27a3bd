-- Language first. The rules on quality are recorded here and drop nothing yet: what the model likes
-- stays all the same (70_candidates).
-- Ratios are products of exact decimals: a document without words breaks word_count, not the run.
CREATE OR REFRESH STREAMING TABLE filtered (
  CONSTRAINT language_known   EXPECT (language NOT IN ('und', 'zxx'))              ON VIOLATION DROP ROW,
  CONSTRAINT language_wanted  EXPECT (:language = '' OR language = :language)      ON VIOLATION DROP ROW,
  -- Gopher: Rae et al. 2021, arXiv:2112.11446, appendix A.1
  CONSTRAINT word_count       EXPECT (passes.word_count),
  CONSTRAINT alphabetic_words EXPECT (passes.alphabetic_words),
  CONSTRAINT hash_ratio       EXPECT (passes.hash_ratio),
  CONSTRAINT ellipsis_ratio   EXPECT (passes.ellipsis_ratio),
  CONSTRAINT bullet_lines     EXPECT (passes.bullet_lines),
  CONSTRAINT repeated_lines   EXPECT (passes.repeated_lines)
)
COMMENT 'Documents of the language, each with its signals and the rules on quality that it passes'
AS
SELECT
  document.* EXCEPT (found, signal),
  found.label AS language,
  signal.*,
  -- Where no space stands between words ten letters count as one: no language has such words on average.
  greatest(signal.words, signal.letters DIV 10) AS counted_words,
  struct(
    counted_words BETWEEN 50 AND 100000 AS word_count,
    signal.alphabetic_words >= 0.8 * signal.words AS alphabetic_words,
    signal.hashes <= 0.1 * counted_words AS hash_ratio,
    signal.ellipses <= 0.1 * counted_words AS ellipsis_ratio,
    signal.bullet_lines <= 0.9 * signal.lines AS bullet_lines,
    signal.duplicate_lines <= 0.3 * signal.lines AS repeated_lines
  ) AS passes
FROM (
  SELECT
    id,
    source,
    licence,
    url,
    content_hash,
    file,
    position,
    arrival,
    try_cast(metadata[:score] AS DOUBLE) AS score,
    text,
    octet_length(text) AS text_bytes,
    language(text) AS found,
    text_signals(text) AS signal
  FROM STREAM(documents)
) AS document
