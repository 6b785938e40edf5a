"""Every command and every output of the tutorials, run from an empty folder with the page's words alone."""

import pytest

from tests.docs.pages import DOCS, run_page

PAGES = sorted(page for page in (DOCS / "tutorials").glob("*.md") if page.stem != "index")
REPORTS = [page for page in PAGES if "\nesld run" in page.read_text(encoding="utf-8")]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_up_to_the_first_report(page):
    assert run_page(page, whole=False) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("page", REPORTS, ids=lambda page: page.stem)
def test_with_the_report(page):
    run_page(page, whole=True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("```python\n1 + 1\n```\n\n```text\n3\n```\n", "shows"),
        ("```sh\nesld check nowhere.yaml\n```\n", "exit code 2"),
        ("```sh\npip install x\n```\n", "not known"),
        ("Words.\n\n```text\nwords\n```\n", "output of nothing"),
        ("In `a.yaml`:\n\n```yaml\na: 1\n```\n\nIn `a.yaml`:\n\n```diff\n-b: 1\n+b: 2\n```\n", "0 times"),
    ],
)
def test_a_page_that_says_what_is_not_so_fails(text, told, tmp_path):
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    with pytest.raises(AssertionError, match=told):
        run_page(tmp_path / "page.md", whole=True)
