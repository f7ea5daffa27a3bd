-- What is ready to read: the texts of the documents that stay. A small batch rewrites no old text.
CREATE VIEW unique
COMMENT 'Filtered documents without exact and near-duplicates, each with how many it stands for'
AS
SELECT
  filtered.id,
  filtered.source,
  filtered.licence,
  filtered.url,
  filtered.language,
  filtered.text,
  filtered.words,
  exact.copies AS exact_copies,
  near_duplicates.copies AS near_copies
FROM filtered
JOIN exact ON exact.id = filtered.id
JOIN near_duplicates ON near_duplicates.id = filtered.id
