-- No finished corpus is looked into.
CREATE TEMPORARY VIEW reference_matches AS SELECT '' AS id, '' AS reference_id, 1D AS similarity WHERE false
