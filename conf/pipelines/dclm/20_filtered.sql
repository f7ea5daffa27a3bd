-- DCLM's reproduction of RefinedWeb (Li et al. 2024, arXiv:2406.11794) as mlfoundations/dclm 361714b
-- runs it (dclm_baseline_refinedweb.yaml), step by step: addresses go, the rules look at what that
-- left, lines of menus go, and few words may have gone with them. Values, verdicts and the texts of
-- kept documents are the same; upstream stops at the first step that drops, and here all are
-- recorded. A ratio is a division of doubles, as there; what has nothing to divide by is broken, but
-- a text without words has no n-grams to repeat. newline_removal, its second step, never drops.
-- Rules on language and address, which DCLM has before these, are not among them.
CREATE OR REFRESH STREAMING TABLE filtered (
  CONSTRAINT url_removal               EXPECT (repetition.chars > 0)                                                                                              ON VIOLATION DROP ROW,
  -- Gopher's quality rules (Rae et al. 2021, arXiv:2112.11446, appendix A.1) in DCLM's words.
  CONSTRAINT page_length               EXPECT (quality.words BETWEEN 50 AND 100000)                                                                               ON VIOLATION DROP ROW,
  CONSTRAINT word_length               EXPECT (try_divide(quality.chunk_chars, quality.chunks) BETWEEN 3 AND 10)                                                  ON VIOLATION DROP ROW,
  CONSTRAINT symbol_ratio              EXPECT (try_divide(quality.symbols, quality.chunks) <= 0.1)                                                                ON VIOLATION DROP ROW,
  CONSTRAINT bullet_count              EXPECT (quality.bullet_lines <= 0.9D * quality.lines)                                                                      ON VIOLATION DROP ROW,
  CONSTRAINT ellipsis_count            EXPECT (quality.ellipsis_lines <= 0.3D * quality.lines)                                                                    ON VIOLATION DROP ROW,
  CONSTRAINT alphabetic_word_ratio     EXPECT (try_divide(quality.chunks_without_letter, quality.chunks) <= 0.2)                                                  ON VIOLATION DROP ROW,
  CONSTRAINT stop_word                 EXPECT (quality.stop_words >= 2)                                                                                           ON VIOLATION DROP ROW,
  -- Gopher's repetition rules, table A1. Whatever comes twice counts with its first occurrence.
  CONSTRAINT repetition_line           EXPECT (try_divide(repetition.repeated_lines, repetition.lines) <= 0.3)                                                    ON VIOLATION DROP ROW,
  CONSTRAINT repetition_paragraph      EXPECT (try_divide(repetition.repeated_paragraphs, repetition.paragraphs) <= 0.3)                                          ON VIOLATION DROP ROW,
  CONSTRAINT repetition_line_char      EXPECT (try_divide(repetition.repeated_line_chars, repetition.line_chars) <= 0.2)                                          ON VIOLATION DROP ROW,
  CONSTRAINT repetition_paragraph_char EXPECT (try_divide(repetition.repeated_paragraph_chars, repetition.paragraph_chars) <= 0.2)                                ON VIOLATION DROP ROW,
  CONSTRAINT repetition_2_gram         EXPECT (repetition.chars > 0 AND coalesce(try_divide(repetition.top_2_gram_chars, repetition.word_chars), 0) <= 0.2)       ON VIOLATION DROP ROW,
  CONSTRAINT repetition_3_gram         EXPECT (repetition.chars > 0 AND coalesce(try_divide(repetition.top_3_gram_chars, repetition.word_chars), 0) <= 0.18)      ON VIOLATION DROP ROW,
  CONSTRAINT repetition_4_gram         EXPECT (repetition.chars > 0 AND coalesce(try_divide(repetition.top_4_gram_chars, repetition.word_chars), 0) <= 0.16)      ON VIOLATION DROP ROW,
  CONSTRAINT repetition_5_gram         EXPECT (repetition.chars > 0 AND coalesce(try_divide(repetition.repeated_5_gram_chars, repetition.word_chars), 0) <= 0.15) ON VIOLATION DROP ROW,
  CONSTRAINT repetition_6_gram         EXPECT (repetition.chars > 0 AND coalesce(try_divide(repetition.repeated_6_gram_chars, repetition.word_chars), 0) <= 0.14) ON VIOLATION DROP ROW,
  CONSTRAINT repetition_7_gram         EXPECT (repetition.chars > 0 AND coalesce(try_divide(repetition.repeated_7_gram_chars, repetition.word_chars), 0) <= 0.13) ON VIOLATION DROP ROW,
  CONSTRAINT repetition_8_gram         EXPECT (repetition.chars > 0 AND coalesce(try_divide(repetition.repeated_8_gram_chars, repetition.word_chars), 0) <= 0.12) ON VIOLATION DROP ROW,
  CONSTRAINT repetition_9_gram         EXPECT (repetition.chars > 0 AND coalesce(try_divide(repetition.repeated_9_gram_chars, repetition.word_chars), 0) <= 0.11) ON VIOLATION DROP ROW,
  CONSTRAINT repetition_10_gram        EXPECT (repetition.chars > 0 AND coalesce(try_divide(repetition.repeated_10_gram_chars, repetition.word_chars), 0) <= 0.1) ON VIOLATION DROP ROW,
  -- RefinedWeb's line modifiers (Penedo et al. 2023, arXiv:2306.01116, G.2) leave something.
  CONSTRAINT uppercase_ratio_line      EXPECT (modifiers_passed >= 1)                                                                                             ON VIOLATION DROP ROW,
  CONSTRAINT numeric_ratio_line        EXPECT (modifiers_passed >= 2)                                                                                             ON VIOLATION DROP ROW,
  CONSTRAINT counter_line              EXPECT (modifiers_passed >= 3)                                                                                             ON VIOLATION DROP ROW,
  CONSTRAINT line_length               EXPECT (modifiers_passed >= 4)                                                                                             ON VIOLATION DROP ROW,
  CONSTRAINT substring_cart            EXPECT (modifiers_passed >= 5)                                                                                             ON VIOLATION DROP ROW,
  CONSTRAINT substring_read_more       EXPECT (modifiers_passed >= 6)                                                                                             ON VIOLATION DROP ROW,
  CONSTRAINT substring_sign_in         EXPECT (modifiers_passed >= 7)                                                                                             ON VIOLATION DROP ROW,
  CONSTRAINT word_removal_ratio        EXPECT (try_divide(quality.words - words, quality.words) <= 0.05)                                                          ON VIOLATION DROP ROW
)
COMMENT 'Documents without addresses and lines of menus, with their signals and the rules of RefinedWeb that they broke, as in DCLM 361714b'
AS
-- content_hash is of the text as it came; quality and repetition are of the text without addresses,
-- words of what is left in the end.
SELECT
  * EXCEPT (url_free, cleaned),
  url_free.urls,
  url_free.ip_addresses,
  url_free.newlines,
  cleaned.*
FROM (
  SELECT
    *,
    dclm_quality(url_free.text) AS quality,
    dclm_repetition(url_free.text) AS repetition,
    refinedweb_clean(url_free.text) AS cleaned
  FROM (
    SELECT
      id,
      source,
      licence,
      content_hash,
      file,
      position,
      arrival,
      refinedweb_urls(text) AS url_free
    FROM STREAM(documents)
  )
)
