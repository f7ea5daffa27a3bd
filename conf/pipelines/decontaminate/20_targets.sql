-- One row is one benchmark item. A materialized view, so that new items are looked for in all
-- documents: a table that only grows would show them to later documents alone.
-- To leave training splits out: WHERE metadata['split'] <> '"train"'.
CREATE OR REFRESH MATERIALIZED VIEW targets
COMMENT 'Benchmark items that no document may hold'
AS
SELECT id, source AS benchmark, text, file, position, reject_reason
FROM read_documents(:targets, source => 'task')
