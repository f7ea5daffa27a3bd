-- One row is one passage, by its place: its text stays in filtered. A new batch costs the new batch,
-- and a new model costs this stage. Copies are scored too: which of them stays may change later.
CREATE OR REFRESH STREAMING TABLE scores
COMMENT 'Passages by document and position, each with its score for the target'
AS
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
  quality(passage.text, model => 'target_model') AS score
FROM (
  SELECT id AS document_id, source, language, url, explode(passages(text, tokens => :passage_tokens)) AS passage
  FROM STREAM(filtered)
)
