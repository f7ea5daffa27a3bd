-- Documents that the finished corpus has, exactly or nearly.
CREATE TEMPORARY VIEW in_reference
AS
SELECT id, reference_id, similarity
FROM reference_matches
WHERE similarity >= :similarity
