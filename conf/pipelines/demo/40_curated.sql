-- What is ready to read: the texts of the documents that stay.
CREATE VIEW curated
COMMENT 'Curated documents: filtered, each text once'
AS
SELECT filtered.id, filtered.source, filtered.licence, filtered.text, filtered.words, unique.copies
FROM filtered
JOIN unique ON unique.id = filtered.id
