-- What the model is taught to leave: passages drawn at random from the documents, as many as there
-- are positives and each cut to the length of one, so that length tells nothing. `passage` is the
-- whole, for the ratio of n-grams: it is to keep a share of whole passages. Documents with a question
-- in them are left out. They come from the first batches alone: what arrives later would make another
-- model, and another model has to score everything.
CREATE OR REFRESH MATERIALIZED VIEW negatives
COMMENT 'Passages drawn at random, each as long as a positive'
AS
WITH template AS (
  SELECT array_sort(collect_set(word)) AS template FROM template_words WHERE is_template
),
clear AS (
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
  SELECT concat(id, ':', passage.position) AS id, split(passage.text, '\\s+') AS words
  FROM (SELECT id, explode(passages(text, tokens => :passage_tokens)) AS passage FROM sampled)
),
cleaned AS (
  SELECT id, trim(array_join(filter(words, word -> NOT array_contains(template, lower(word))), ' ')) AS text
  FROM cut
  CROSS JOIN template
),
placed AS (
  SELECT id, text, row_number() OVER (ORDER BY id_uniform(id), id) AS place
  FROM cleaned
  WHERE text <> ''
),
lengths AS (
  SELECT length(text) AS characters, row_number() OVER (ORDER BY id_uniform(id), id) AS place
  FROM positives
)
SELECT placed.id, trim(left(placed.text, lengths.characters)) AS text, placed.text AS passage
FROM placed
JOIN lengths ON lengths.place = placed.place
