-- C4's heuristics as datatrove 0.10.1 runs them by default (C4QualityFilter): lines without a
-- sentence end, short lines, notices of cookies and javascript go, and documents of fewer than five
-- sentences, with filler text or with a curly bracket. Texts of kept documents and verdicts are the
-- same; upstream stops at the first rule that breaks, and here all are recorded.
-- Google's own code (TFDS) asks five words of a line, after citations went, and three sentences as
-- NLTK's Punkt model cuts them; datatrove asks three words, before, and five sentences of spaCy's.
-- Not among the rules: C4's word list, its language, and repeated lines between pages.
CREATE OR REFRESH STREAMING TABLE filtered (
  -- C4: Raffel et al. 2019, arXiv:1910.10683, section 2.2
  CONSTRAINT c4_quality_lorem_ipsum       EXPECT (lorem_ipsum_lines = 0)   ON VIOLATION DROP ROW,
  CONSTRAINT c4_quality_curly_bracket     EXPECT (curly_bracket_lines = 0) ON VIOLATION DROP ROW,
  CONSTRAINT c4_quality_too_few_sentences EXPECT (sentences >= 5)          ON VIOLATION DROP ROW,
  -- Recorded, not dropped: of a longer text only the beginning is looked at, and kept.
  CONSTRAINT text_limit                   EXPECT (text_bytes <= :text_limit)
)
COMMENT 'Documents as C4 cleans them, with the counts of lines that went and the rules that they broke, as in datatrove 0.10.1 with spaCy 3.8.18 (not as in TFDS)'
AS
-- content_hash is that of the text as it came, all_lines and the other counts are of its lines.
SELECT * EXCEPT (c4), c4.*
FROM (
  SELECT
    id,
    source,
    licence,
    content_hash,
    file,
    position,
    arrival,
    octet_length(text) AS text_bytes,
    c4_clean(text_head(text, :text_limit)) AS c4
  FROM STREAM(documents)
)
