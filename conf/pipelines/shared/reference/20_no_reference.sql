-- What :reference names when there is no corpus to compare with.
CREATE TEMPORARY VIEW no_reference AS SELECT '' AS id, '' AS text WHERE false
