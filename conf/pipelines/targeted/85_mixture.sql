-- How the cut moved the shares of sources, languages, document lengths and suffixes of addresses.
CREATE OR REFRESH MATERIALIZED VIEW mixture
COMMENT 'One row a source, language, length or suffix: its share of all tokens and of those chosen'
AS
SELECT *
FROM mixture_shift(
  before => TABLE(
    SELECT
      id,
      source,
      language,
      concat('below ', CAST(2 * pow(2, floor(log2(sum(tokens) OVER (PARTITION BY document_id)))) AS BIGINT), ' tokens') AS document_length,
      regexp_extract(url, '^[a-z]+://[^/:]*\\.([a-z]+)', 1) AS url_suffix,
      tokens
    FROM scores
  ),
  after => TABLE(chosen)
)
