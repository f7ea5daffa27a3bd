-- What duplicates are found by, from one reading of each new document that was kept: a hash of its
-- words, and the bands of its MinHash signature. All later stages compare these and join texts by id.
CREATE OR REFRESH STREAMING TABLE bands
COMMENT 'Documents that were kept by id, with what their duplicates share'
AS
SELECT
  id,
  source,
  file,
  position,
  arrival,
  text_bytes,
  score,
  -- A text without words is the copy of an equal one alone.
  coalesce(normalised_hash(text), content_hash, id) AS words_hash,
  minhash_bands(text, bands => :bands, rows => :rows, unit => :shingle_unit, size => :shingle_size) AS bands
FROM STREAM(filtered)
