-- One row is one line that several documents have. Documents are counted, not copies.
CREATE TEMPORARY VIEW line_counts
COMMENT 'Repeated lines by hash, each with its documents and the first that has it'
AS
SELECT
  hash,
  count(*) AS documents,
  min_by(id, struct(arrival, file, position, id)) AS first_id
FROM (SELECT id, arrival, file, position, explode(hashes) AS hash FROM lines)
GROUP BY hash
HAVING count(*) >= :documents
