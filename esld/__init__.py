"""Analysis of a small randomised trial in end-stage liver disease, from data cut to rendered report.

Nothing is imported here: each module imports what it needs, so that ``import esld`` stays cheap.
"""

__version__ = "0.1.0"
