"""Where the methods come from: of a step of :mod:`esld.methods` the publication, as the docstrings of the statistics cite it."""

from collections.abc import Mapping

from esld.methods import steps_of

SOURCES: Mapping[str, str] = {
    "aalen-johansen": "Aalen and Johansen (1978), Scand J Stat 5:141-150",
    "andersen-gill": "Andersen and Gill (1982), Ann Stat 10:1100-1120",
    "beta-product": "Fay, Brittain and Proschan (2013), Biostatistics 14:723-736",
    "boschloo": "Boschloo (1970), Statistica Neerlandica 24:1-35",
    "clopper-pearson": "Clopper and Pearson (1934), Biometrika 26:404-413",
    "cloglog": "Klein, Logan, Harhoff and Andersen (2007), Stat Med 26:4505-4519",
    "conditional-binomial": "Przyborowski and Wilenski (1940), Biometrika 31:313-323",
    "cox": "Cox (1972), J R Stat Soc B 34:187-220",
    "effective-size": "Dorey and Korn (1987), Stat Med 6:679-687",
    "fine-gray": "Fine and Gray (1999), JASA 94:496-509",
    "finkelstein-schoenfeld": "Finkelstein and Schoenfeld (1999), Stat Med 18:1341-1354",
    "firth": "Firth (1993), Biometrika 80:27-38; Heinze and Schemper (2001), Biometrics 57:114-119",
    "fisher": "Fisher (1935), J R Stat Soc 98:39-82",
    "fisher-mid-p": "Lancaster (1961), JASA 56:223-234",
    "garwood": "Garwood (1936), Biometrika 28:437-442",
    "ghosh-lin": "Ghosh and Lin (2000), Biometrics 56:554-562",
    "gray": "Gray (1988), Ann Stat 16:1141-1154",
    "greenwood": "Greenwood (1926)",
    "hc3": "MacKinnon and White (1985), J Econom 29:305-325",
    "kaplan-meier": "Kaplan and Meier (1958), JASA 53:457-481",
    "katz": "Katz, Baptista, Azen and Pike (1978), Biometrics 34:469-474",
    "kenward-roger": "Kenward and Roger (1997), Biometrics 53:983-997",
    "koopman": "Koopman (1984), Biometrics 40:513-517",
    "log-rank": "Mantel (1966), Cancer Chemother Rep 50:163-170",
    "lwyy": "Lin, Wei, Yang and Ying (2000), J R Stat Soc B 62:711-730",
    "mann-whitney": "Mann and Whitney (1947), Ann Math Stat 18:50-60",
    "miettinen-nurminen": "Miettinen and Nurminen (1985), Stat Med 4:213-226",
    "mid-p-beta-product": "Fay and Brittain (2016), Stat Med 35:2726-2740",
    "mmrm": "Laird and Ware (1982), Biometrics 38:963-974",
    "mover": "Zou and Donner (2008), Stat Med 27:1693-1702",
    "newcombe": "Newcombe (1998), Stat Med 17:873-890",
    "peto-peto": "Peto and Peto (1972), J R Stat Soc A 135:185-207",
    "proportional-hazards-score": "Grambsch and Therneau (1994), Biometrika 81:515-526",
    "reml": "Patterson and Thompson (1971), Biometrika 58:545-554",
    "satterthwaite": "Satterthwaite (1946), Biometrics Bull 2:110-114",
    "standardised-means": "Austin (2009), Stat Med 28:3083-3107",
    "tarone-ware": "Tarone and Ware (1977), Biometrika 64:156-160",
    "wilcoxon": "Wilcoxon (1945), Biometrics Bull 1:80-83",
    "worst-ranks": "Lachin (1999), Control Clin Trials 20:408-422",
    "wilson": "Wilson (1927), JASA 22:209-212",
}


def sources_of(method: str) -> list[str]:
    """The publications of the steps of a method, in their order; of a step that is none, such as a count, there is none."""
    steps = steps_of(method) if method else []
    return list(dict.fromkeys(SOURCES[name] for name, _ in steps if name in SOURCES))
