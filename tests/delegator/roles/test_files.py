"""Finding and reading a user's catalogue, and what is refused on the way."""

import os

import pytest

from delegator.errors import CatalogueInvalid
from delegator.roles import load_catalogue
from delegator.roles.files import MAX_BRIEF_BYTES, MAX_CATALOGUE_BYTES, absolute_catalogue


def refused(path) -> CatalogueInvalid:
    with pytest.raises(CatalogueInvalid) as caught:
        load_catalogue(str(path))
    return caught.value


def test_a_folder_is_read_by_its_catalogue_file(write_catalogue, one_role):
    folder = write_catalogue(one_role)
    catalogue = load_catalogue(str(folder))

    assert catalogue.name == folder.name
    assert catalogue.names == ("lawyer",)
    assert catalogue.role("lawyer").brief == "You read contracts and say what to change."


def test_a_single_file_is_read_whatever_its_name(tmp_path, one_role):
    (tmp_path / "firm.toml").write_text(one_role, encoding="utf-8")

    assert load_catalogue(str(tmp_path / "firm.toml")).name == "firm"


def test_a_brief_may_be_a_file_of_the_folder(write_catalogue, one_role):
    text = one_role.replace('"You read contracts and say what to change."', '"texts/lawyer.md"')
    folder = write_catalogue(text)
    (folder / "texts").mkdir()
    (folder / "texts" / "lawyer.md").write_text("You know § 433.\n", encoding="utf-8")

    assert load_catalogue(str(folder)).role("lawyer").brief == "You know § 433."


def test_without_a_brief_the_file_of_that_name_is_taken(write_catalogue, one_role):
    folder = write_catalogue(one_role.replace("brief =", "# brief ="))
    (folder / "briefs").mkdir()
    (folder / "briefs" / "lawyer.md").write_text("You plead.", encoding="utf-8")

    assert load_catalogue(str(folder)).role("lawyer").brief == "You plead."


def test_without_any_brief_a_known_role_gets_the_shipped_one(write_catalogue, one_role):
    folder = write_catalogue(one_role.replace("brief =", "# brief =").replace("roles.lawyer", "roles.ceo"))

    assert load_catalogue(str(folder)).role("ceo").brief == load_catalogue("echo").role("ceo").brief


def test_without_any_brief_a_role_of_its_own_is_refused(write_catalogue, one_role):
    error = refused(write_catalogue(one_role.replace("brief =", "# brief =")))

    assert error.key == "roles.lawyer.brief"
    assert "briefs/lawyer.md" in error.reason


def test_a_name_that_is_nothing_is_answered_with_what_was_meant():
    error = refused("ekho")

    assert (error.file, error.key) == ("ekho", "")
    assert error.reason == "does not exist; did you mean echo?"
    assert error.advice == (
        "Give a catalogue that can be read, or choose one of the shipped catalogues: echo, compact, single."
    )


@pytest.mark.parametrize("given", ["firm", "./firm", "firm/catalogue.toml"])
def test_a_path_is_made_to_hold_in_any_working_folder(tmp_path, one_role, monkeypatch, given):
    (tmp_path / "firm").mkdir()
    (tmp_path / "firm" / "catalogue.toml").write_text(one_role, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    path = absolute_catalogue(given)
    monkeypatch.chdir("/")

    assert load_catalogue(path).name == "firm"


def test_a_shipped_name_stays_a_name_whatever_lies_beside(tmp_path, monkeypatch):
    (tmp_path / "echo").mkdir()
    monkeypatch.chdir(tmp_path)

    assert absolute_catalogue("echo") == "echo"
    assert absolute_catalogue("nonsense") == "nonsense"


@pytest.mark.parametrize("given", ["", "   ", "a\x00b", "x" * 5000])
def test_what_is_no_path_is_refused(given):
    assert refused(given).file == given


def test_a_folder_without_a_catalogue_is_refused(tmp_path):
    error = refused(tmp_path)

    assert error.file == os.path.join(tmp_path, "catalogue.toml")  # noqa: PTH118 - shown as it was given
    assert error.reason == "does not exist"


def test_the_file_is_shown_as_the_user_gave_it(write_catalogue, one_role, monkeypatch):
    folder = write_catalogue(one_role + "[broken")
    monkeypatch.chdir(folder.parent)

    assert refused(f"./{folder.name}").file == f"./{folder.name}/catalogue.toml"


def test_broken_toml_is_refused_with_its_line(write_catalogue):
    error = refused(write_catalogue('[models."a"]\nmemory_gb = 1\nnum_ctx = = 3\n'))

    assert "is not valid TOML" in error.reason
    assert "line 3" in error.reason


@pytest.mark.parametrize("text", ["a = " + "[" * 20_000, "a = " + "9" * 10_000])
def test_toml_that_would_upset_the_parser_is_refused(write_catalogue, text):
    assert refused(write_catalogue(text)).key == ""


def test_a_role_declared_twice_is_refused_with_its_line(write_catalogue, one_role):
    error = refused(write_catalogue(one_role + '[roles.lawyer]\ntitle = "Again"\n'))

    assert "lawyer" in error.reason
    assert "line" in error.reason


def test_a_file_beyond_the_limit_is_refused_unread(write_catalogue):
    assert "larger than" in refused(write_catalogue("#" * (MAX_CATALOGUE_BYTES + 1))).reason


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path):
    (tmp_path / "catalogue.toml").write_bytes(b"# ok\n# \xff\xfe\n")

    assert refused(tmp_path).reason == "is not UTF-8 text (line 2)"


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "catalogue.toml")

    assert refused(tmp_path).reason == "is not a file"


def brief_named(one_role: str, name: str) -> str:
    return one_role.replace('"You read contracts and say what to change."', f'"{name}"')


@pytest.mark.parametrize("name", ["../secret.md", "/etc/motd.md", "a/../../secret.md"])
def test_a_brief_outside_the_folder_is_refused(write_catalogue, one_role, name):
    error = refused(write_catalogue(brief_named(one_role, name)))

    assert error.key == "roles.lawyer.brief"
    assert "outside the folder" in error.reason


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path, one_role):
    (tmp_path / "secret.md").write_text("secret", encoding="utf-8")
    folder = tmp_path / "catalogue"
    folder.mkdir()
    (folder / "catalogue.toml").write_text(brief_named(one_role, "link.md"), encoding="utf-8")
    (folder / "link.md").symlink_to(tmp_path / "secret.md")

    assert "outside the folder" in refused(folder).reason


def test_a_brief_file_that_is_missing_is_named(write_catalogue, one_role):
    error = refused(write_catalogue(brief_named(one_role, "absent.md")))

    assert (error.key, error.reason) == ("roles.lawyer.brief", "'absent.md' does not exist")


def test_an_empty_or_endless_brief_is_refused(write_catalogue, one_role):
    folder = write_catalogue(brief_named(one_role, "lawyer.md"))
    brief = folder / "lawyer.md"

    brief.write_text(" \n", encoding="utf-8")
    assert "is empty" in refused(folder).reason
    brief.write_text("x" * (MAX_BRIEF_BYTES + 1), encoding="utf-8")
    assert "larger than" in refused(folder).reason
