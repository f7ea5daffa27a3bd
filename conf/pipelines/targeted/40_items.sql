-- One row is one question of the target set, whatever its split. A materialized view, so that new
-- questions are looked for in all documents.
CREATE OR REFRESH MATERIALIZED VIEW items
COMMENT 'Questions of the target set: the split train is the target, all others are for evaluation'
AS
SELECT
  id,
  source AS benchmark,
  text,
  trim(BOTH '"' FROM metadata['split']) AS split,
  file,
  position,
  reject_reason
FROM read_documents(:targets, source => 'task')
