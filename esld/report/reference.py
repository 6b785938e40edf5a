"""What the chapters need, as the end of the page on protocols: ``python -m esld.report.reference`` prints the page."""

import sys

from esld.protocol import reference

CHAPTERS = """\
A chapter shows the analyses of its kinds, whatever their ids; what a trial does not plan is left out, with a sentence. What a
protocol must agree on is told by `esld check` and `esld run` before anything runs, each fault in one line.

- 04 answers by its parameter `headline`, 07 draws those of `profile` and lists those of `listed`: codes of the protocol's
  parameters, set in the cut file (`parameters: {04_change: {headline: BILI}}`). Left out, 04 takes the first parameter of the
  primary analysis or else of its own first one, and 07 none.
- 06 shows an analysis of kind `safety`, of the domains EX and AE and of patients treated; else it says what is lacking."""


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # of a terminal or a file
    sys.stdout.write(reference.page(CHAPTERS))
