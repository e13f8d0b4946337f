"""Words for people: what pydantic found wrong, and sizes.

Owns the sentences; which error is raised with them is its raiser's business. No sentence shows the value that was
given: it may be a password, or a megabyte long.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_PROBLEMS = {
    "missing": "is missing",
    "extra_forbidden": "is not known",
    "int_type": "is not a whole number",
    "int_parsing": "is not a whole number",
    "int_parsing_size": "is too large",
    "int_from_float": "is not a whole number",
    "float_type": "is not a number",
    "float_parsing": "is not a number",
    "finite_number": "is not a finite number",
    "bool_type": "is neither true nor false",
    "bool_parsing": "is neither true nor false",
    "string_type": "is not text",
    "string_unicode": "is not text",
    "string_too_short": "is empty",
    "string_too_long": "is longer than {max_length} characters",
    "string_pattern_mismatch": "may hold only ASCII letters, digits and signs, without blanks",
    "literal_error": "is not one of {expected}",
    "enum": "is not one of {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "date_type": "is not a day; write YYYY-MM-DD",
    "date_parsing": "is not a day; write YYYY-MM-DD",
    "date_from_datetime_parsing": "is not a day; write YYYY-MM-DD",
    "date_from_datetime_inexact": "is not a day; write YYYY-MM-DD",
    "path_type": "is not a path",
    "dict_type": "is not an object of keys and values",
    "model_type": "is not an object of keys and values",
    "model_attributes_type": "is not an object of keys and values",
    "list_type": "is not a list",
    "tuple_type": "is not a list",
    "json_invalid": "is not JSON",
    "json_type": "is not JSON",
    "value_error": "{error}",
    "recursion_loop": "contains itself",
}
"""Problem by pydantic's error type; the braces are filled from the error's context."""


_SIZE_UNITS = (("GB", 10**9), ("MB", 10**6), ("kB", 10**3))


def problem_of(error: ErrorDetails) -> str:
    """Say what is wrong, so that it reads on after the name of the field: 'is not a number'."""
    template = _PROBLEMS.get(error["type"])
    if template is None:
        return error["msg"][:1].lower() + error["msg"][1:]
    facts = dict(error.get("ctx", {}))
    if "expected" in facts:
        facts["expected"] = facts["expected"].replace("'", "").replace(" or ", ", ")
    return template.format_map(facts)


def first_problem(exc: ValidationError) -> ErrorDetails:
    """Return the finding to tell first: an unknown name, since it often explains what is missing; else the first."""
    found = exc.errors(include_url=False, include_input=False)
    return next((error for error in found if error["type"] == "extra_forbidden"), found[0])


def near_miss(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that was probably meant, or None."""
    import difflib  # wanted where something is wrong alone, and no small part of what the analysis imports

    found = difflib.get_close_matches(name.lower(), list(known), n=1)
    return found[0] if found else None


def format_size(size_bytes: float) -> str:
    """Write bytes as people write and settings read them: '64GB', '4.5GB', '250MB'."""
    unit, factor = next((row for row in _SIZE_UNITS if size_bytes >= row[1]), ("B", 1))
    return f"{size_bytes / factor:.10g}{unit}"
