-- Gopher's rules as datatrove 0.10.1 has them, in its order: the value and the verdict of each are
-- the same, but upstream stops at the first that breaks, and here all are recorded. A ratio is a
-- division of doubles, as there; one of nothing breaks no rule, where upstream raises, and one of a
-- text that is NULL breaks it.
-- Rules on language and address are not among them.
CREATE OR REFRESH STREAMING TABLE filtered (
  -- Gopher: Rae et al. 2021, arXiv:2112.11446, table A1 (repetition). Copies after the first count.
  CONSTRAINT gopher_repetition_empty              EXPECT (chars > 0)                                                             ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_para_frac      EXPECT (paragraphs = 0 OR try_divide(duplicate_paragraphs, paragraphs) <= 0.3) ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_para_char_frac EXPECT (chars = 0 OR try_divide(duplicate_paragraph_chars, chars) <= 0.2)      ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_line_frac      EXPECT (line_runs = 0 OR try_divide(duplicate_line_runs, line_runs) <= 0.3)    ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_line_char_frac EXPECT (chars = 0 OR try_divide(duplicate_line_run_chars, chars) <= 0.2)       ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_top_2_gram         EXPECT (chars = 0 OR try_divide(top_2_gram_chars, chars) <= 0.2)               ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_top_3_gram         EXPECT (chars = 0 OR try_divide(top_3_gram_chars, chars) <= 0.18)              ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_top_4_gram         EXPECT (chars = 0 OR try_divide(top_4_gram_chars, chars) <= 0.16)              ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_5_gram         EXPECT (chars = 0 OR try_divide(duplicate_5_gram_chars, chars) <= 0.15)        ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_6_gram         EXPECT (chars = 0 OR try_divide(duplicate_6_gram_chars, chars) <= 0.14)        ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_7_gram         EXPECT (chars = 0 OR try_divide(duplicate_7_gram_chars, chars) <= 0.13)        ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_8_gram         EXPECT (chars = 0 OR try_divide(duplicate_8_gram_chars, chars) <= 0.12)        ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_9_gram         EXPECT (chars = 0 OR try_divide(duplicate_9_gram_chars, chars) <= 0.11)        ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_10_gram        EXPECT (chars = 0 OR try_divide(duplicate_10_gram_chars, chars) <= 0.1)        ON VIOLATION DROP ROW,
  -- Gopher, appendix A.1 (quality). alpha_words drops most: punctuation and numbers are tokens too.
  CONSTRAINT gopher_quality_min_words             EXPECT (words >= 50)                                                           ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_max_words             EXPECT (words <= 100000)                                                       ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_min_avg_word_length   EXPECT (words = 0 OR try_divide(word_chars, words) >= 3)                       ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_max_avg_word_length   EXPECT (words = 0 OR try_divide(word_chars, words) <= 10)                      ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_symbol_ratio          EXPECT (tokens = 0 OR try_divide(greatest(hashes, ellipses), tokens) <= 0.1)   ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_bullet_lines          EXPECT (lines = 0 OR try_divide(bullet_lines, lines) <= 0.9)                   ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_ellipsis_lines        EXPECT (lines = 0 OR try_divide(ellipsis_lines, lines) <= 0.3)                 ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_alpha_words           EXPECT (tokens = 0 OR try_divide(alphabetic_tokens, tokens) >= 0.8)            ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_stop_words            EXPECT (stop_words >= 2)                                                       ON VIOLATION DROP ROW,
  -- Recorded, not dropped: of a longer text only the beginning is looked at.
  CONSTRAINT text_limit                          EXPECT (text_bytes <= :text_limit)
)
COMMENT 'Documents with their signals and the rules of Gopher that they broke, as in datatrove 0.10.1 with spaCy 3.8.18'
AS
SELECT * EXCEPT (quality, repetition), quality.*, repetition.*
FROM (
  SELECT
    id,
    source,
    licence,
    content_hash,
    file,
    position,
    arrival,
    text,
    octet_length(text) AS text_bytes,
    datatrove_quality(text, limit => :text_limit) AS quality,
    datatrove_repetition(text, limit => :text_limit) AS repetition
  FROM STREAM(documents)
)
