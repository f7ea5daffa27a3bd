"""Lists and tables in files: what is read from them, and what is said of those that are wrong."""

import datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from winnow.errors import CommandError
from winnow.operators.lists import HEAD, LIST, check_csv, check_list, lists, rows

NOTHING = {"name": None, "licence": None, "date": None}
HEADER = "# licence: CC0-1.0\n# date: 2026-01-31\n"


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write


def test_a_file_says_what_it_is_and_each_line_is_an_entry_once(write):
    path = write("words.txt", HEADER + "\r\n  casino \r\n# a remark\npoker face\ncasino\n")
    found = lists(path, NOTHING)
    assert found.schema == LIST
    day = datetime.date(2026, 1, 31)
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("words", "casino", "CC0-1.0", day),
        ("words", "poker face", "CC0-1.0", day),
    ]


def test_what_the_call_says_comes_before_what_the_file_says(write):
    path = write("words.txt", HEADER + "# name: mine\na\n")
    assert lists(path, NOTHING)["list"].to_pylist() == ["mine"]
    given = {"name": "other", "licence": "MIT", "date": "2020-02-29"}
    [row] = lists(path, given).to_pylist()
    assert row == {
        "list": "other",
        "entry": "a",
        "licence": "MIT",
        "date": datetime.date(2020, 2, 29),
    }


def test_a_remark_after_the_first_entry_says_nothing_of_the_list(write):
    path = write("words.txt", HEADER + "a\n# name: mine\n")
    assert lists(path, NOTHING)["list"].to_pylist() == ["words"]


def test_a_folder_holds_a_list_a_file(write, tmp_path):
    write("lists/b.txt", HEADER + "x\n")
    write("lists/a.txt", HEADER + "y\nx\n")
    found = lists(str(tmp_path / "lists"), NOTHING)
    assert list(zip(found["list"].to_pylist(), found["entry"].to_pylist(), strict=True)) == [
        ("a", "y"),
        ("a", "x"),
        ("b", "x"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("# date: 2026-01-31\na\n", "'words.txt' does not say its licence"),
        ("# licence: MIT\na\n", "does not say its date; let it begin with a line `# date: ...`"),
        ("# licence: MIT\n# date: 31.1.2026\na\n", "'31.1.2026' .* is not YYYY-MM-DD"),
        (HEADER + " \n#a\n", "no entry is in the list 'words.txt'"),
        (HEADER.encode() + b"caf\xe9\n", "'words.txt' is no UTF-8 at byte 41"),
    ],
)
def test_a_list_that_is_wrong_is_named(write, content, message):
    with pytest.raises(ValueError, match=message):
        lists(write("words.txt", content), NOTHING)


def test_two_files_are_not_one_list(write, tmp_path):
    write("lists/a.txt", HEADER + "x\n")
    write("lists/b.txt", HEADER + "# name: a\ny\n")
    for read in (lambda path: lists(path, NOTHING), check_list):
        with pytest.raises(ValueError, match=r"two files are the list 'a'; 'b\.txt' is one"):
            read(str(tmp_path / "lists"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("# date: 2026-01-31\na\n", "does not say its licence"),
        ("# licence: MIT\n# date: 31.1.2026\na\n", "is not YYYY-MM-DD"),
    ],
)
def test_a_plan_tells_what_the_head_of_a_list_lacks(write, content, message):
    with pytest.raises(ValueError, match=message):
        check_list(write("words.txt", content))


def test_a_plan_reads_the_head_of_a_list_alone(write):
    head = HEADER + "x" * (HEAD - len(HEADER) - 1)
    path = write("words.txt", head.encode() + "é".encode() + b"\xff")  # cut within é
    check_list(path)
    check_list(write("bare.txt", "a\n"), licence="MIT", date="2026-01-31")
    with pytest.raises(ValueError, match="no UTF-8"):
        lists(path, NOTHING)


def test_a_list_that_is_not_there_is_named():
    with pytest.raises(CommandError, match=r"'/nowhere/words\.txt' does not exist"):
        lists("/nowhere/words.txt", NOTHING)


def test_the_lists_that_come_with_winnow_are_read_and_are_ours_to_give_away():
    found = lists("winnow:lists/urls", NOTHING)
    assert set(found["list"].to_pylist()) == {"words", "soft_words", "subwords"}
    assert set(found["licence"].to_pylist()) == {"CC0-1.0"}


LIMITS = pa.schema([("language", pa.string()), ("least", pa.decimal128(4, 3))])


def test_the_columns_asked_for_are_read_from_a_csv_file_in_their_types(write):
    path = write("limits.csv", "least,other,language\n0.65,x,en\n,y,\n")
    found = rows(path, LIMITS)
    assert found.schema == LIMITS
    assert found.to_pylist() == [
        {"language": "en", "least": Decimal("0.650")},
        {"language": None, "least": None},
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("language\nen\n", "'limits.csv' is not the table asked for.*least"),
        ("least,language\nmuch,en\n", "asked for: column `least`: Row #2: The string 'much'"),
        ("\ufeffleast,language\r\n0.5,en\r\nx,de\r\n", "column `least`: Row #3: The string 'x'"),
        ('"a,b",c,"least",language\n1,2,much,en\n', "column `least`: Row #2"),
        ("language,least\nen,0.5\ncaf\xe9\n", "Row #3: Expected 2 columns, got 1"),
        ("", "'limits.csv' is not the table asked for"),
    ],
)
def test_a_csv_file_that_is_no_such_table_is_named(write, content, message):
    with pytest.raises(ValueError, match=message):
        rows(write("limits.csv", content), LIMITS)


def test_an_empty_field_is_an_error_where_the_column_is_not_null(write):
    path = write("limits.csv", "language,least\nen,0.5\nde,\n")
    required = pa.schema([LIMITS.field("language"), LIMITS.field("least").with_nullable(False)])
    with pytest.raises(ValueError, match=r"'limits\.csv': column `least` is empty in row 3"):
        rows(path, required)
    assert rows(write("whole.csv", "language,least\nen,0.5\n"), required).num_rows == 1


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("language STRING, least DECIMAL(4, 3)", None),
        ("language STRING NOT NULL, least DOUBLE, many INT, day DATE, yes BOOLEAN", None),
        ("language STRING, day TIMESTAMP", None),  # not looked at without Spark
        ("language STRING, many DECIMAL", None),
        ("this is ( no column", None),
        ("language STRING, least DECIMAL(4, 1)", "column `least`"),
        ("language INT", "column `language`: Row #2"),
        ("language STRING, none INT", "Column 'none'"),
        ("language STRING, empty STRING NOT NULL", "column `empty` is empty in row 2"),
    ],
)
def test_a_plan_holds_a_csv_file_against_the_columns_asked_for(write, columns, message):
    head, row = "language,least,many,day,yes,empty", "en,0.655,7,2026-01-31,true,"
    path = write("limits.csv", f"{head}\n{row}\n")
    if message is None:
        check_csv(path, columns)
    else:
        with pytest.raises(ValueError, match=message):
            check_csv(path, columns)


def test_the_thresholds_that_come_with_winnow_have_a_row_a_language_and_one_for_all_others():
    names = [
        "language_score", "line_punct_ratio", "list_ratio", "min_avg_word_length",
        "max_avg_word_length", "alpha_words", "dup_line_frac",
        *(f"top_{n}_gram" for n in (2, 3, 4)), *(f"dup_{n}_gram" for n in range(5, 11)),
    ]  # fmt: skip
    schema = pa.schema(
        [("language", pa.string()), ("source", pa.string()), ("is_spaced", pa.bool_())]
        + [(name, pa.decimal128(10, 4)) for name in names]
    )
    found = rows("winnow:languages.csv", schema).to_pylist()
    labels = [row["language"] for row in found]
    assert len(set(labels)) == len(labels) > 1800
    assert {"*", "en", "de", "fr", "zh", "ja", "th", "ar", "ru", "no", "tl", "nan"} <= set(labels)
    assert all(value is not None for row in found for value in row.values())
    assert not next(row for row in found if row["language"] == "zh")["is_spaced"]
