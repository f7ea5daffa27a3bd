-- What duplicates are found by, from one reading of each new document: a hash of its words, and the
-- bands of its MinHash signature. All later stages compare these and join texts by id alone.
CREATE OR REFRESH STREAMING TABLE bands
COMMENT 'Documents by id, with what their duplicates share'
AS
SELECT
  id,
  source,
  file,
  position,
  arrival,
  text_bytes,
  try_cast(metadata[:score] AS DOUBLE) AS score,
  -- A text without words is the copy of an equal one alone.
  coalesce(normalised_hash(text), content_hash, id) AS words_hash,
  minhash_bands(text, bands => :bands, rows => :rows, unit => :shingle_unit, size => :shingle_size) AS bands
FROM STREAM(documents)
