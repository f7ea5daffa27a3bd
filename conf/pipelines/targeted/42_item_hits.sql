-- One row is one question found in a document, with both places in code points and a score; or, without
-- a question, a document that was searched.
CREATE OR REFRESH STREAMING TABLE item_hits
COMMENT 'Documents that were searched, and the questions in them, each with its place'
AS
SELECT *
FROM contamination(TABLE(STREAM(filtered)), TABLE(items))
UNION ALL
SELECT id, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM STREAM(filtered)
