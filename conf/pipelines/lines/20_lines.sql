-- The lines of each document as hashes, without the texts: what is counted is small.
CREATE OR REFRESH STREAMING TABLE lines
COMMENT 'Documents by id, each with the hashes of its distinct lines or paragraphs'
AS
SELECT
  id, source, arrival, file, position,
  line_hashes(text, unit => :unit, min_chars => :min_chars) AS hashes
FROM STREAM(documents)
