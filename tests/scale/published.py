"""Counts and results printed in Agresti, Categorical Data Analysis (2nd edition), tables 10.10 and 10.11."""

from batches.scale import Decisions

# home team: {visitor: (home team's wins, visitor's wins)}, American League East, 1987
BASEBALL = {
    "Milwaukee": {"Detroit": (4, 3), "Toronto": (4, 2), "New York": (4, 3), "Boston": (6, 1), "Cleveland": (4, 2),
                  "Baltimore": (6, 0)},
    "Detroit": {"Milwaukee": (3, 3), "Toronto": (4, 2), "New York": (4, 3), "Boston": (6, 0), "Cleveland": (6, 1),
                "Baltimore": (4, 3)},
    "Toronto": {"Milwaukee": (2, 5), "Detroit": (4, 3), "New York": (2, 4), "Boston": (4, 3), "Cleveland": (4, 2),
                "Baltimore": (6, 0)},
    "New York": {"Milwaukee": (3, 3), "Detroit": (5, 1), "Toronto": (2, 5), "Boston": (4, 3), "Cleveland": (4, 2),
                 "Baltimore": (6, 1)},
    "Boston": {"Milwaukee": (5, 1), "Detroit": (2, 5), "Toronto": (3, 3), "New York": (4, 2), "Cleveland": (5, 2),
               "Baltimore": (6, 0)},
    "Cleveland": {"Milwaukee": (2, 5), "Detroit": (3, 3), "Toronto": (3, 4), "New York": (4, 3), "Boston": (4, 2),
                  "Baltimore": (2, 4)},
    "Baltimore": {"Milwaukee": (2, 5), "Detroit": (1, 5), "Toronto": (1, 6), "New York": (2, 4), "Boston": (1, 6),
                  "Cleveland": (3, 4)},
}  # fmt: skip

# cited journal: {citing journal: citations}; being cited counts as winning
CITATIONS = {
    "Biometrika": {"Comm. Statist.": 730, "JASA": 498, "JRSS-B": 221},
    "Comm. Statist.": {"Biometrika": 33, "JASA": 68, "JRSS-B": 17},
    "JASA": {"Biometrika": 320, "Comm. Statist.": 813, "JRSS-B": 142},
    "JRSS-B": {"Biometrika": 284, "Comm. Statist.": 276, "JASA": 325},
}


def baseball(*, places: bool) -> Decisions:
    """The home team counts as read first."""
    rows = []
    for home, visitors in BASEBALL.items():
        left = home if places else None
        for visitor, (won, lost) in visitors.items():
            rows += [(home, visitor, left)] * won + [(visitor, home, left)] * lost
    return Decisions.from_rows(rows)


def citations() -> Decisions:
    return Decisions.from_rows(
        (cited, citing) for cited, row in CITATIONS.items() for citing, times in row.items() for _ in range(times)
    )
