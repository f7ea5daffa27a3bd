-- One row is one document, or one record that could not be read: those fail the built-in rule
-- readable and stay in documents_rejected.
CREATE OR REFRESH STREAMING TABLE documents
COMMENT 'Documents as they came, each with its id, its source and its place in the input'
AS
SELECT *
FROM STREAM read_documents(
  :input,
  format => :format,
  changed_files => :changed_files,
  max_rejects => :max_rejects
)
