-- NeMo Curator's 28 heuristic filters for English at commit 1e2e427, in the order of its
-- nemo_curator/config/text/heuristic_filter_english_pipeline.yaml and under its names, with nemo_
-- before them: its filters share names, not arithmetic, with those of other tools. Upstream stops at
-- the first filter that drops a document, and here all are recorded. A ratio is a division of
-- doubles, as there. One of nothing is NULL and breaks its rule: upstream raises where a text has
-- no words or no lines, and drops such a text in most of these filters from its commit 0adc0cf on.
-- Most are after Gopher (Rae et al. 2021, arXiv:2112.11446, appendix A.1 and table A1) and C4
-- (Raffel et al. 2019, arXiv:1910.10683, section 2.2).
CREATE OR REFRESH STREAMING TABLE filtered (
  CONSTRAINT nemo_alpha_numeric            EXPECT (try_divide(chars - plain_chars, chars) <= 0.25)                                  ON VIOLATION DROP ROW,
  CONSTRAINT nemo_symbol_to_word           EXPECT (try_divide(symbol_words, words) <= 0.1)                                          ON VIOLATION DROP ROW,
  CONSTRAINT nemo_numbers_ratio            EXPECT (try_divide(digits, chars) <= 0.15)                                               ON VIOLATION DROP ROW,
  CONSTRAINT nemo_urls_ratio               EXPECT (try_divide(url_chars, chars) <= 0.2)                                             ON VIOLATION DROP ROW,
  CONSTRAINT nemo_white_space              EXPECT (try_divide(white_space_chars, chars) <= 0.25)                                    ON VIOLATION DROP ROW,
  CONSTRAINT nemo_parentheses_ratio        EXPECT (try_divide(brackets, chars) <= 0.1)                                              ON VIOLATION DROP ROW,
  CONSTRAINT nemo_boilerplate_string_ratio EXPECT (lorem_ipsum_paragraphs = 0 AND try_divide(policy_paragraphs, paragraphs) <= 0.4) ON VIOLATION DROP ROW,
  CONSTRAINT nemo_repeated_lines           EXPECT (try_divide(distinct_lines, lines) >= 0.7)                                        ON VIOLATION DROP ROW,
  CONSTRAINT nemo_repeated_paragraphs      EXPECT (try_divide(distinct_paragraphs, paragraphs) >= 0.7)                              ON VIOLATION DROP ROW,
  CONSTRAINT nemo_repeated_lines_char      EXPECT (try_divide(distinct_line_chars, line_chars) >= 0.8)                              ON VIOLATION DROP ROW,
  CONSTRAINT nemo_repeated_paragraphs_char EXPECT (try_divide(distinct_paragraph_chars, paragraph_chars) >= 0.8)                    ON VIOLATION DROP ROW,
  CONSTRAINT nemo_word_count               EXPECT (words BETWEEN 50 AND 100000)                                                     ON VIOLATION DROP ROW,
  CONSTRAINT nemo_punctuation              EXPECT (try_divide(unended_lines, lines) <= 0.85)                                        ON VIOLATION DROP ROW,
  CONSTRAINT nemo_words_without_alphabets  EXPECT (try_divide(alphabetic_words, words) >= 0.8)                                      ON VIOLATION DROP ROW,
  CONSTRAINT nemo_common_english_words     EXPECT (stop_words >= 2)                                                                 ON VIOLATION DROP ROW,
  CONSTRAINT nemo_mean_word_length         EXPECT (try_divide(word_chars, words) BETWEEN 3 AND 10)                                  ON VIOLATION DROP ROW,
  CONSTRAINT nemo_max_word_length          EXPECT (longest_word BETWEEN 1 AND 1000)                                                 ON VIOLATION DROP ROW,
  CONSTRAINT nemo_ellipsis                 EXPECT (try_divide(ellipsis_lines, lines) <= 0.3)                                        ON VIOLATION DROP ROW,
  CONSTRAINT nemo_repeating_top_2grams     EXPECT (try_divide(top_2_gram_chars, chars) <= 0.2)                                      ON VIOLATION DROP ROW,
  CONSTRAINT nemo_repeating_top_3grams     EXPECT (try_divide(top_3_gram_chars, chars) <= 0.18)                                     ON VIOLATION DROP ROW,
  CONSTRAINT nemo_repeating_top_4grams     EXPECT (try_divide(top_4_gram_chars, chars) <= 0.16)                                     ON VIOLATION DROP ROW,
  CONSTRAINT nemo_repeating_dup_5gram      EXPECT (try_divide(duplicate_5_gram_chars, chars) <= 0.15)                               ON VIOLATION DROP ROW,
  CONSTRAINT nemo_repeating_dup_6gram      EXPECT (try_divide(duplicate_6_gram_chars, chars) <= 0.14)                               ON VIOLATION DROP ROW,
  CONSTRAINT nemo_repeating_dup_7gram      EXPECT (try_divide(duplicate_7_gram_chars, chars) <= 0.13)                               ON VIOLATION DROP ROW,
  CONSTRAINT nemo_repeating_dup_8gram      EXPECT (try_divide(duplicate_8_gram_chars, chars) <= 0.12)                               ON VIOLATION DROP ROW,
  CONSTRAINT nemo_repeating_dup_9gram      EXPECT (try_divide(duplicate_9_gram_chars, chars) <= 0.11)                               ON VIOLATION DROP ROW,
  CONSTRAINT nemo_repeating_dup_10gram     EXPECT (try_divide(duplicate_10_gram_chars, chars) <= 0.1)                               ON VIOLATION DROP ROW,
  CONSTRAINT nemo_bullet_ratio             EXPECT (try_divide(bullet_lines, lines) <= 0.9)                                          ON VIOLATION DROP ROW,
  -- Recorded, not dropped: of a longer text only the beginning is looked at.
  CONSTRAINT text_limit                    EXPECT (text_bytes <= :text_limit)
)
COMMENT 'Documents with their signals and the rules that they broke of NeMo Curator 1e2e427, heuristic filters for English'
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
    nemo_quality(text, limit => :text_limit) AS quality,
    nemo_repetition(text, limit => :text_limit) AS repetition
  FROM STREAM(documents)
)
