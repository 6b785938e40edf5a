"""The main results of a cut computed a second time, from ADaM, by other programs than the package's own.

Double programming: lifelines, SciPy and plain linear algebra in place of `esld.survival`, `esld.longitudinal` and
`esld.randomisation`, none of which is imported here (an import contract holds that). The functions take the analysis data sets as
a statistician outside the project would get them. `esld.report.validation.double_programming` sets the two results side by side.
"""
