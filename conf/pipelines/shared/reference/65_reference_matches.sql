-- What new documents are most like in the finished corpus, each compared on the shingles of both
-- texts. From similarity 0.5 up it is stored, so that the threshold can move later.
CREATE OR REFRESH STREAMING TABLE reference_matches
COMMENT 'Documents by id, each with the most similar one of the finished corpus'
AS
SELECT *
FROM reference_matches(
  new => TABLE(STREAM(bands)),
  reference => TABLE(reference_bands),
  documents => TABLE(texts),
  texts => TABLE(reference),
  unit => :shingle_unit,
  size => :shingle_size
)
