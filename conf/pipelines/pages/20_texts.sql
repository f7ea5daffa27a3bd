-- The main text of each page, found once. A record that has its text already (WET, JSON lines)
-- keeps it. Only what answered 200 with a page is looked into; what extraction made of it stays in
-- the column failure.
CREATE OR REFRESH STREAMING TABLE texts (
  CONSTRAINT answered    EXPECT (http_status IS NULL OR http_status = 200) ON VIOLATION DROP ROW,
  CONSTRAINT is_page     EXPECT (is_page)                                  ON VIOLATION DROP ROW,
  CONSTRAINT has_text    EXPECT (text IS NOT NULL AND failure IS NULL)     ON VIOLATION DROP ROW,
  -- What the page reserves: noai (DeviantArt 2022), TDM Reservation Protocol (W3C group, 2024).
  CONSTRAINT ai_allowed  EXPECT (is_ai_refused IS NOT TRUE)                ON VIOLATION DROP ROW,
  CONSTRAINT tdm_allowed EXPECT (is_tdm_reserved IS NOT TRUE)              ON VIOLATION DROP ROW,
  -- Recorded, not dropped.
  CONSTRAINT whole         EXPECT (truncated IS NULL),
  CONSTRAINT licence_known EXPECT (licence IS NOT NULL)
)
COMMENT 'Texts of web pages, each with what the page says about itself'
AS
SELECT
  id,
  source,
  coalesce(licence, page.licence_url) AS licence,
  url,
  created,
  http_status,
  content_type,
  is_page,
  truncated,
  payload_digest,
  file,
  position,
  arrival,
  coalesce(text, page.text) AS text,
  coalesce(content_hash, page.content_hash) AS content_hash,
  page.* EXCEPT (text, content_hash)
FROM (
  SELECT
    *,
    extract_text(
      IF(is_page AND coalesce(http_status, 200) = 200, content, NULL),
      url,
      http_headers,
      method => :method
    ) AS page
  FROM (
    SELECT
      *,
      text IS NOT NULL
        OR content_type RLIKE '(?i)^(text/html|application/xhtml[+]xml|text/plain)' AS is_page
    FROM STREAM(documents)
  )
)
