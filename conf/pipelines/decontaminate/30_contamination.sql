-- One row is one item found in a document, with both places in code points and a score; or, without
-- an item, a document that was searched.
CREATE OR REFRESH STREAMING TABLE contamination
COMMENT 'Documents that were searched, and the benchmark items in them, each with its place'
AS
SELECT *
FROM contamination(TABLE(STREAM(documents)), TABLE(targets), method => :method)
UNION ALL
SELECT id, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM STREAM(documents)
