-- What is ready to read: the texts of the documents that stay. A small batch rewrites no old text.
CREATE VIEW unique
COMMENT 'Documents as they were kept without exact and near-duplicates, each with how many it stands for'
AS
SELECT filtered.*, exact.copies AS exact_copies, near_duplicates.copies AS near_copies
FROM filtered
JOIN exact ON exact.id = filtered.id
JOIN near_duplicates ON near_duplicates.id = filtered.id
