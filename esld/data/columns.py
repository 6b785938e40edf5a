"""Columns of text in which some cells, or all, are missing."""

import pandas as pd


def first_known(column: pd.Series, *others: pd.Series | str) -> pd.Series:
    """Each cell, or where it is missing that of the first other column that has one.

    Parameters
    ----------
    column : Series
        Text, dtype object whatever it holds.
    *others : Series or str
        Aligned with `column`; a text stands for a column of it.

    Returns
    -------
    Series of object
        Missing where all are. ``fillna`` would turn a column in which all cells are missing into one of floats, with a warning.
    """
    found = column.astype(object)
    for other in others:
        found = found.where(found.notna(), other)
    return found
