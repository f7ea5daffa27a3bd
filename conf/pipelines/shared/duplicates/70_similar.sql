-- The pairs above the threshold, of the copies that stayed.
CREATE TEMPORARY VIEW similar
AS
SELECT a.id AS id_a, b.id AS id_b, pairs.similarity
FROM pairs
JOIN exact AS a ON a.first_id = pairs.id_a
JOIN exact AS b ON b.first_id = pairs.id_b
WHERE pairs.similarity >= :similarity
