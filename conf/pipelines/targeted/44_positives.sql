-- What the model is taught to look for: each question of the split train once, without those that
-- hold a question of another split. What went, and why, is in positives_dropped.
CREATE OR REFRESH MATERIALIZED VIEW positives (
  CONSTRAINT train_split     EXPECT (split = 'train')    ON VIOLATION DROP ROW,
  CONSTRAINT copy            EXPECT (kept_id = id)       ON VIOLATION DROP ROW,
  CONSTRAINT evaluation_item EXPECT (held_item IS NULL)  ON VIOLATION DROP ROW
)
COMMENT 'Questions of the target, each once, clear of those for evaluation'
AS
WITH hashed AS (
  SELECT id, split, text, coalesce(normalised_hash(text), id) AS words_hash FROM items
),
held AS (
  SELECT id, min(target_id) AS held_item
  FROM searched_items
  GROUP BY id
)
SELECT
  hashed.id,
  hashed.split,
  hashed.text,
  held.held_item,
  min(if(hashed.split = 'train', hashed.id, NULL)) OVER (PARTITION BY words_hash) AS kept_id
FROM hashed
LEFT JOIN held ON held.id = hashed.id
