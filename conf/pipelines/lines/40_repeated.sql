-- What goes from which document. Ids and hashes meet here, no texts. Of a line in `kept_once` the
-- first copy stays, since this is the first document that has it; from the others all copies go.
CREATE OR REFRESH MATERIALIZED VIEW repeated
COMMENT 'Documents by id, each with the hashes of the lines that go'
AS
SELECT
  lines.id,
  size(lines.hashes) AS lines,
  sort_array(collect_list(hash) FILTER (WHERE NOT stays)) AS repeated,
  sort_array(collect_list(hash) FILTER (WHERE stays)) AS kept_once,
  max(documents) AS most_documents
FROM lines
LEFT JOIN (
  SELECT id, hash, documents, :keep_first AND id = first_id AS stays
  FROM (SELECT id, explode(hashes) AS hash FROM lines)
  JOIN line_counts USING (hash)
) AS copies ON copies.id = lines.id
GROUP BY lines.id, size(lines.hashes)
