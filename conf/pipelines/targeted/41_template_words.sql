-- Words that come with the form of the questions, not with what they are about ("Answer1:", "####"):
-- in more than a fifth of a benchmark's questions, and in less than 2 % of the documents' beginnings.
-- A model would learn them instead of the subject, and no document has them.
CREATE OR REFRESH MATERIALIZED VIEW template_words
COMMENT 'Frequent words of the target by benchmark: in what share of questions and of documents'
AS
WITH questions AS (
  SELECT benchmark, array_distinct(split(lower(text), '\\s+')) AS words FROM items WHERE split = 'train'
),
frequent AS (
  SELECT benchmark, word, count(*) / min(questions) AS question_ratio
  FROM (SELECT benchmark, explode(words) AS word FROM questions)
  JOIN (SELECT benchmark, count(*) AS questions FROM questions GROUP BY benchmark) USING (benchmark)
  GROUP BY benchmark, word
  HAVING count(*) > 0.2 * min(questions)
),
sampled AS (
  SELECT array_distinct(split(lower(left(text, 1000)), '\\s+')) AS words
  FROM filtered
  CROSS JOIN (SELECT count(*) AS documents FROM filtered WHERE arrival <= :negative_batches)
  WHERE arrival <= :negative_batches AND id_uniform(id, 1) * documents < 5000
),
seen AS (
  SELECT word, count(*) / min(documents) AS document_ratio
  FROM (SELECT explode(words) AS word FROM sampled)
  CROSS JOIN (SELECT count(*) AS documents FROM sampled)
  GROUP BY word
)
SELECT
  benchmark,
  word,
  question_ratio,
  coalesce(document_ratio, 0) AS document_ratio,
  coalesce(document_ratio, 0) < 0.02 AS is_template
FROM frequent
LEFT JOIN seen USING (word)
UNION ALL
SELECT '', '', 0, 0, true  -- no word, so that questions without a template have a row, too
