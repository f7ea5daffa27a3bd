-- Thresholds by language, from a CSV file: one row a label that `language` gives, and the row `*` for
-- every other; an empty threshold stops the plan. Where they come from, and how to find your own: docs/recipes.md.
CREATE OR REFRESH MATERIALIZED VIEW languages
COMMENT 'Thresholds of the rules of web, one row a language'
AS
SELECT *
FROM read_csv(
  path => :languages,
  columns => '
    language STRING NOT NULL, source STRING, is_spaced BOOLEAN NOT NULL,
    language_score DECIMAL(10, 4) NOT NULL, line_punct_ratio DECIMAL(10, 4) NOT NULL,
    list_ratio DECIMAL(10, 4) NOT NULL, min_avg_word_length DECIMAL(10, 4) NOT NULL,
    max_avg_word_length DECIMAL(10, 4) NOT NULL, alpha_words DECIMAL(10, 4) NOT NULL,
    dup_line_frac DECIMAL(10, 4) NOT NULL, top_2_gram DECIMAL(10, 4) NOT NULL,
    top_3_gram DECIMAL(10, 4) NOT NULL, top_4_gram DECIMAL(10, 4) NOT NULL,
    dup_5_gram DECIMAL(10, 4) NOT NULL, dup_6_gram DECIMAL(10, 4) NOT NULL,
    dup_7_gram DECIMAL(10, 4) NOT NULL, dup_8_gram DECIMAL(10, 4) NOT NULL,
    dup_9_gram DECIMAL(10, 4) NOT NULL, dup_10_gram DECIMAL(10, 4) NOT NULL
  '
)
