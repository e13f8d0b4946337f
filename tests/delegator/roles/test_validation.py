"""Every way a catalogue can be wrong, and what is said about it."""

import pytest

from delegator.errors import CatalogueInvalid
from delegator.roles import load_catalogue

TWO_ROLES = """
[models."qwen3:8b"]
memory_gb = 6.9

[roles.boss]
title = "Boss"
summary = "Decides."
model = "qwen3:8b"
brief = "You decide."

[roles.clerk]
title = "Clerk"
summary = "Writes."
reports_to = "boss"
model = "qwen3:8b"
keywords = ["letter"]
brief = "You write."
"""

WRONG = [
    # (replaced, by, key, part of the reason)
    (
        'model = "qwen3:8b"\nbrief = "You decide."',
        'model = "qwen3"\nbrief = "x"',
        "roles.boss.model",
        "no model 'qwen3'",
    ),
    ('model = "qwen3:8b"\nbrief = "You decide."', 'model = "qwen3:8"\nbrief = "x"', "roles.boss.model", "did you mean"),
    ('reports_to = "boss"', 'reports_to = "bos"', "roles.clerk.reports_to", "did you mean 'boss'?"),
    ('reports_to = "boss"', 'reports_to = "clerk"', "roles.clerk.reports_to", "circle: clerk -> clerk"),
    ('summary = "Decides."', 'summary = "D"\nreports_to = "clerk"', "roles.boss.reports_to", "boss -> clerk -> boss"),
    ('title = "Boss"', 'title = ""', "roles.boss.title", "is empty"),
    ('title = "Boss"', 'title = "   "', "roles.boss.title", "is empty"),
    ('title = "Boss"', "title = 7", "roles.boss.title", "must be text"),
    ('title = "Boss"', 'title = "A\\nB"', "roles.boss.title", "one line"),
    ('title = "Boss"', "", "roles.boss.title", "is missing"),
    ('title = "Clerk"', 'title = "boss"', "roles.clerk.title", "title of boss too"),
    ('summary = "Writes."', 'sumary = "Writes."', "roles.clerk.sumary", "did you mean summary?"),
    ('keywords = ["letter"]', 'keywords = ["letter", "Letter"]', "roles.clerk.keywords", "'letter' twice"),
    ('keywords = ["letter"]', 'keywords = "letter"', "roles.clerk.keywords", "must be a list"),
    ('keywords = ["letter"]', "cpu = -1", "roles.clerk.cpu", "greater than or equal to 0"),
    ('keywords = ["letter"]', "cpu = nan", "roles.clerk.cpu", "finite"),
    ("memory_gb = 6.9", "memory_gb = 0", 'models."qwen3:8b".memory_gb', "greater than 0"),
    ("memory_gb = 6.9", "memory_gb = inf", 'models."qwen3:8b".memory_gb', "finite"),
    ("memory_gb = 6.9", 'memory_gb = "7"', 'models."qwen3:8b".memory_gb', "must be a number"),
    ("memory_gb = 6.9", "num_ctx = 8192", 'models."qwen3:8b".memory_gb', "is missing"),
    ("memory_gb = 6.9", "memory_gb = 1\nnum_ctx = 511", 'models."qwen3:8b".num_ctx', "512"),
    ("memory_gb = 6.9", "memory_gb = 1\nnum_ctx = 1048577", 'models."qwen3:8b".num_ctx', "1048576"),
    ("memory_gb = 6.9", "memory_gb = 1\nnum_ctx = 8192.5", 'models."qwen3:8b".num_ctx', "whole number"),
    ("memory_gb = 6.9", "memory_gb = 1\nnum_ctx = true", 'models."qwen3:8b".num_ctx', "whole number"),
    ("memory_gb = 6.9", 'memory_gb = 1\nfallbacks = ["b:1"]', 'models."qwen3:8b".fallbacks', "no model 'b:1'"),
    ("memory_gb = 6.9", 'memory_gb = 1\nfallbacks = ["qwen3:8b"]', 'models."qwen3:8b".fallbacks', "the model itself"),
    ("memory_gb = 6.9", 'memory_gb = 1\nsmaller = ["b:1"]', 'models."qwen3:8b".smaller', "no model 'b:1'"),
    ("memory_gb = 6.9", 'memory_gb = 1\nsmaller = ["qwen3:8b"]', 'models."qwen3:8b".smaller', "the model itself"),
    (
        "memory_gb = 6.9",
        'memory_gb = 1\nsmaller = ["b:1"]\n[models."b:1"]\nmemory_gb = 1',
        'models."qwen3:8b".smaller',
        "'b:1' is not smaller",
    ),
    ("memory_gb = 6.9", 'memory_gb = 1\n[models."QWEN3:8b"]\nmemory_gb = 1', 'models."QWEN3:8b"', "the same model"),
    ("[roles.clerk]", "[roles.Clerk]", "roles.Clerk", "lower case letters"),
    ("[roles.clerk]", '[roles."a b"]', 'roles."a b"', "lower case letters"),
    ("[roles.clerk]", f"[roles.{'a' * 65}]", f"roles.{'a' * 65}", "at most 64"),
    ('[models."qwen3:8b"]', '[models."../x"]', 'models."../x"', "model name such as"),
    ('[models."qwen3:8b"]', '[model."qwen3:8b"]', "model", "did you mean models?"),
]


@pytest.mark.parametrize(("old", "new", "key", "reason"), WRONG)
def test_a_wrong_catalogue_is_refused_with_file_key_and_reason(write_catalogue, old, new, key, reason):
    assert old in TWO_ROLES
    folder = write_catalogue(TWO_ROLES.replace(old, new, 1))

    with pytest.raises(CatalogueInvalid) as caught:
        load_catalogue(str(folder))

    assert caught.value.file == str(folder / "catalogue.toml")
    assert caught.value.key == key
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    ("text", "key"),
    [("", "models"), ("models = 3\nroles = 4", "models"), ('[models."a"]\nmemory_gb = 1\n[roles]', "roles")],
)
def test_a_catalogue_without_models_or_roles_is_refused(write_catalogue, text, key):
    with pytest.raises(CatalogueInvalid) as caught:
        load_catalogue(str(write_catalogue(text)))

    assert caught.value.key == key


def test_no_tag_and_the_latest_tag_are_one_model(write_catalogue):
    text = TWO_ROLES + '[models."mistral"]\nmemory_gb = 1\n[models."mistral:latest"]\nmemory_gb = 1\n'

    with pytest.raises(CatalogueInvalid, match="the same model"):
        load_catalogue(str(write_catalogue(text)))


def test_what_is_left_out_has_a_default(write_catalogue):
    catalogue = load_catalogue(str(write_catalogue(TWO_ROLES)))
    boss = catalogue.role("boss")

    assert (boss.num_ctx, boss.cpu, boss.gpu, boss.fallbacks, boss.keywords) == (8192, 1.0, 0.0, (), ())
    assert boss.memory_bytes == 6_900_000_000
    assert catalogue.names == ("boss", "clerk")
