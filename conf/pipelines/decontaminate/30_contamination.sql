-- One row is one document and one item found in it, with both places in code points and a score.
CREATE OR REFRESH STREAMING TABLE contamination
COMMENT 'Benchmark items in documents, each with its place'
AS
SELECT *
FROM contamination(TABLE(STREAM(documents)), TABLE(targets), method => :method)
