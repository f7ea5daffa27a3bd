-- What is ready to read: the texts of the passages that were chosen.
CREATE VIEW targeted
COMMENT 'Passages that are like the target, and general text, within the budget'
AS
SELECT
  chosen.id,
  chosen.document_id,
  filtered.source,
  filtered.licence,
  filtered.language,
  substring(filtered.text, CAST(scores.start + 1 AS INT), CAST(scores.characters AS INT)) AS text,
  chosen.tokens,
  chosen.score,
  chosen.chosen_by
FROM chosen
JOIN scores ON scores.id = chosen.id
JOIN filtered ON filtered.id = chosen.document_id
