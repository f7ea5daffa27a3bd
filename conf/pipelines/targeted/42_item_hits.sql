-- One row is one question found in a document; or, without a question, a document that was searched.
CREATE OR REFRESH STREAMING TABLE item_hits
COMMENT 'Documents that were searched, and the questions in them'
AS
SELECT id, target_id, benchmark, score
FROM contamination(TABLE(STREAM(filtered)), TABLE(items))
UNION ALL
SELECT id, NULL, NULL, NULL
FROM STREAM(filtered)
