-- FineWeb takes near-duplicates out of each crawl by itself (Penedo et al. 2024, section 3.4), by
-- MinHash over five words in 14 bands of 8: what two documents share is hashed with the name of their
-- crawl. Documents without one are of one crawl. Here every pair is verified and a document goes only
-- for one that it is similar to (docs/recipes.md says what differs from datatrove's MinHash).
CREATE OR REFRESH STREAMING TABLE bands
COMMENT 'Documents that were kept by id, with what the duplicates of their crawl share'
AS
SELECT
  id,
  source,
  file,
  position,
  arrival,
  text_bytes,
  score,
  concat_ws(':', dump, coalesce(normalised_hash(text), id)) AS words_hash,
  transform(
    minhash_bands(text, bands => :bands, rows => :rows, unit => :shingle_unit, size => :shingle_size),
    band -> xxhash64(band, dump)
  ) AS bands
FROM STREAM(filtered)
