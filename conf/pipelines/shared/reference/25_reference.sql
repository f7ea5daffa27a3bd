-- A finished corpus: documents that are in it go, and nothing in it does. Its ids stand behind its
-- name, for the same id may come in both.
CREATE TEMPORARY VIEW reference
AS
SELECT concat(:reference, ':', id) AS id, text
FROM IDENTIFIER(:reference)
