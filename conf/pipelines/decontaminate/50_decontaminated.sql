-- What is ready to read: the texts of the documents that stay.
CREATE VIEW decontaminated
COMMENT 'Documents without benchmark items'
AS
SELECT documents.id, documents.source, documents.licence, documents.text
FROM documents
JOIN clean ON clean.id = documents.id
