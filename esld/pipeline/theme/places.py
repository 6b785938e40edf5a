"""What a chapter's page has beside its text: folds of the appendix, and places for numbers and links that come later.

The places are filled by :func:`esld.pipeline.exhibits.filled`.
"""

from bs4 import BeautifulSoup, Tag

from esld.pipeline.exhibits import APPENDIX
from esld.report import glossary
from esld.report.words.catalogue import message


def explain(soup: BeautifulSoup) -> dict[str, str]:
    """Terms that the text marks, with the words of the glossary; one that is not in it brings its own.

    Each can be reached by a finger and by the Tab key, not only by a mouse.
    """
    terms = {}
    for term in soup.select("dfn, abbr"):
        name = " ".join(term.get_text().split())
        if known := glossary.explained(name):
            name, term["title"] = known
        if title := " ".join(str(term.get("title", "")).split()):
            term["tabindex"] = "0"
            terms[name] = title
    return terms


def number(soup: BeautifulSoup) -> None:
    """Places for the number of each recorded table and figure, for a table's file, and for the words of a link without any."""
    for figure in soup.select("figure[data-exhibit][id]"):
        name = str(figure["data-exhibit"])
        place = soup.new_tag("b", attrs={"class": "number", "data-exhibit": name})
        if title := figure.select_one("figcaption .title"):
            title.insert(0, place)
            if name.startswith("tables/"):
                title.insert_after(soup.new_tag("a", attrs={"class": "csv", "data-exhibit": name}))
        else:
            caption = soup.new_tag("figcaption")
            caption.append(place)
            figure.insert(0, caption)
    for link in soup.select('a[href^="#"]'):
        target = soup.find(id=str(link["href"])[1:])
        if not link.get_text().strip() and isinstance(target, Tag) and target.get("data-exhibit"):
            link.attrs = {"class": "refer", "data-exhibit": target["data-exhibit"]}


def fold(soup: BeautifulSoup) -> None:
    """What the appendix has becomes a fold for each run of neighbours; a paragraph alone is not put away."""
    for box in soup.select(f"div.{APPENDIX}"):
        before = box.find_previous_sibling()
        if isinstance(before, Tag) and before.name == "details" and APPENDIX in words_of(before, "class"):
            before.extend(list(box.contents))
            box.decompose()
            continue
        made = soup.new_tag("details", attrs={"class": APPENDIX})
        box.replace_with(made)
        made.extend([soup.new_tag("summary"), *box.contents])
    for summary in soup.select(f"details.{APPENDIX} > summary"):
        box = summary.find_parent("details") or soup
        names = [str(figure.get("data-exhibit", "")) for figure in box.find_all("figure")]
        if names or len([p for p in box.select("p") if p.find_parent("details") is box]) > 1:
            called = {"class": "called", "data-exhibits": " ".join(names)}
            summary.append(soup.new_tag("span", attrs=called))
        else:
            summary.decompose()
            box.unwrap()


def refer(soup: BeautifulSoup, slug: str) -> None:
    """A place at the end of a paragraph with results of a chapter, for links to the tables that show them."""
    for paragraph in soup.select("p"):
        numbers = paragraph.select("span.result[data-result]")
        if numbers and paragraph.find_parent("figure") is None:
            results = dict.fromkeys(str(n["data-result"]).partition(".")[0] for n in numbers)
            asked = {"class": "refer", "data-results": " ".join(results), "data-slug": slug}
            paragraph.append(soup.new_tag("span", attrs=asked))


def moved_apart(soup: BeautifulSoup, slug: str) -> BeautifulSoup:
    """Take what the appendix has out of a chapter, in which a line says where it is."""
    apart = BeautifulSoup("", "html.parser")
    for place, fold in enumerate(soup.select(f"details.{APPENDIX}"), 1):
        moved = apart.new_tag("div", attrs={"class": "moved", "id": f"{slug}--moved-{place}"})
        pointer = soup.new_tag("p", attrs={"class": "pointer"})
        link = soup.new_tag("a", href=f"#{moved['id']}")
        for summary in fold.find_all("summary", recursive=False):
            link.extend(list(summary.contents))
            summary.decompose()
        before, _, after = message("exhibit.apart", exhibits="\0").partition("\0")
        if not any(
            place.get("data-exhibits") for place in link.select(".called")
        ):  # an exhibit has its own number
            link.append(soup.new_tag("span", attrs={"class": "part", "data-slug": slug}))
        pointer.extend([before, link, after])
        fold.insert_before(pointer)
        moved.extend(list(fold.contents))
        apart.append(moved)
        fold.decompose()
    return apart


def words_of(tag: Tag, name: str) -> str:
    """An attribute of words as one text: the parser keeps ``class`` and ``headers`` as lists, others as text."""
    value = tag.get(name, "")
    return value if isinstance(value, str) else " ".join(value or ())
