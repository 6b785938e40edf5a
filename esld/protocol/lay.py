"""What a trial says of itself to people who are no doctors: the words of the page in plain language."""

from pydantic import Field

from esld.protocol._base import Frozen, Text


class Lay(Frozen):
    """The trial in plain words, for patients and committees: short sentences and everyday words, without abbreviations.

    The page in plain language is made of them and of the results. No number of the results belongs here.
    """

    title: Text = Field(description="heading of the page")
    question: Text = Field(description="what the trial asks, in a sentence or two")
    about: Text = Field(description="what the illness is and what was given, in a few sentences")
    people: Text = Field(
        description="who took part, inside a sentence after their number: adults with liver failure"
    )
    groups: dict[str, Text] = Field(
        default_factory=dict,
        description="what the page calls the group of each arm, by the code of the arm; without it the arm's label",
    )
    names: dict[str, Text] = Field(
        default_factory=dict,
        description="plain names of what happened, inside a sentence: by the code of an endpoint, of a wider endpoint what is "
        "added to the primary one, or by the term of an adverse event; without it the report's own name",
    )
    had: Text | None = Field(
        default=None,
        description="the event of the primary endpoint as what a patient has done to whom it happened; without it the endpoint's "
        "own words",
    )
    free: Text | None = Field(
        default=None, description="what a patient is to whom it has not happened; likewise"
    )
    measure: Text | None = Field(
        default=None,
        description="what the primary analysis measures, inside a sentence, with its unit; without it the parameter's name",
    )
    cannot_say: tuple[Text, ...] = Field(
        default=(), description="what the trial cannot tell, such as that nobody went without the treatment"
    )
    afterwards: tuple[Text, ...] = Field(
        default=(),
        description="what happens next, and whom to ask; without it the page says that the report does not know",
    )
