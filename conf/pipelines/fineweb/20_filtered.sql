-- FineWeb's filters as datatrove 0.10.1 runs them (examples/fineweb.py), in their order: Gopher's
-- rules on the text as it came, C4's cleaning, FineWeb's rules on what that left. Values, verdicts
-- and the texts of kept documents are the same; upstream stops at the first rule that breaks, and
-- here all are recorded. A ratio is a division of doubles, as there; one of nothing breaks no rule.
-- Rules on language and address, which FineWeb has before these, are not among them.
CREATE OR REFRESH STREAMING TABLE filtered (
  -- Gopher: Rae et al. 2021, arXiv:2112.11446, table A1 (repetition). Copies after the first count.
  CONSTRAINT gopher_repetition_empty              EXPECT (chars > 0)                                                                                       ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_para_frac      EXPECT (coalesce(try_divide(duplicate_paragraphs, paragraphs), 0) <= 0.3)                                ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_para_char_frac EXPECT (coalesce(try_divide(duplicate_paragraph_chars, chars), 0) <= 0.2)                                ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_line_frac      EXPECT (coalesce(try_divide(duplicate_line_runs, line_runs), 0) <= 0.3)                                  ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_line_char_frac EXPECT (coalesce(try_divide(duplicate_line_run_chars, chars), 0) <= 0.2)                                 ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_top_2_gram         EXPECT (coalesce(try_divide(top_2_gram_chars, chars), 0) <= 0.2)                                         ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_top_3_gram         EXPECT (coalesce(try_divide(top_3_gram_chars, chars), 0) <= 0.18)                                        ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_top_4_gram         EXPECT (coalesce(try_divide(top_4_gram_chars, chars), 0) <= 0.16)                                        ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_5_gram         EXPECT (coalesce(try_divide(duplicate_5_gram_chars, chars), 0) <= 0.15)                                  ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_6_gram         EXPECT (coalesce(try_divide(duplicate_6_gram_chars, chars), 0) <= 0.14)                                  ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_7_gram         EXPECT (coalesce(try_divide(duplicate_7_gram_chars, chars), 0) <= 0.13)                                  ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_8_gram         EXPECT (coalesce(try_divide(duplicate_8_gram_chars, chars), 0) <= 0.12)                                  ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_9_gram         EXPECT (coalesce(try_divide(duplicate_9_gram_chars, chars), 0) <= 0.11)                                  ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_10_gram        EXPECT (coalesce(try_divide(duplicate_10_gram_chars, chars), 0) <= 0.1)                                  ON VIOLATION DROP ROW,
  -- Gopher, appendix A.1 (quality). alpha_words drops most: punctuation and numbers are tokens too.
  CONSTRAINT gopher_quality_min_words             EXPECT (words >= 50)                                                                                     ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_max_words             EXPECT (words <= 100000)                                                                                 ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_min_avg_word_length   EXPECT (coalesce(try_divide(word_chars, words), 3) >= 3)                                                 ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_max_avg_word_length   EXPECT (coalesce(try_divide(word_chars, words), 10) <= 10)                                               ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_symbol_ratio          EXPECT (coalesce(try_divide(greatest(hashes, ellipses), tokens), 0) <= 0.1)                              ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_bullet_lines          EXPECT (coalesce(try_divide(bullet_lines, lines), 0) <= 0.9)                                             ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_ellipsis_lines        EXPECT (coalesce(try_divide(ellipsis_lines, lines), 0) <= 0.3)                                           ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_alpha_words           EXPECT (coalesce(try_divide(alphabetic_tokens, tokens), 1) >= 0.8)                                       ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_stop_words            EXPECT (stop_words >= 2)                                                                                 ON VIOLATION DROP ROW,
  -- C4: Raffel et al. 2019, arXiv:1910.10683, section 2.2; lines without a sentence end stay.
  CONSTRAINT c4_quality_lorem_ipsum               EXPECT (lorem_ipsum_lines = 0)                                                                           ON VIOLATION DROP ROW,
  CONSTRAINT c4_quality_curly_bracket             EXPECT (curly_bracket_lines = 0)                                                                         ON VIOLATION DROP ROW,
  CONSTRAINT c4_quality_too_few_sentences         EXPECT (sentences >= 5)                                                                                  ON VIOLATION DROP ROW,
  -- FineWeb: Penedo et al. 2024, arXiv:2406.17557, section 3.6, on the text that C4 left.
  CONSTRAINT fineweb_quality_empty                EXPECT (cleaned.lines > 0)                                                                               ON VIOLATION DROP ROW,
  CONSTRAINT fineweb_quality_line_punct_ratio     EXPECT (coalesce(try_divide(cleaned.ended_lines, cleaned.lines), 1) >= 0.12)                             ON VIOLATION DROP ROW,
  CONSTRAINT fineweb_quality_short_line_ratio     EXPECT (coalesce(try_divide(cleaned.short_lines, cleaned.lines), 0) <= 0.67)                             ON VIOLATION DROP ROW,
  CONSTRAINT fineweb_quality_char_dup_ratio       EXPECT (coalesce(try_divide(cleaned.duplicate_line_chars, cleaned.chars - cleaned.newlines), 0) <= 0.01) ON VIOLATION DROP ROW,
  CONSTRAINT fineweb_quality_list_ratio           EXPECT (coalesce(try_divide(cleaned.newlines, cleaned.tokens), 0) <= 0.3)                                ON VIOLATION DROP ROW
)
COMMENT 'Documents as C4 cleans them, with their signals and the rules of FineWeb that they broke, as in datatrove 0.10.1 with spaCy 3.8.18'
AS
-- content_hash, words and the other signals without `cleaned` are of the text as it came.
SELECT * EXCEPT (measured), measured.quality.*, measured.repetition.*, measured.c4.*, measured.cleaned
FROM (
  SELECT
    id,
    source,
    licence,
    content_hash,
    file,
    position,
    arrival,
    datatrove_fineweb(text) AS measured
  FROM STREAM(documents)
)
