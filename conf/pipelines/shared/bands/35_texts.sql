-- What the shared stages read texts from.
CREATE TEMPORARY VIEW texts AS SELECT id, text FROM filtered
