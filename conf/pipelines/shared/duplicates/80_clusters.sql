-- Documents that hang together by pairs, over however many: what other tools keep one of.
CREATE OR REFRESH MATERIALIZED VIEW clusters
COMMENT 'Documents of similar pairs by id, each with its component, named by the smallest id'
AS
SELECT clusters.id, clusters.component, exact.rank
FROM components(TABLE(similar)) AS clusters
JOIN exact ON exact.id = clusters.id
