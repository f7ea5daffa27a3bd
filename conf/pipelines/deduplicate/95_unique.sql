-- What is ready to read: the texts of the documents that stay. A small batch rewrites no old text.
CREATE VIEW unique
COMMENT 'Documents without exact and near-duplicates, each with how many it stands for'
AS
SELECT documents.*, exact.copies AS exact_copies, near_duplicates.copies AS near_copies
FROM documents
JOIN exact ON exact.id = documents.id
JOIN near_duplicates ON near_duplicates.id = documents.id
