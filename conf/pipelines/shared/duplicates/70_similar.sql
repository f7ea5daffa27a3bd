-- The pairs above the threshold, of the copies that stayed. Documents that the finished corpus has go
-- for that, and decide about no other.
CREATE TEMPORARY VIEW similar
AS
WITH own AS (
  SELECT exact.id, exact.first_id
  FROM exact
  LEFT ANTI JOIN in_reference ON in_reference.id = exact.first_id
)
SELECT a.id AS id_a, b.id AS id_b, pairs.similarity
FROM pairs
JOIN own AS a ON a.first_id = pairs.id_a
JOIN own AS b ON b.first_id = pairs.id_b
WHERE pairs.similarity >= :similarity
