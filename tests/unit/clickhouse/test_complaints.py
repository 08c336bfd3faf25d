"""What ClickHouse says of a statement is said of that statement, and of nothing that was put around it."""

import pytest

from sightline.clickhouse.reading import complaint, engine_text, formatting

LIST = "Expected one of: token sequence, Dot, token, OR, AND, IS NULL, BETWEEN, LIKE, ILIKE, REGEXP, IN"


@pytest.mark.parametrize(
    ("sql", "said", "expected"),
    [
        (
            "SELEC 1",
            f"Syntax error: failed at position 7 (1): 1. {LIST}: {{around}}. (SYNTAX_ERROR)",
            "Syntax error: failed at position 7 (1): 1. (SYNTAX_ERROR)",
        ),
        (
            "SELECT 1 FROM tracks JOIN",
            "Syntax error: failed at position 26 (end of query): . Expected one of: table, table function: "
            "{around}. (SYNTAX_ERROR)",
            "Syntax error: failed at position 26 (end of query). Expected one of: table, table function. "
            "(SYNTAX_ERROR)",
        ),
        (
            "SELECT 'ä', ünï",
            "Unrecognized token: Syntax error: failed at position 14 (ü): ünï. : {around}. (SYNTAX_ERROR)",
            "Unrecognized token. Syntax error: failed at position 13 (ü): ünï. (SYNTAX_ERROR)",
        ),
        (
            "SELECT 'ü'\n, 'öö' FRM x",
            "Syntax error: failed at position 26 (x) (line 2, col 14): x. : {around}. (SYNTAX_ERROR)",
            "Syntax error: failed at position 23 (x) (line 2, col 12): x. (SYNTAX_ERROR)",
        ),
        (";", "Empty query: {around}. (SYNTAX_ERROR)", "Empty query. (SYNTAX_ERROR)"),
        ("SELECT (')", "Unmatched: {around}", "Unmatched."),
    ],
)
@pytest.mark.parametrize("of_server", [False, True])
def test_a_syntax_error_is_told_in_words_of_the_users_statement(sql, said, expected, of_server):
    said = said.format(around=f"In scope {formatting(sql)}")
    if of_server:
        said = (
            f"Received ClickHouse exception, code: 62, server response: Code: 62. DB::Exception: {said} "
            "(version 26.9.2.1 (official build)) (for url http://127.0.0.1:16767)"
        )
    assert complaint(said, sql) == expected


def test_what_stands_around_an_error_goes_and_the_rest_stays():
    said = (
        "Received ClickHouse exception, code: 73, server response: Code: 73. DB::Exception: Unknown format X."
        " (UNKNOWN_FORMAT) (version 26.9.2.1). (UNKNOWN_FORMAT) (version 26.9.2.1) (for url http://h:1)"
    )
    assert engine_text(said) == "Unknown format X. (UNKNOWN_FORMAT)"
    refused = "Error executing HTTP request (for url http://h:1): Connection refused"
    assert engine_text(refused) == refused
