-- One constraint, one rule; a document may break several. A rule is one line: add yours here.
-- Ratios are products: a document without words breaks word_count, not the run.
CREATE OR REFRESH STREAMING TABLE filtered (
  CONSTRAINT word_count EXPECT (words BETWEEN 50 AND 100000) ON VIOLATION DROP ROW,
  CONSTRAINT stop_words EXPECT (stop_words >= 2)             ON VIOLATION DROP ROW,
  -- Without ON VIOLATION a rule is only recorded.
  CONSTRAINT questions  EXPECT (question_marks <= 0.1 * words)
)
COMMENT 'Documents with the measures that the rules ask for, and the rules that each one broke'
AS
SELECT id, source, licence, text, signal.words, signal.stop_words, question_marks
FROM (
  SELECT
    id, source, licence, text,
    text_signals(text) AS signal,             -- Winnow's: `winnow functions` lists what there is
    question_marks(text) AS question_marks    -- ours: functions.py
  FROM STREAM(documents)
)
