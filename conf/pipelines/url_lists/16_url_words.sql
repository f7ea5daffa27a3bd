-- The word lists in one row, for a document's address to be compared with all of them.
CREATE TEMPORARY VIEW url_words AS
SELECT
  array_sort(collect_set(entry) FILTER (WHERE list = 'words')) AS words,
  array_sort(collect_set(entry) FILTER (WHERE list = 'soft_words')) AS soft_words,
  array_sort(collect_set(entry) FILTER (WHERE list = 'subwords')) AS subwords
FROM url_lists
WHERE entry <> ''
