-- Quality rules for web pages in any language: address and language first, then what a page looks like.
-- A threshold of `limits` is that of the document's language.
-- Ratios are products of exact decimals: a document without words breaks word_count, not the run.
CREATE OR REFRESH STREAMING TABLE filtered (
  CONSTRAINT language_known   EXPECT (language NOT IN ('und', 'zxx'))                                                                                        ON VIOLATION DROP ROW,
  CONSTRAINT language_score   EXPECT (language_score >= limits.language_score)                                                                               ON VIOLATION DROP ROW,
  -- Addresses: as datatrove's URLFilter, with lists of your own. One that is NULL breaks none of these.
  CONSTRAINT url_domain       EXPECT (listed_domain IS NULL AND listed_host IS NULL)                                                                         ON VIOLATION DROP ROW,
  CONSTRAINT url_address      EXPECT (listed_url IS NULL)                                                                                                    ON VIOLATION DROP ROW,
  CONSTRAINT url_words        EXPECT (url_words = 0 AND url_soft_words < 2 AND url_subwords = 0)                                                             ON VIOLATION DROP ROW,
  -- Gopher: Rae et al. 2021, arXiv:2112.11446, appendix A.1, with FineWeb-2's thresholds by language
  -- (Penedo et al. 2025, arXiv:2506.20920). Where no space stands between words, two letters are one.
  CONSTRAINT word_count       EXPECT (counted_words BETWEEN 50 AND 100000)                                                                                   ON VIOLATION DROP ROW,
  CONSTRAINT word_length      EXPECT (NOT limits.is_spaced OR word_chars BETWEEN limits.min_avg_word_length * words AND limits.max_avg_word_length * words)  ON VIOLATION DROP ROW,
  CONSTRAINT alphabetic_words EXPECT (NOT limits.is_spaced OR alphabetic_words >= limits.alpha_words * words)                                                ON VIOLATION DROP ROW,
  CONSTRAINT hash_ratio       EXPECT (hashes <= 0.1 * counted_words)                                                                                         ON VIOLATION DROP ROW,
  CONSTRAINT ellipsis_ratio   EXPECT (ellipses <= 0.1 * counted_words)                                                                                       ON VIOLATION DROP ROW,
  CONSTRAINT bullet_lines     EXPECT (bullet_lines <= 0.9 * lines)                                                                                           ON VIOLATION DROP ROW,
  CONSTRAINT ellipsis_lines   EXPECT (ellipsis_lines <= 0.3 * lines)                                                                                         ON VIOLATION DROP ROW,
  CONSTRAINT repeated_lines   EXPECT (duplicate_lines <= limits.dup_line_frac * lines)                                                                       ON VIOLATION DROP ROW,
  -- Gopher, table A1: a copy with its spaces, as often as it comes; copies after the first. Single words
  -- are needed for both.
  CONSTRAINT top_2_gram       EXPECT (NOT limits.is_spaced OR repetition.top_2_gram_copies * (repetition.top_2_gram_chars + 1) <= limits.top_2_gram * chars) ON VIOLATION DROP ROW,
  CONSTRAINT top_3_gram       EXPECT (NOT limits.is_spaced OR repetition.top_3_gram_copies * (repetition.top_3_gram_chars + 2) <= limits.top_3_gram * chars) ON VIOLATION DROP ROW,
  CONSTRAINT top_4_gram       EXPECT (NOT limits.is_spaced OR repetition.top_4_gram_copies * (repetition.top_4_gram_chars + 3) <= limits.top_4_gram * chars) ON VIOLATION DROP ROW,
  CONSTRAINT dup_5_gram       EXPECT (NOT limits.is_spaced OR repetition.duplicate_5_gram_chars <= limits.dup_5_gram * chars)                                ON VIOLATION DROP ROW,
  CONSTRAINT dup_6_gram       EXPECT (NOT limits.is_spaced OR repetition.duplicate_6_gram_chars <= limits.dup_6_gram * chars)                                ON VIOLATION DROP ROW,
  CONSTRAINT dup_7_gram       EXPECT (NOT limits.is_spaced OR repetition.duplicate_7_gram_chars <= limits.dup_7_gram * chars)                                ON VIOLATION DROP ROW,
  CONSTRAINT dup_8_gram       EXPECT (NOT limits.is_spaced OR repetition.duplicate_8_gram_chars <= limits.dup_8_gram * chars)                                ON VIOLATION DROP ROW,
  CONSTRAINT dup_9_gram       EXPECT (NOT limits.is_spaced OR repetition.duplicate_9_gram_chars <= limits.dup_9_gram * chars)                                ON VIOLATION DROP ROW,
  CONSTRAINT dup_10_gram      EXPECT (NOT limits.is_spaced OR repetition.duplicate_10_gram_chars <= limits.dup_10_gram * chars)                              ON VIOLATION DROP ROW,
  -- FineWeb: Penedo et al. 2024, arXiv:2406.17557, section 3.6; FineWeb-2 has no rule on short lines.
  CONSTRAINT ended_lines      EXPECT (ended_lines >= limits.line_punct_ratio * lines)                                                                        ON VIOLATION DROP ROW,
  CONSTRAINT list_ratio       EXPECT (lines - 1 <= limits.list_ratio * counted_words)                                                                        ON VIOLATION DROP ROW,
  CONSTRAINT repeated_chars   EXPECT (duplicate_line_chars <= 0.1 * chars)                                                                                   ON VIOLATION DROP ROW,
  -- C4: Raffel et al. 2019, arXiv:1910.10683, section 2.2
  CONSTRAINT lorem_ipsum      EXPECT (lorem_ipsum = 0)                                                                                                       ON VIOLATION DROP ROW,
  -- Ours: more than one character in 100 that could not be decoded is no text.
  CONSTRAINT decoded          EXPECT (replacement_chars <= 0.01 * chars)                                                                                     ON VIOLATION DROP ROW,
  -- Recorded, not dropped. Of a text above the limit only the beginning is measured.
  CONSTRAINT text_limit       EXPECT (text_bytes <= :text_limit),
  CONSTRAINT no_code          EXPECT (curly_brackets = 0),
  CONSTRAINT licence_known    EXPECT (licence IS NOT NULL)
)
COMMENT 'Web documents in all languages, each with its signals, the thresholds of its language and the rules that it broke'
AS
SELECT
  document.* EXCEPT (found, address, words_of_url, squeezed_url, signal),
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
  signal.*,
  coalesce(own.thresholds, other.thresholds) AS limits,
  if(limits.is_spaced, signal.words, signal.letters DIV 2) AS counted_words
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
    language(text, model => :language_model, limit => :text_limit) AS found,
    url_signals(url) AS address,
    split(url, '[^a-zA-Z0-9]+') AS words_of_url,
    lower(regexp_replace(url, '[^a-zA-Z0-9]+', '')) AS squeezed_url,
    text_signals(text, limit => :text_limit) AS signal,
    repetition_signals(text, limit => :text_limit) AS repetition
  FROM STREAM(documents)
) AS document
CROSS JOIN url_words AS listed
CROSS JOIN (SELECT struct(*) AS thresholds FROM languages WHERE language = '*') AS other
LEFT JOIN (SELECT language, struct(*) AS thresholds FROM languages) AS own ON own.language = found.label
LEFT JOIN url_lists AS listed_domain ON listed_domain.list = 'domains' AND listed_domain.entry = address.registered_domain
LEFT JOIN url_lists AS listed_host ON listed_host.list = 'domains' AND listed_host.entry = address.host
LEFT JOIN url_lists AS listed_url ON listed_url.list = 'urls' AND listed_url.entry = url
