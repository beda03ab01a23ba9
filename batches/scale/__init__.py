"""Decisions about pairs of essays -> a scale. numpy and scipy only."""

from .csv_decisions import NotDecisions, read_decisions
from .decisions import Decision, Decisions
from .estimate import fit
from .linking import Drift, Link, link
from .misfit import JudgeFit
from .reliability import HeldOut, SplitHalf, held_out_accuracy, judgements_needed, plain_words, split_half
from .result import Fit
from .standing import cuts_from_anchors, grade_probabilities, rank_intervals, scaled_scores, separated_from_next
from .to_json import fit_to_json

__all__ = [
    "Decision",
    "Decisions",
    "Drift",
    "Fit",
    "HeldOut",
    "JudgeFit",
    "Link",
    "NotDecisions",
    "SplitHalf",
    "cuts_from_anchors",
    "fit",
    "fit_to_json",
    "grade_probabilities",
    "held_out_accuracy",
    "judgements_needed",
    "link",
    "plain_words",
    "rank_intervals",
    "read_decisions",
    "scaled_scores",
    "separated_from_next",
    "split_half",
]
