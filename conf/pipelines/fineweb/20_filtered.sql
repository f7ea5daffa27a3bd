-- FineWeb's filters as datatrove 0.10.1 runs them (examples/fineweb.py), in their order: addresses,
-- language, Gopher's rules on the text as it came, C4's cleaning, FineWeb's rules on what that left.
-- Values, verdicts and the texts of kept documents are the same but for two things that upstream
-- brings along and Winnow does not: its lists of addresses (docs/lists.md) and its model of languages.
-- Upstream stops at the first rule that breaks, and here all are recorded. A ratio is a division of
-- doubles, as there; one of nothing breaks no rule, one of a text that is NULL breaks it.
CREATE OR REFRESH STREAMING TABLE filtered (
  -- Addresses, first as upstream. A document without one breaks none of these.
  CONSTRAINT url_domain                          EXPECT (listed_domain IS NULL)                                                                                                       ON VIOLATION DROP ROW,
  CONSTRAINT url_subdomain                       EXPECT (listed_host IS NULL)                                                                                                         ON VIOLATION DROP ROW,
  CONSTRAINT url_url                             EXPECT (listed_url IS NULL)                                                                                                          ON VIOLATION DROP ROW,
  CONSTRAINT url_hard_blacklisted                EXPECT (url_words = 0)                                                                                                               ON VIOLATION DROP ROW,
  CONSTRAINT url_soft_blacklisted                EXPECT (url_soft_words < 2)                                                                                                          ON VIOLATION DROP ROW,
  CONSTRAINT url_blacklisted_subword             EXPECT (url_subwords = 0)                                                                                                            ON VIOLATION DROP ROW,
  -- Language: FineWeb is English by fastText's lid.176 with a score above 0.65. Here it is the model
  -- that comes with Winnow unless :language_model names another: the scores are not the same.
  CONSTRAINT language_english                    EXPECT (language = 'en')                                                                                                             ON VIOLATION DROP ROW,
  CONSTRAINT language_score                      EXPECT (language_score > 0.65)                                                                                                       ON VIOLATION DROP ROW,
  -- Recorded, not dropped: of a longer text only the beginning is looked at.
  CONSTRAINT text_limit                          EXPECT (text_bytes <= :text_limit),
  -- Gopher: Rae et al. 2021, arXiv:2112.11446, table A1 (repetition). Copies after the first count.
  CONSTRAINT gopher_repetition_empty              EXPECT (chars > 0)                                                                                                                  ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_para_frac      EXPECT (paragraphs = 0 OR try_divide(duplicate_paragraphs, paragraphs) <= 0.3)                                                      ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_para_char_frac EXPECT (chars = 0 OR try_divide(duplicate_paragraph_chars, chars) <= 0.2)                                                           ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_line_frac      EXPECT (line_runs = 0 OR try_divide(duplicate_line_runs, line_runs) <= 0.3)                                                         ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_line_char_frac EXPECT (chars = 0 OR try_divide(duplicate_line_run_chars, chars) <= 0.2)                                                            ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_top_2_gram         EXPECT (chars = 0 OR try_divide(top_2_gram_chars, chars) <= 0.2)                                                                    ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_top_3_gram         EXPECT (chars = 0 OR try_divide(top_3_gram_chars, chars) <= 0.18)                                                                   ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_top_4_gram         EXPECT (chars = 0 OR try_divide(top_4_gram_chars, chars) <= 0.16)                                                                   ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_5_gram         EXPECT (chars = 0 OR try_divide(duplicate_5_gram_chars, chars) <= 0.15)                                                             ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_6_gram         EXPECT (chars = 0 OR try_divide(duplicate_6_gram_chars, chars) <= 0.14)                                                             ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_7_gram         EXPECT (chars = 0 OR try_divide(duplicate_7_gram_chars, chars) <= 0.13)                                                             ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_8_gram         EXPECT (chars = 0 OR try_divide(duplicate_8_gram_chars, chars) <= 0.12)                                                             ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_9_gram         EXPECT (chars = 0 OR try_divide(duplicate_9_gram_chars, chars) <= 0.11)                                                             ON VIOLATION DROP ROW,
  CONSTRAINT gopher_repetition_dup_10_gram        EXPECT (chars = 0 OR try_divide(duplicate_10_gram_chars, chars) <= 0.1)                                                             ON VIOLATION DROP ROW,
  -- Gopher, appendix A.1 (quality). alpha_words drops most: punctuation and numbers are tokens too.
  CONSTRAINT gopher_quality_min_words             EXPECT (words >= 50)                                                                                                                ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_max_words             EXPECT (words <= 100000)                                                                                                            ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_min_avg_word_length   EXPECT (words = 0 OR try_divide(word_chars, words) >= 3)                                                                            ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_max_avg_word_length   EXPECT (words = 0 OR try_divide(word_chars, words) <= 10)                                                                           ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_symbol_ratio          EXPECT (tokens = 0 OR try_divide(greatest(hashes, ellipses), tokens) <= 0.1)                                                        ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_bullet_lines          EXPECT (lines = 0 OR try_divide(bullet_lines, lines) <= 0.9)                                                                        ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_ellipsis_lines        EXPECT (lines = 0 OR try_divide(ellipsis_lines, lines) <= 0.3)                                                                      ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_alpha_words           EXPECT (tokens = 0 OR try_divide(alphabetic_tokens, tokens) >= 0.8)                                                                 ON VIOLATION DROP ROW,
  CONSTRAINT gopher_quality_stop_words            EXPECT (stop_words >= 2)                                                                                                            ON VIOLATION DROP ROW,
  -- C4: Raffel et al. 2019, arXiv:1910.10683, section 2.2; lines without a sentence end stay.
  CONSTRAINT c4_quality_lorem_ipsum               EXPECT (lorem_ipsum_lines = 0)                                                                                                      ON VIOLATION DROP ROW,
  CONSTRAINT c4_quality_curly_bracket             EXPECT (curly_bracket_lines = 0)                                                                                                    ON VIOLATION DROP ROW,
  CONSTRAINT c4_quality_too_few_sentences         EXPECT (sentences >= 5)                                                                                                             ON VIOLATION DROP ROW,
  -- FineWeb: Penedo et al. 2024, arXiv:2406.17557, section 3.6, on the text that C4 left.
  CONSTRAINT fineweb_quality_empty                EXPECT (cleaned.lines > 0)                                                                                                          ON VIOLATION DROP ROW,
  CONSTRAINT fineweb_quality_line_punct_ratio     EXPECT (cleaned.lines = 0 OR try_divide(cleaned.ended_lines, cleaned.lines) >= 0.12)                                                ON VIOLATION DROP ROW,
  CONSTRAINT fineweb_quality_short_line_ratio     EXPECT (cleaned.lines = 0 OR try_divide(cleaned.short_lines, cleaned.lines) <= 0.67)                                                ON VIOLATION DROP ROW,
  CONSTRAINT fineweb_quality_char_dup_ratio       EXPECT (cleaned.chars - cleaned.newlines = 0 OR try_divide(cleaned.duplicate_line_chars, cleaned.chars - cleaned.newlines) <= 0.01) ON VIOLATION DROP ROW,
  CONSTRAINT fineweb_quality_list_ratio           EXPECT (cleaned.tokens = 0 OR try_divide(cleaned.newlines, cleaned.tokens) <= 0.3)                                                  ON VIOLATION DROP ROW
)
COMMENT 'Documents as C4 cleans them, with their signals and the rules of FineWeb that they broke, as in datatrove 0.10.1 with spaCy 3.8.18'
AS
-- content_hash, words and the other signals without `cleaned` are of the text as it came.
SELECT
  document.* EXCEPT (found, address, squeezed_url, words_of_url, measured),
  found.label AS language,
  found.score AS language_score,
  address.host,
  address.registered_domain,
  listed_domain.entry AS listed_domain,
  listed_host.entry AS listed_host,
  listed_url.entry AS listed_url,
  coalesce(size(array_intersect(words_of_url, listed.words)), 0) AS url_words,
  coalesce(size(array_intersect(words_of_url, listed.soft_words)), 0) AS url_soft_words,
  coalesce(size(filter(listed.subwords, word -> contains(squeezed_url, word))), 0) AS url_subwords,
  measured.quality.*,
  measured.repetition.*,
  measured.c4.*,
  measured.cleaned
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
    trim(BOTH '"' FROM metadata[:dump]) AS dump,
    octet_length(text) AS text_bytes,
    url_signals(url) AS address,
    split(url, '[^a-zA-Z0-9]+') AS words_of_url,
    lower(regexp_replace(url, '[^a-zA-Z0-9]+', '')) AS squeezed_url,
    language(text, model => :language_model, limit => :text_limit) AS found,
    datatrove_fineweb(text, limit => :text_limit) AS measured
  FROM STREAM(documents)
) AS document
CROSS JOIN url_words AS listed
LEFT JOIN url_lists AS listed_domain ON listed_domain.list = 'domains' AND listed_domain.entry = address.registered_domain
LEFT JOIN url_lists AS listed_host ON listed_host.list = 'domains' AND listed_host.entry = address.host
LEFT JOIN url_lists AS listed_url ON listed_url.list = 'urls' AND listed_url.entry = url
