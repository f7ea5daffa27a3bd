-- One row: the model and how good it is on the questions and passages that were held back.
CREATE OR REFRESH MATERIALIZED VIEW target_model
COMMENT 'The classifier of passages that are like the target'
AS
SELECT * FROM train_classifier(TABLE(examples), algorithm => :algorithm)
