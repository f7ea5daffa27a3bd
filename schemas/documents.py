"""The columns of a document, as every source returns them.

One row is one document, or one record that could not be read (`reject_reason` is set).
"""

# name -> Spark DDL type, in order.
DOCUMENT: dict[str, str] = {
    "id": "STRING",  # stable across runs, machines, partition counts and moves of the input
    "text": "STRING",  # null for a record that holds something else, see content
    "content": "BINARY",  # of a web page, or of any other archived record that is no plain text
    "source": "STRING",
    "licence": "STRING",
    "url": "STRING",
    "created": "STRING",  # as the record says it; no format is assumed
    "metadata": "MAP<STRING, STRING>",  # everything else of the record, values as JSON text
    "file": "STRING",  # path below the longest literal part of the input address
    "position": "BIGINT",  # of the record in the decompressed file: bytes; of a Parquet row: rows
    "content_hash": "STRING",  # 32 hex characters: BLAKE2b-128 of the text in UTF-8
    "text_bytes": "BIGINT",
    # What an archive says of a record; `http_` is what the server answered.
    "http_status": "INT",
    "http_headers": "MAP<STRING, STRING>",  # names in lower case, repeated ones joined by ", "
    "content_type": "STRING",  # as sent: "text/html; charset=utf-8"
    "truncated": "STRING",  # why the crawler stopped reading: length, time, disconnect, unspecified
    "payload_digest": "STRING",  # as the archive has it: "sha1:..."
    "arrival": "BIGINT",  # number of the batch in which the document came, from 1
    "reject_reason": "STRING",  # null for a document that could be read
    "reject_snippet": "STRING",  # first 500 bytes of a rejected record, escaped
}

DOCUMENT_DDL = ", ".join(f"{name} {kind}" for name, kind in DOCUMENT.items())

# The rule that every stage over a source has, whether it is written there or not.
READABLE = ("readable", "reject_reason IS NULL")

# Columns that hold the bulk of a corpus: a dropped row does not repeat them (its input has them),
# audit results never show them and the screen cuts them.
HEAVY_COLUMNS = frozenset({"text", "html", "content"})

# Columns that the engine adds to every stored table; a stage cannot return them.
FAILED_RULES, DROPPED, BATCH = "_failed_rules", "_dropped", "_batch"
ENGINE_COLUMNS = (FAILED_RULES, DROPPED, BATCH)
