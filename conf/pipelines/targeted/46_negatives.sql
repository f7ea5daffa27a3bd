-- What the model is taught to leave: passages drawn at random from the documents, as many as there
-- are positives and each cut to the length of one, so that length tells nothing. Documents with a
-- question in them are left out. They come from the first batches alone: what arrives later would
-- make another model, and another model has to score everything.
CREATE OR REFRESH MATERIALIZED VIEW negatives
COMMENT 'Passages drawn at random, each as long as a positive'
AS
WITH clear AS (
  SELECT filtered.id, filtered.text
  FROM filtered
  LEFT ANTI JOIN (SELECT id FROM item_hits WHERE target_id IS NOT NULL) AS hits ON hits.id = filtered.id
  WHERE filtered.arrival <= :negative_batches
),
-- Enough documents, so that no sort sees all passages: four times what is needed at most.
sampled AS (
  SELECT id, text
  FROM clear
  CROSS JOIN (SELECT count(*) AS wanted FROM positives)
  CROSS JOIN (SELECT count(*) AS documents FROM clear)
  WHERE id_uniform(id) * documents < 4 * wanted
),
cut AS (
  SELECT id, passage.position, passage.text
  FROM (SELECT id, explode(passages(text, tokens => :passage_tokens)) AS passage FROM sampled)
  WHERE length(trim(passage.text)) > 0
),
placed AS (
  SELECT
    concat(id, ':', position) AS id,
    text,
    row_number() OVER (ORDER BY id_uniform(concat(id, ':', position)), id, position) AS place
  FROM cut
),
lengths AS (
  SELECT length(text) AS characters, row_number() OVER (ORDER BY id_uniform(id), id) AS place
  FROM positives
)
SELECT placed.id, left(trim(placed.text), lengths.characters) AS text
FROM placed
JOIN lengths ON lengths.place = placed.place
