"""What a trial of this size can show: simulated and enumerated operating characteristics."""

from esld.operating.characteristics import Task, Work, in_turn, operating_characteristics, run_task
from esld.operating.methods import METHODS, Outcomes, Simulated
from esld.operating.trials import Scenario, Score, Trials, draw

__all__ = [
    "METHODS",
    "Outcomes",
    "Scenario",
    "Score",
    "Simulated",
    "Task",
    "Trials",
    "Work",
    "draw",
    "in_turn",
    "operating_characteristics",
    "run_task",
]
