"""From what a result reads to the records of the export: which went in, and which were looked at and decided nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esld.data import deaths
from esld.data.adam.adtte import CUTOFF_SUFFIX
from esld.data.adam.scores import DIALYSIS, OF_THE_DAY, rests_on
from esld.data.sdtm import DOMAINS
from esld.data.sources import selected
from esld.data.study import Study
from esld.protocol import Endpoint, Source
from esld.report.passport.reads import Reading

ROWS = ("dataset", "USUBJID", "PARAMCD", "AVISIT", "ADT", "seq")
_Mask = NDArray[np.bool_]
_Found = tuple[str, _Mask, bool]  # a domain, which of its records, whether they went in


class Sources:
    """The records of a cut, by what is read of them."""

    def __init__(self, study: Study) -> None:
        self.study, self.tables, self.protocol = study, study.tables, study.protocol
        self._masks: dict[Reading, tuple[_Mask, _Mask]] = {}
        self._rows: dict[Reading, _Mask] = {}
        self._facts: dict[str, list[_Found]] = {}
        self._keys: dict[str, pd.Series] = {}

    def of(self, reading: Reading) -> pd.DataFrame:
        """The records of a result.

        Parameters
        ----------
        reading : Reading
            What it reads.

        Returns
        -------
        DataFrame
            One row a record: ``domain``; ``row``, its label in the table; ``USUBJID``; ``seq``, text, empty in DM; ``went_in``,
            false of a record that was looked at and did not decide, such as a second statement of a death. In the order of the
            tables.
        """
        every = self._every
        looked, went = self._chosen(_of_anybody(reading))
        looked = looked & every["USUBJID"].isin(reading.who).to_numpy()
        return every[looked].assign(went_in=went[looked]).reset_index(drop=True)

    def _chosen(self, reading: Reading) -> tuple[_Mask, _Mask]:
        """Which records are looked at, and which went in, of whomever; found once for readings that differ in no more."""
        if reading not in self._masks:
            looked, went = (np.zeros(len(self._every), dtype=bool) for _ in range(2))
            for domain, chosen, went_in in self._found(reading):
                own = slice(self._starts[domain], self._starts[domain] + len(chosen))
                looked[own] |= chosen
                went[own] |= chosen & went_in
            self._masks[reading] = looked, went
        return self._masks[reading]

    @cached_property
    def _every(self) -> pd.DataFrame:
        """Every record, table after table."""
        parts = []
        for name, table in self.tables.items():
            sequence = DOMAINS[name].sequence
            seq = table[sequence].astype(str) if sequence in table and name != "DM" else ""
            cells = {"domain": name, "row": table.index, "USUBJID": table["USUBJID"], "seq": seq}
            parts.append(pd.DataFrame(cells))
        return pd.concat(parts, ignore_index=True)

    @cached_property
    def _starts(self) -> dict[str, int]:
        ends = np.cumsum([len(table) for table in self.tables.values()])
        return {name: int(end) - len(self.tables[name]) for name, end in zip(self.tables, ends, strict=True)}

    def _found(self, reading: Reading) -> Iterator[_Found]:
        if reading.whole:
            yield from (self._all(name) for name in self.tables)
            return
        yield self._all("DM")
        yield "DS", self.tables["DS"]["DSDECOD"].eq("RANDOMIZED").to_numpy(bool), True
        for fact in reading.facts:
            yield from self._of_fact(fact)
        for code in reading.times:
            yield from self._of_times(self.protocol.endpoint(code))
        for code in reading.episodes:
            yield from self._of_sources(self.protocol.endpoint(code).events)
        if reading.measures:
            yield from self._of_values(reading.measures, baseline=reading.baseline, every=reading.every)
        if reading.rescued and self.protocol.rescue:
            yield from self._of_sources(self.protocol.rescue.sources)
        domains = (*reading.domains, *(["AE"] if reading.events else []))
        yield from (self._all(name) for name in domains if name in self.tables)

    def _all(self, name: str) -> _Found:
        return name, np.ones(len(self.tables[name]), dtype=bool), True

    def _of_fact(self, fact: str) -> list[_Found]:
        if fact not in self._facts:
            self._facts[fact] = [*self._behind(fact)]
        return self._facts[fact]

    def _behind(self, fact: str) -> Iterator[_Found]:
        """The records behind a fact of ADSL."""
        every = {
            "in_safety": ("EX",),
            "treated": ("EX",),
            "status": ("DS",),
            "ended": ("DS",),
            "per_protocol": ("DS", "IE"),
        }
        domains = every.get(fact, ())
        yield from (self._all(name) for name in domains if name in self.tables)
        match fact:
            case "treated" if self.protocol.treatment.regimen == "continuous":
                for other in ("ended", "followed"):  # a record without an end lasts to one of these
                    yield from self._of_fact(other)
            case "died":
                yield from self._of_death()
            case "followed":  # no sign of life comes after the death
                yield from self._of_contact(self.study.adsl)
                yield from self._of_fact("died")
            case "transplanted":
                yield from self._of_sources(
                    self.protocol.transplant.sources if self.protocol.transplant else ()
                )
            case "per_protocol":
                for other in ("treated", "followed", "transplanted"):
                    yield from self._of_fact(other)
            case "weighed" if "VS" in self.tables:
                yield "VS", self.tables["VS"]["VSTESTCD"].eq("WEIGHT").to_numpy(bool), True

    def _of_death(self) -> Iterator[_Found]:
        """Every statement of a death; the one that dates it decides, and a partial date is moved by the last sign of life."""
        adsl, stated = self.study.adsl, deaths.statements(self.tables)
        for form, own in stated.groupby("form", sort=False):
            yield str(form), self.tables[str(form)].index.isin(own["row"]), False
        yield from self._named(adsl, "DTHDOM", "DTHSEQ")
        yield from self._of_contact(adsl[adsl["USUBJID"].isin(stated.loc[stated["partial"], "USUBJID"])])

    def _of_contact(self, adsl: pd.DataFrame) -> Iterator[_Found]:
        yield from self._named(adsl, "LALVDOM", "LALVSEQ")

    def _named(self, frame: pd.DataFrame, domain: str, seq: str) -> Iterator[_Found]:
        """The records that the rows of analysis data name as their source."""
        for name, own in frame.dropna(subset=[domain]).groupby(domain, sort=False):
            keys = own["USUBJID"] if name == "DM" else own["USUBJID"] + "/" + own[seq].map(_number)
            yield str(name), self._keys_of(str(name)).isin(keys).to_numpy(), True

    def _keys_of(self, name: str) -> pd.Series:
        """Of each record of a table what its patient and its number make."""
        if name not in self._keys:
            table = self.tables[name]
            number = "" if name == "DM" else "/" + table[str(DOMAINS[name].sequence)].astype(str)
            self._keys[name] = table["USUBJID"] + number
        return self._keys[name]

    def _of_sources(self, sources: Iterable[Source], *, went_in: bool = True) -> Iterator[_Found]:
        for source in sources:
            if source.event:
                yield from self._of_fact("died")
            elif source.domain in self.tables:
                chosen = selected(source, self.tables[source.domain])
                yield source.domain, chosen.to_numpy(bool), went_in

    def _of_times(self, endpoint: Endpoint) -> Iterator[_Found]:
        """Of each patient the record that ended the time; what could have ended it, and did not, was looked at."""
        adtte = self.study.adtte
        yield from self._of_sources((*endpoint.events, *endpoint.competing, *endpoint.censors), went_in=False)
        yield from self._named(adtte[adtte["PARAMCD"].eq(endpoint.paramcd)], "SRCDOM", "SRCSEQ")
        yield from self._of_fact("died")
        if endpoint.prevalent:
            yield from self._of_values([endpoint.prevalent.paramcd], baseline=True, every=False)

    def _of_values(self, codes: Iterable[str], *, baseline: bool, every: bool) -> Iterator[_Found]:
        """The measurements of analysed visits, or of baseline; those that another one of the visit went before were looked at."""
        scored = {code: set(rests_on(code, self.protocol)) for code in codes}
        read = set(scored).union(*scored.values())
        for name in (name for name in ("LB", "RS") if name in self.tables):
            yield name, self.tables[name][f"{name}TESTCD"].isin(read).to_numpy(), every
        rows = self._measured[self._measured["PARAMCD"].isin(read)]
        chosen = rows["ABLFL" if baseline else "ANL01FL"].eq("Y")
        # A value made of several of a day rests on each of them.
        made = chosen & rows["DTYPE"].notna()
        chosen |= rows["day"].isin(rows.loc[made, "day"]) | rows["PARAMCD"].isin(
            (OF_THE_DAY & read) - {*scored}
        )
        yield from self._named(rows[chosen & rows["SRCSEQ"].notna()], "SRCDOM", "SRCSEQ")
        yield from self._of_fact("treated")
        yield from self._of_fact("transplanted")
        if any(scored.values()) and "PR" in self.tables:
            yield "PR", self.tables["PR"]["PRDECOD"].isin(DIALYSIS).to_numpy(), True

    @cached_property
    def _measured(self) -> pd.DataFrame:
        adlb = self.study.adlb
        day = adlb["USUBJID"] + "/" + adlb["PARAMCD"] + "/" + adlb["ADT"].astype(str)
        return adlb[["USUBJID", "PARAMCD", "ABLFL", "ANL01FL", "DTYPE", "SRCDOM", "SRCSEQ"]].assign(day=day)

    def rows_of(self, reading: Reading) -> pd.DataFrame:
        """The rows of analysis data that a result reads.

        Returns
        -------
        DataFrame
            ``dataset``, ``USUBJID``, ``PARAMCD``, ``AVISIT`` (of ADLB), ``ADT`` (ISO) and ``seq`` (of ADAE and ADCE), text,
            empty where a dataset has none. Of the values those that are analysed, with those that a score is made of.
        """
        every, anybody = self._every_row, _of_anybody(reading)
        if anybody not in self._rows:
            self._rows[anybody] = self._rows_chosen(anybody)
        own = self._rows[anybody] & every["USUBJID"].isin(reading.who).to_numpy()
        return every.loc[own, list(ROWS)].reset_index(drop=True)

    def _rows_chosen(self, reading: Reading) -> _Mask:
        every = self._every_row
        values = {own for code in reading.measures for own in (code, *rests_on(code, self.protocol))}
        flag = True if reading.every else every["ABLFL" if reading.baseline else "ANL01FL"].eq("Y")
        dataset, code = every["dataset"], every["PARAMCD"]
        chosen = dataset.eq("ADSL") | (dataset.eq("ADAE") & reading.events) | reading.whole
        chosen |= dataset.eq("ADTTE") & every["endpoint"].isin(reading.times)
        chosen |= dataset.eq("ADLB") & code.isin(values) & flag
        chosen |= dataset.eq("ADCE") & code.isin(reading.episodes)
        return chosen.to_numpy(bool)

    @cached_property
    def _every_row(self) -> pd.DataFrame:
        """Every row of analysis data, dataset after dataset."""
        parts = []
        for name, day, seq in (
            ("ADSL", "", ""),
            ("ADTTE", "ADT", ""),
            ("ADLB", "ADT", ""),
            ("ADCE", "ASTDT", "SRCSEQ"),
            ("ADAE", "ASTDT", "AESEQ"),
        ):
            frame = getattr(self.study, name.lower())
            own = {
                "PARAMCD": "PARAMCD",
                "AVISIT": "AVISIT",
                "seq": seq,
                "ABLFL": "ABLFL",
                "ANL01FL": "ANL01FL",
            }
            cells = {"dataset": name, "USUBJID": frame["USUBJID"]}
            for column, source in own.items():
                cells[column] = frame[source].astype(object).fillna("").astype(str) if source in frame else ""
            cells["endpoint"] = cells["PARAMCD"].str.removesuffix(CUTOFF_SUFFIX) if name == "ADTTE" else ""
            cells["ADT"] = frame[day].dt.strftime("%Y-%m-%d").fillna("") if day and len(frame) else ""
            parts.append(pd.DataFrame(cells))
        return pd.concat(parts, ignore_index=True)


def _of_anybody(reading: Reading) -> Reading:
    """A reading without what decides nothing of which records are read: of whom, and to which day."""
    return replace(reading, who=frozenset(), stem="", curve=False, until=None)


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
