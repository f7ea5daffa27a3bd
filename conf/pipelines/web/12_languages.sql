-- Thresholds by language, from a CSV file: one row a label that `language` gives, and the row `*` for
-- every other. Where they come from, and how to find your own: docs/recipes.md.
CREATE OR REFRESH MATERIALIZED VIEW languages
COMMENT 'Thresholds of the rules of web, one row a language'
AS
SELECT *
FROM read_csv(
  path => :languages,
  columns => 'language STRING, source STRING, is_spaced BOOLEAN, language_score DECIMAL(10, 4),
    line_punct_ratio DECIMAL(10, 4), list_ratio DECIMAL(10, 4), min_avg_word_length DECIMAL(10, 4),
    max_avg_word_length DECIMAL(10, 4), alpha_words DECIMAL(10, 4), dup_line_frac DECIMAL(10, 4),
    top_2_gram DECIMAL(10, 4), top_3_gram DECIMAL(10, 4), top_4_gram DECIMAL(10, 4),
    dup_5_gram DECIMAL(10, 4), dup_6_gram DECIMAL(10, 4), dup_7_gram DECIMAL(10, 4),
    dup_8_gram DECIMAL(10, 4), dup_9_gram DECIMAL(10, 4), dup_10_gram DECIMAL(10, 4)'
)
