-- What the model is taught to look for: each question of the split train once, without those that
-- hold a question of another split, and without the words of its form. What went, and why, is in
-- positives_dropped.
CREATE OR REFRESH MATERIALIZED VIEW positives (
  CONSTRAINT train_split     EXPECT (split = 'train')      ON VIOLATION DROP ROW,
  CONSTRAINT copy            EXPECT (kept_id = id)         ON VIOLATION DROP ROW,
  CONSTRAINT evaluation_item EXPECT (held_item IS NULL)    ON VIOLATION DROP ROW,
  CONSTRAINT words_left      EXPECT (cleaned_words > 0)    ON VIOLATION DROP ROW
)
COMMENT 'Questions of the target, each once, clear of those for evaluation and of their form'
AS
WITH template AS (
  SELECT array_sort(collect_set(word)) AS words FROM template_words WHERE is_template
),
held AS (
  SELECT id, min(target_id) AS held_item FROM searched_items GROUP BY id
),
cleaned AS (
  SELECT
    items.id,
    items.split,
    filter(split(items.text, '\\s+'), word -> NOT array_contains(template.words, lower(word))) AS words,
    min(if(items.split = 'train', items.id, NULL)) OVER (
      PARTITION BY coalesce(normalised_hash(items.text), items.id)
    ) AS kept_id
  FROM items
  CROSS JOIN template
)
SELECT
  cleaned.id,
  cleaned.split,
  array_join(cleaned.words, ' ') AS text,
  size(cleaned.words) AS cleaned_words,
  held.held_item,
  cleaned.kept_id
FROM cleaned
LEFT JOIN held ON held.id = cleaned.id
