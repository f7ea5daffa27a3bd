-- DCLM's reproduction of RefinedWeb (Li et al. 2024, arXiv:2406.11794) as mlfoundations/dclm 361714b
-- runs it (dclm_baseline_refinedweb.yaml), step by step: addresses go, the rules look at what that
-- left, lines of menus go, and few words may have gone with them. Values, verdicts and the texts of
-- kept documents are the same; upstream stops at the first step that drops, and here all are
-- recorded. A ratio is a division of doubles, as there; what has nothing to divide by is broken, but
-- a text without words has no n-grams to repeat. newline_removal, one of its steps, never drops.
-- Two things that upstream brings along Winnow does not: its lists of addresses (docs/lists.md) and
-- its model of languages.
CREATE OR REFRESH STREAMING TABLE filtered (
  -- Addresses. A document without one breaks none of these.
  CONSTRAINT url_domain                EXPECT (listed_domain IS NULL AND listed_host IS NULL)                                                                     ON VIOLATION DROP ROW,
  CONSTRAINT url_strict                EXPECT (url_subwords = 0)                                                                                                  ON VIOLATION DROP ROW,
  CONSTRAINT url_hard                  EXPECT (url_words = 0)                                                                                                     ON VIOLATION DROP ROW,
  CONSTRAINT url_soft                  EXPECT (url_soft_words < 2)                                                                                                ON VIOLATION DROP ROW,
  -- Addresses in the text are cut out; something must be left.
  CONSTRAINT url_removal               EXPECT (repetition.chars > 0)                                                                                              ON VIOLATION DROP ROW,
  -- Language: English by fastText's lid.176 with a score above 0.65. Here it is the model that comes
  -- with Winnow unless :language_model names another: the scores are not the same.
  CONSTRAINT language_english          EXPECT (language = 'en')                                                                                                   ON VIOLATION DROP ROW,
  CONSTRAINT language_score            EXPECT (language_score > 0.65)                                                                                             ON VIOLATION DROP ROW,
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
  CONSTRAINT word_removal_ratio        EXPECT (try_divide(quality.words - words, quality.words) <= 0.05)                                                          ON VIOLATION DROP ROW,
  -- Recorded, not dropped: of a longer text only the beginning is looked at, and kept.
  CONSTRAINT text_limit                EXPECT (text_bytes <= :text_limit)
)
COMMENT 'Documents without addresses and lines of menus, with their signals and the rules of RefinedWeb that they broke, as in DCLM 361714b'
AS
-- content_hash is of the text as it came; quality and repetition are of the text without addresses,
-- words of what is left in the end.
SELECT
  document.* EXCEPT (found, address, words_of_url, squeezed_url, url_free, cleaned),
  found.label AS language,
  found.score AS language_score,
  address.host,
  address.registered_domain,
  listed_domain.entry AS listed_domain,
  listed_host.entry AS listed_host,
  coalesce(size(array_intersect(words_of_url, listed.words)), 0) AS url_words,
  coalesce(size(array_intersect(words_of_url, listed.soft_words)), 0) AS url_soft_words,
  coalesce(size(filter(listed.subwords, word -> contains(squeezed_url, word))), 0) AS url_subwords,
  url_free.urls,
  url_free.ip_addresses,
  url_free.newlines,
  cleaned.*
FROM (
  SELECT
    *,
    language(url_free.text, model => :language_model, limit => :text_limit) AS found,
    dclm_quality(url_free.text, limit => :text_limit) AS quality,
    dclm_repetition(url_free.text, limit => :text_limit) AS repetition,
    refinedweb_clean(url_free.text) AS cleaned
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
      octet_length(text) AS text_bytes,
      url_signals(url) AS address,
      split(lower(url), '[^a-z0-9_]+') AS words_of_url,
      lower(translate(url, '-.', '')) AS squeezed_url,
      refinedweb_urls(text_head(text, :text_limit)) AS url_free
    FROM STREAM(documents)
  )
) AS document
CROSS JOIN url_words AS listed
LEFT JOIN url_lists AS listed_domain ON listed_domain.list = 'domains' AND listed_domain.entry = address.registered_domain
LEFT JOIN url_lists AS listed_host ON listed_host.list = 'domains' AND listed_host.entry = address.host
