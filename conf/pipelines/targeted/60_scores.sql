-- One row is one passage, by its place: its text stays in filtered. A new batch costs the new batch,
-- and a new model costs this stage. Copies are scored too: which of them stays may change later.
-- Two steps: the ratio of n-grams costs a fraction of the classifier, which ranks what is left. What
-- the ratio leaves out has no score; it may still be drawn as general text.
CREATE OR REFRESH STREAMING TABLE scores (
  CONSTRAINT ratio_share EXPECT (:ranked_share >= 1 OR ratio >= 0.5)
)
COMMENT 'Passages by document and position, each with its score for the target'
AS
SELECT
  * EXCEPT (text),
  quality(if(:ranked_share >= 1 OR ratio >= 0.5, text, NULL), model => 'target_model') AS score
FROM (
  SELECT
    concat(document_id, ':', passage.position) AS id,
    document_id,
    source,
    language,
    url,
    passage.position,
    passage.start,
    passage.characters,
    passage.bytes,
    passage.bytes DIV 4 + 1 AS tokens,
    passage.text,
    quality(passage.text, model => 'ratio_model') AS ratio
  FROM (
    SELECT id AS document_id, source, language, url, explode(passages(text, tokens => :passage_tokens)) AS passage
    FROM STREAM(filtered)
  )
)
