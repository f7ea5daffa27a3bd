-- What addresses are held against: the lists `domains`, `urls`, `words`, `soft_words`, `subwords`, those
-- of them that are there. Words lose what is no ASCII letter or digit, as in datatrove's URLFilter.
CREATE OR REFRESH MATERIALIZED VIEW url_lists
COMMENT 'Words and addresses to keep away from, each with its list, its licence and its date'
AS
SELECT DISTINCT
  list,
  CASE list
    WHEN 'urls' THEN entry
    WHEN 'domains' THEN lower(entry)
    ELSE lower(regexp_replace(entry, '[^a-zA-Z0-9]+', ''))
  END AS entry,
  licence,
  date
FROM read_list(path => :url_lists)
