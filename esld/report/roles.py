"""What chapters are to a run: which read what others hand over, and the names in the folder that they write into."""

RUN_VARIABLE = "ESLD_RUN"
RUN_FILE = "run.json"
WORK = "work"  # in a run's folder: one a chapter, in which its kernel works
SESSION_VARIABLE = "JPY_SESSION_NAME"  # by which Jupyter's server tells a kernel its notebook
PARTS = ("chapters", "tables", "figures")  # of a folder that chapters write into
VALIDATION, SUMMARY, DESIGN, BELIEF = "90_validation", "08_summary", "09_design", "10_belief"
NAMESAKE = 0.75  # how alike a name must be to that of a chapter that is meant: numbers and endings make strangers alike
# Read what the others handed over, and not one another: they run when those have ended.
READERS = (VALIDATION, SUMMARY)
