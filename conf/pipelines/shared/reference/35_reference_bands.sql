-- What documents are compared with the finished corpus by, from one reading of each of its versions.
CREATE OR REFRESH MATERIALIZED VIEW reference_bands
COMMENT 'Documents of the finished corpus by id, with what duplicates share with them'
AS
SELECT
  id,
  coalesce(normalised_hash(text), id) AS words_hash,  -- a text without words is nobody's copy
  minhash_bands(text, bands => :bands, rows => :rows, unit => :shingle_unit, size => :shingle_size) AS bands
FROM reference
