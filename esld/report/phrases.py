"""Words for results: the span that ties a number to its result, reasons, and what more than one chapter says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from typing import Any

import pandas as pd

from esld.data import dates
from esld.data.cutfile import ALL, DataCut, is_english, previous_cut
from esld.data.queries.answers import ANSWERED, with_status
from esld.data.study import FRAMES, Study
from esld.data.views import POOLED
from esld.errors import InputError
from esld.methods import GIVEN, steps_of
from esld.protocol.translated import with_texts
from esld.reasons import Parameter, Reason
from esld.report import numbers
from esld.report.looks import looks_of
from esld.report.planned import is_death
from esld.report.results import Row, slug
from esld.report.roles import DESIGN
from esld.report.words.catalogue import UNTRANSLATED, Reader, arm_label, has, message, read_by, reader
from esld.report.words.grammar import (
    GRAMMARS,
    as_prose,
    capitalised,
    in_prose,
    joined,
    noun,
    of_group,
    on_day,
    period,
)
from esld.translation import Translator


@dataclass(frozen=True)
class Sentence:
    """Words for the reader, made from results; HTML spans carry the result ids.

    What makes a table or a figure returns one in its place where there is nothing to show: it says what is missing, and why.
    """

    html: str

    def __repr__(self) -> str:
        return self.html

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/markdown": self.html, "text/plain": self.html}


_OF_CUT = ("title", "notice")  # texts of a cut file
_OF_ADTTE = ("EVNTDESC", "CNSDTDSC")  # why a time ended
# Parameters of a reason that name an arm, and those that are words of ours.
_ARMS = ("group",)
_WORDS = ("limits", "of", "curve", "end", "outcome", "what", "sides", "numbers")


def worded(reason: Reason | None, place: str = "", **more: str) -> str:
    """A reason in the words of the catalogue, as plain text; empty for none.

    Parameters
    ----------
    reason : Reason or None
    place : str, optional
        Chapter or table: where it has words of its own for a code, those of ``reason.<place>.<code>`` are taken.
    more : str
        Further values for the words.
    """
    if reason is None:
        return ""
    return message("reasons.list").join(dict.fromkeys(_said(one, place) for one in reason.of(**more).each))


def _said(one: Reason, place: str) -> str:
    about = {name: _parameter(name, value) for name, value in one.about}
    if arm := _arm_of(dict(one.about)):
        about = {"group": message("arms.one", arm=of_group(arm)), **about}
    whose = "".join(message("reasons.whose", of=about[of]) for of in ("group", "structure") if of in about)
    own = f"reason.{place}.{one.code}"
    return message(own if has(own) else f"reason.{one.code}", whose=whose, **about)


def _arm_of(about: Mapping[str, Parameter]) -> str:
    """The arm that a reason means which names the covariate ``second v first``, 1 in the second; else nothing."""
    second, compared, first = str(about.get("covariate", "")).partition(" v ")
    if not compared:
        return ""
    return second if about.get("level") == 1.0 or about.get("end") == "largest" else first


def _parameter(name: str, value: Parameter) -> Parameter:
    if isinstance(value, tuple):
        return joined(str(_parameter(name, each)) for each in value)
    if name in _ARMS:
        return arm_label(str(value))
    if name == "method":
        return method_words(str(value))
    key = f"reasons.{name}.{slug(str(value))}"
    return message(key) if name in _WORDS and has(key) else value


def notes_of(rows: Iterable[Row], place: str = "", **more: str) -> list[str]:
    """The footnotes that say why numbers of the rows are missing: one for each reason, with the mark of the cells."""
    found = (one for row in rows if row.reason for one in row.reason.each)
    return list(dict.fromkeys(message("reasons.note", reason=worded(one, place, **more)) for one in found))


def span(row: Row, text: str) -> str:
    """A number in prose, tied to its result."""
    if not isinstance(row, Row):
        remedy = "Hand the number over first: row = chapter.hand_over(…).row(…)."
        raise InputError("a number in a sentence", "must be a row of a result", row, remedy=remedy)
    return f'<span class="result" data-result="{escape(row.result_id)}">{escape(text)}</span>'


def whole(row: Row) -> str:
    """A count in prose, tied to its result.

    Raises
    ------
    esld.errors.InputError
        It is no whole number, and none is made of it.
    """
    if isinstance(row, Row) and row.value is not None and not float(row.value).is_integer():
        remedy = "Write span(row, numbers.fixed(row.value, 1))."
        raise InputError(f"whole of {row.result_id}", "must be a whole number", row.value, remedy=remedy)
    return span(row, numbers.fixed(row.value, 0) if isinstance(row, Row) else "")


def p_equals(row: Row) -> str:
    """What follows the letter p: ``= 0.034``, ``< 0.001``."""
    text = numbers.p_value(row.value)
    return span(row, text) if text[0] in "<>" else f"= {span(row, text)}"


def in_language(study: Study) -> Study:
    """A study whose protocol and cut speak the reader's language: what their files have no translation of is marked.

    Codes, numbers and terms of the data are as they are, and so is the study itself in the language of its files.
    """
    language, file = study.file.language, study.file
    if is_english(language):
        return study
    with read_by(Reader(language)):
        known = {POOLED.label: message("arms.label.all")}  # of the package, in no file
    for own in (study.protocol.translations, file.cut.translations):
        for code, texts in own.items():
            known |= texts if code == language else {}
    cut = file.cut.model_copy(
        update={name: with_texts(getattr(file.cut, name), known, UNTRANSLATED, "title") for name in _OF_CUT}
    )
    with read_by(Reader(language)):
        ends = {n: study.adtte[n].map(partial(_of_data, known), na_action="ignore") for n in _OF_ADTTE}
    said = replace(
        study,
        file=replace(file, cut=cut),
        protocol=with_texts(study.protocol, known, UNTRANSLATED),
        adtte=study.adtte.assign(**ends),
    )
    names = dict(zip(study.protocol.arm_labels.values(), said.protocol.arm_labels.values(), strict=True))
    visits = zip(study.protocol.schedule.visits, said.protocol.schedule.visits, strict=True)
    names |= {one.label: other.label for one, other in visits}
    frames: dict[str, Any] = {name: _with_names(getattr(said, name), names) for name in FRAMES}
    return replace(said, **frames)


def _with_names(frame: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Data in which arms and visits are called as the report calls them."""
    own = [name for name in ("TRT01P", "TRT01A", "AVISIT") if name in frame]
    called = {name: frame[name].map(lambda said: names.get(said, said), na_action="ignore") for name in own}
    return frame.assign(**called)


def _of_data(known: Mapping[str, str], text: str) -> str:
    """What the data step says of a record: a text of the protocol, or one of its own, which the catalogue has."""
    key = f"data.{slug(text)}"
    return known.get(text) or (message(key) if has(key) else UNTRANSLATED.format(text))


def reader_of(study: Study) -> Reader:
    """For whom the words of a cut's report are made."""
    protocol = study.protocol
    treatment, english = protocol.treatment, is_english(study.file.language)
    terms = {
        "administration": treatment.one,
        "administrations": treatment.many,
        "an_administration": treatment.an_administration if english else treatment.one,
        "Administration": capitalised(treatment.one),
        "Administrations": capitalised(treatment.many),
        "treated": treatment.given,
        "organ": protocol.transplant.organ if protocol.transplant else "",
    }
    called = GRAMMARS[study.file.language].arm
    labels = {code: called(label) for code, label in protocol.arm_labels.items()}
    return Reader(study.file.language, labels, terms)


def event_words(study: Study, paramcd: str) -> dict[str, str]:
    """How sentences speak of an endpoint: ``event``, ``events``, ``had`` and ``free``, as plain text.

    Where the protocol says nothing, death is death, and anything else an event.
    """
    endpoint = study.protocol.endpoint(paramcd)
    if words := endpoint.words:
        return {"event": words.one, "events": words.many, "had": words.had, "free": words.free}
    kind = "death" if is_death(endpoint) else "event"
    return {word: message(f"event.{kind}.{word}") for word in ("event", "events", "had", "free")}


def not_compared(study: Study) -> str:
    """Why a comparison is missing: the view shows no arms, there are many, or one has nobody yet; empty where there is one."""
    if study.compares:
        return ""
    if not study.shows_arms:
        return (
            message("arms.one_only")
            if study.arms != [ALL]
            else message("view.not_compared", view=view_name(study))
        )
    return message("arms.not_compared", arms=_vacant_groups(study))


def masked_words(study: Study) -> str:
    """With which arm a masked view compares the others, and what it leaves out; empty where a pair or the view says it."""
    if study.cut.view != "masked" or len(study.pairs) < 2:
        return ""
    return message("view.masked.pairs", first=escape(arm_label(study.arms[0])))


def view_name(study: Study) -> str:
    """What a reader calls the view of a cut."""
    return message(f"view.{study.cut.view}")


def vacant(study: Study) -> str:
    """To which arms nobody has been randomised yet; empty where each has somebody."""
    return message("arms.vacant", arms=_vacant_groups(study)) if study.vacant else ""


def _vacant_groups(study: Study) -> str:
    return joined(message("arms.one", arm=of_group(arm)) for arm in study.vacant)


def prose(label: str) -> str:
    """A label inside a sentence as HTML."""
    return escape(in_prose(label))


def method(row: Row) -> str:
    """How a result was made, in the words of the catalogue."""
    return method_words(row.method)


def ties(row: Row) -> str:
    """By whom tied event times are treated, as plain text."""
    return message(f"ties.{row.ties}")


def method_words(code: str) -> str:
    """A method of :mod:`esld.methods` in the words of the catalogue, as plain text."""
    made, _, conditions = code.partition(f", {GIVEN}, ")
    said = message("list.comma").join(_step(*one) for one in steps_of(made))
    return (
        message("method.given", steps=said, conditions=conditions_words(conditions)) if conditions else said
    )


def conditions_words(code: str) -> str:
    """What a reference set holds fixed, in the words of the catalogue, as plain text; stratum by stratum where they differ."""
    strata: list[tuple[str, list[str]]] = [("", [])]
    for name, parameters in steps_of(code):
        if name == "in-stratum":
            strata.append((parameters[0], []))
        else:
            strata[-1][1].append(_step(name, parameters))
    (_, everywhere), *own = strata
    within = (message("method.in-stratum", a=a, conditions=joined(said)) for a, said in own)
    return joined([*everywhere, *within])


def _step(name: str, parameters: tuple[str, ...]) -> str:
    if not has(f"method.{name}"):  # an analyst's own
        return " ".join((name.replace("-", " "), *parameters))
    coded = [(each, f"method.{name}.{each}") for each in parameters]
    parameters = tuple(message(entry) if has(entry) else each for each, entry in coded)
    *most, last = parameters or ("",)
    comma = message("list.comma")
    number = int(last) if last.isdecimal() else 0
    if name == "reference":
        return message(f"agreement.oracle.{last}")
    bare = f"method.{name}.none"  # where the steps end before what would stand in brackets
    return message(
        f"method.{name}" if parameters or not has(bare) else bare,
        **dict(zip("abc", parameters, strict=False)),
        all=joined(parameters),
        any=message("list.or", most=comma.join(most), last=last) if most else last,
        commas=comma.join(parameters),
        ratio=":".join(parameters),
        size=message("method.size", number=parameters[0], unit=numbers.unit(last)) if most else last,
        number=numbers.thousands(number),
        count=number,
    )


def disposition(text: str) -> str:
    """Why somebody left, as plain text: the code in words, and what the form adds in brackets as it is recorded."""
    code, bracket, term = text.partition(" (")
    key = f"disposition.{slug(code)}"
    said = message(key) if has(key) else code
    return message("disposition.added", said=said, term=term.removesuffix(")")) if bracket else said


def as_told(text: str) -> str:
    """What the data step tells the data manager, in the reader's language; what has no translation is marked."""
    language = reader().language
    if is_english(language):
        return text
    say = Translator(language)
    said = say(text)
    return UNTRANSLATED.format(text) if say.left else said


def nothing_recorded(study: Study, domain: str, what: str) -> str:
    """Why a domain that the data have holds no record here: none was exported, or none is as early as the cut; else nothing."""
    records = study.cut_report.records.set_index("domain")
    if domain not in records.index or records.loc[domain, "kept"]:
        return ""
    return message("records.none_yet" if records.loc[domain, "exported"] else "records.none", what=what)


def standing(study: Study) -> str:
    """What an analysis before the final one must say of itself, wherever it compares; nothing for the final one."""
    if study.cut.status == "final":
        return ""
    if is_of_the_end(study, study.cut):
        return as_prose((message("summary.draft"), interim_look(study)))
    looks = looks_of(study) if study.pairs and DESIGN in study.cut.chapters else None
    key = "summary.interim.look" if looks and looks.due else "summary.interim"
    return as_prose((message(key), interim_look(study)))


def is_of_the_end(study: Study, cut: DataCut) -> bool:
    """Whether a cut is the final one or, whatever its status, of a day on which all that were planned had entered and ended.

    A patient has ended by a recorded end of the trial or by death; where a view hides these days, or they are not recorded, the
    status alone says it.
    """
    own = study.randomised
    ended = own["EOSDT"].fillna(own["DTHDT"])
    over = len(own) >= study.protocol.target_enrolment and ended.notna().all()
    return cut.status == "final" or bool(over and ended.max() <= dates.as_date(cut.cutoff))


def interim_look(study: Study) -> str:
    """That the groups were compared before the final analysis, in this cut or the previous one, and whether the source of the
    protocol has a rule for it; nothing where they were not.
    """
    earlier = previous_cut(study.file)
    looks = [
        cut
        for cut in (earlier and earlier.cut, study.cut)
        if cut and not is_of_the_end(study, cut) and cut.view != "blinded"
    ]
    if not looks:
        return ""
    stopping, planned = study.protocol.conduct.stopping, looks_of(study)
    key = "interim.unplanned" if stopping is None or stopping.assumed else "interim.planned"
    if planned and looks[0] is study.cut:  # of an earlier cut it is not known how far the trial was
        key = "interim.as_planned" if planned.due else "interim.off_plan"
    return message(key, day=on_day(dates.as_date(looks[0].cutoff)))


def open_queries(study: Study) -> pd.DataFrame:
    """The data queries without a recorded answer."""
    told = with_status(study.queries, study.answers, None)
    return told[told["status"].ne(ANSWERED)]


def asked_about(study: Study) -> dict[tuple[str, str], list[str]]:
    """The ids of open data queries by patient and record (``AE 3``): of a query that compares several, by each of them."""
    found: dict[tuple[str, str], list[str]] = {}
    for query in open_queries(study).to_dict("records"):
        for record in str(query["record"]).split(" / "):
            found.setdefault((str(query["USUBJID"]), record), []).append(str(query["id"]))
    return found


def points(row: Row, proportion: float | None) -> str:
    """A difference of proportions in percentage points; the decimals follow the average size of the two groups."""
    return numbers.points(proportion, (row.n or 0) // 2)


def points_noun(text: str) -> str:
    """``point`` after one, ``points`` after any other text of :func:`points`."""
    return noun("point", 1 if text in ("1", f"{numbers.MINUS}1") else 2)


def lost_words(count: int, n: int, day: float) -> str:
    """Of how many of `n` patients follow-up ended before a day, as the title of a figure says it."""
    key = "drawing.lost" if count else "drawing.lost.nobody"
    return message(key, count=count, n=n, patients=noun("patient", n), horizon=period(day))
