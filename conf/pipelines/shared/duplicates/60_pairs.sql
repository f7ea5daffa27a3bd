-- Pairs of a new document and any earlier one that share a band, each compared on the shingles of
-- both texts. From similarity 0.5 up they are stored, so that the threshold can move later.
CREATE OR REFRESH STREAMING TABLE pairs (
  CONSTRAINT compared EXPECT (id_b IS NOT NULL) ON VIOLATION DROP ROW  -- else as candidate_pairs says
)
COMMENT 'Pairs of documents, id_a < id_b, with the Jaccard similarity and the containment of their shingles'
AS
SELECT *
FROM candidate_pairs(
  new => TABLE(STREAM(bands)),
  bands => TABLE(SELECT id, words_hash, bands, struct(arrival, file, position) AS rank FROM bands),
  documents => TABLE(texts),
  unit => :shingle_unit,
  size => :shingle_size
)
