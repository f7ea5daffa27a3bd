-- The texts without their repeated lines. Each rule is about what repeated lines were of a document.
CREATE OR REFRESH MATERIALIZED VIEW cleaned (
  CONSTRAINT text_left EXPECT (removed_chars < chars)      ON VIOLATION DROP ROW,
  -- Recorded, not dropped: a document of which more than half went is hardly a document of its own.
  CONSTRAINT half_left EXPECT (2 * removed_chars <= chars)
)
COMMENT 'Documents without repeated lines, each with how much of it went'
AS
SELECT
  id, source, licence,
  rest.*,
  chars,
  coalesce(try_divide(rest.removed_chars, chars), 0) AS removed_share,
  most_documents
FROM (
  SELECT
    documents.id, source, licence, char_length(text) AS chars, most_documents,
    without_lines(text, repeated, kept_once, unit => :unit, min_chars => :min_chars) AS rest
  FROM documents
  JOIN repeated ON repeated.id = documents.id
)
