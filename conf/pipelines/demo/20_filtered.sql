-- Quality rules for English prose: one constraint, one rule. A document may break several.
-- Ratios are products: a document without words breaks word_count, not the run.
CREATE OR REFRESH STREAMING TABLE filtered (
  -- Gopher: Rae et al. 2021, arXiv:2112.11446, appendix A.1. Ours: from 30 words, Gopher asks for
  -- 50, since documentation is shorter than web pages; stop words are counted, not told apart.
  CONSTRAINT word_count       EXPECT (words BETWEEN 30 AND 100000)                 ON VIOLATION DROP ROW,
  CONSTRAINT word_length      EXPECT (word_chars BETWEEN 3 * words AND 10 * words) ON VIOLATION DROP ROW,
  CONSTRAINT hash_ratio       EXPECT (hashes <= 0.1 * words)                       ON VIOLATION DROP ROW,
  CONSTRAINT ellipsis_ratio   EXPECT (ellipses <= 0.1 * words)                     ON VIOLATION DROP ROW,
  CONSTRAINT bullet_lines     EXPECT (bullet_lines <= 0.9 * lines)                 ON VIOLATION DROP ROW,
  CONSTRAINT ellipsis_lines   EXPECT (ellipsis_lines <= 0.3 * lines)               ON VIOLATION DROP ROW,
  CONSTRAINT alphabetic_words EXPECT (alphabetic_words >= 0.8 * words)             ON VIOLATION DROP ROW,
  CONSTRAINT stop_words       EXPECT (stop_words >= 2)                             ON VIOLATION DROP ROW,
  -- Gopher, table A1 (repetition)
  CONSTRAINT repeated_lines   EXPECT (duplicate_lines <= 0.3 * lines)              ON VIOLATION DROP ROW,
  -- FineWeb: Penedo et al. 2024, arXiv:2406.17557, section 3.6
  CONSTRAINT ended_lines      EXPECT (ended_lines >= 0.12 * lines)                 ON VIOLATION DROP ROW,
  CONSTRAINT short_lines      EXPECT (short_lines <= 0.67 * lines)                 ON VIOLATION DROP ROW,
  -- C4: Raffel et al. 2019, arXiv:1910.10683, section 2.2
  CONSTRAINT lorem_ipsum      EXPECT (lorem_ipsum = 0)                             ON VIOLATION DROP ROW,
  -- Ours: more than one character in 100 that could not be decoded is no text.
  CONSTRAINT decoded          EXPECT (replacement_chars <= 0.01 * chars)           ON VIOLATION DROP ROW,
  -- Recorded, not dropped. C4 drops pages with curly brackets; documentation shows code.
  CONSTRAINT no_code          EXPECT (curly_brackets = 0),
  CONSTRAINT licence_known    EXPECT (licence IS NOT NULL)
)
COMMENT 'English documents, each with its signals and the rules that it broke'
AS
SELECT * EXCEPT (signal), signal.*
FROM (
  SELECT
    id,
    source,
    licence,
    content_hash,
    file,
    position,
    arrival,
    text_bytes,
    text,
    text_signals(text) AS signal
  FROM STREAM(documents)
)
