"""What the protocol leaves open and what was chosen, in words."""

from esld.protocol import (
    Analysis,
    AnalysisSet,
    Assumable,
    Belief,
    Endpoint,
    Protocol,
    Rescue,
    StatedDays,
    StatedText,
    Visit,
)
from esld.report.words.catalogue import message
from esld.yamlfile import NAMES


def assumptions(protocol: Protocol) -> list[tuple[str, str, str]]:
    """Everything that the source of the protocol does not state: where in its file, the choice, and why."""
    return [(where, _choice(chosen), chosen.reason) for where, chosen in protocol.assumed()]


def _choice(chosen: Assumable) -> str:
    match chosen:
        case StatedText(value=value):
            return value
        case StatedDays(value=days):
            return message("assumption.days", days=message("list.comma").join(map(str, days)))
        case Visit(target=day, window=(first, last)):
            return message("assumption.visit", day=day, first=first, last=last)
        case Analysis(title=title, method=method):
            return message("assumption.analysis", title=title, method=method)
        case AnalysisSet(definition=definition):
            return definition
        case Endpoint(param=param):
            return param
        case Belief(priors=priors, margin=margin, threshold=threshold):
            said = message("list.comma").join(prior.label for prior in priors)
            return message(
                "assumption.belief", priors=said, margin=f"{100 * margin:g}", threshold=f"{100 * threshold:g}"
            )
        case Rescue(days=days, sources=sources):
            infused = dict.fromkeys(source.description for source in sources)
            return message("assumption.rescue", days=days, infused=message("assumption.or").join(infused))
    return _named(chosen)


def _named(chosen: Assumable) -> str:
    """A part without words of its own by what names it, and else by what its file says of it."""
    names = (str(getattr(chosen, key)) for key in ("label", "param", "name", *NAMES) if hasattr(chosen, key))
    content = chosen.model_dump(exclude={"assumed", "reason"}, exclude_defaults=True)
    said = (f"{key.replace('_', ' ')} {value}" for key, value in content.items())
    return next(names, "") or message("list.comma").join(said)
