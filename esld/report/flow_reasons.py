"""Why participants left a step of the flow, as far as the data say: the form's own words before its code."""

import pandas as pd

from esld.data.columns import first_known
from esld.data.study import Study

NOT_RECORDED, COMPLETED, NOT_DUE, DIED = "not_recorded", "completed_early", "not_due", "died"
CODES = (NOT_RECORDED, COMPLETED, NOT_DUE, DIED)  # reasons for which the export has no term
_WITHDRAWN = "DRUG WITHDRAWN"


def ended(study: Study) -> pd.Series:
    """Why participation ended, by the index of ADSL: the code, with what the form says where that says more.

    ``lost to follow-up (not reached after this day)``; of who failed screening, whose code says nothing, the form's words alone.
    """
    adsl = study.adsl
    code = adsl["DCSREAS"].astype(object)
    term = adsl["USUBJID"].map(_terms(study)).astype(object)
    more = term.notna() & code.notna() & term.ne(code)
    said = code.where(~more, code + " (" + term + ")")
    said = said.where(~code.eq("SCREEN FAILURE"), term.where(more))
    return said.map(lambda text: str(text).lower(), na_action="ignore").astype(object)


def _terms(study: Study) -> dict[str, str]:
    """The words of the last disposition event of each subject; none in a view that does not load them."""
    ds = study.tables.get("DS", pd.DataFrame())
    if not {"USUBJID", "DSCAT", "DSTERM", "DSSTDTC"} <= set(ds):
        return {}
    own = ds[ds["DSCAT"].eq("DISPOSITION EVENT") & ds["DSTERM"].notna()]
    own = own.sort_values("DSSTDTC", kind="stable")
    return {str(subject): str(term) for subject, term in own[["USUBJID", "DSTERM"]].to_numpy()}


def stopped(study: Study, died: pd.Series) -> pd.Series:
    """Why a patient received fewer administrations than planned, by the index of ADSL.

    The adverse event for which treatment was withdrawn, the first of several; death; the reason for which participation ended;
    or that the last one was not yet due by the data cut.
    """
    adsl, planned = study.adsl, study.protocol.administrations
    ae = study.tables.get("AE", pd.DataFrame())
    events: dict[str, str] = {}
    if {"AEACN", "AEDECOD", "AESTDTC"} <= set(ae):
        own = ae[ae["AEACN"].eq(_WITHDRAWN) & ae["AEDECOD"].notna()].sort_values("AESTDTC", kind="stable")
        own = own.drop_duplicates("USUBJID")
        events = {str(subject): str(term).lower() for subject, term in own[["USUBJID", "AEDECOD"]].to_numpy()}
    last = max(planned.value) if planned else 1
    due = adsl["TRTSDT"] + pd.Timedelta(days=last - 1) <= pd.Timestamp(study.cut.cutoff)
    by_code = pd.Series(None, adsl.index, dtype=object).where(due, NOT_DUE).where(~died, DIED)
    return first_known(adsl["USUBJID"].map(events).astype(object), by_code, ended(study), NOT_RECORDED)
