"""The room of a chapter: Safety.

Held against the list of FDA's Standard Safety Tables and Figures (Integrated Guide):

- There: duration of exposure, deaths, serious events, events that led to the end of treatment, events by organ class and term
  with those of grade 3 or more, overview, risk differences with intervals, laboratory values by grade, potential Hy's law, and
  vital signs before and after; the listing and the narratives are in the chapter on single patients.
- Not there: events by subgroup, FDA's groups of terms, adverse events of special interest, cumulative incidence of adverse
  events over time, electrocardiograms, and the coding dictionary with its version, which SDTM keeps outside the domains.
"""
