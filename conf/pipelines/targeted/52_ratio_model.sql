-- One row: the cheap first step. Its score is 0.5 where the wanted share of random passages has more.
CREATE OR REFRESH MATERIALIZED VIEW ratio_model
COMMENT 'The ratio of n-grams by which passages are chosen that the classifier ranks'
AS
SELECT *
FROM train_classifier(
  TABLE(SELECT id, passage AS text, label FROM examples),
  algorithm => 'ngram_ratio',
  negatives_passed => :ranked_share
)
