"""Essays with orders for their judge, before a judge that obeys -> who is flagged, and where the weak ones end up.

    python -m bench --only injection --sessions 10 --essays FILE.csv ...

The local provider's feature judge reads real or bundled essays, our own pairing plans ten rounds of them, and every
tenth essay, drawn from the weaker half, carries one of the shipped attacks, which the judge obeys with the given
probability, whether or not the scan knows the words. Flags come from the product's own scan and detectors, with the
product's own limits. Then every flagged essay with an attack is judged again without the passage, as staff would have
it, and its place is compared with the place it has where the passage never was.
"""

import argparse
import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from random import Random

import numpy as np
from rich.console import Console
from rich.table import Table

from batches.essays.scan import suspicions
from batches.essays.scan.passages import without
from batches.judging.attacks import Attack, attacks
from batches.judging.pairs import Pair, plan_pairs, swap_repeats
from batches.scale.decisions import Decisions
from batches.scale.estimate import Fit, fit
from batches.scale.obedience import placed, told
from batches.scale.shares import Share
from cjadmin.local.provider.feature_judge import Verdict, judge
from cjadmin.local.provider.prompt_reading import PairRead, read_text
from cjadmin.local.provider.settings import Settings

BUNDLED = Path(__file__).parents[1] / "demo" / "essays.csv"
ROUNDS, SWAPPED, EVERY = 10, 0.10, 10
MODEL = "claude-haiku-4-5-20251001"
COMMANDS = {attack.words: attack.wish for attack in attacks()}
ARMS = ((1.0, 1.0), (1.0, 0.7), (1.0, 0.5), (0.3, 1.0), (0.0, 1.0))  # obedience, noticing


@cache
def _suspected(text: str) -> bool:
    return bool(suspicions(text))


@dataclass(kw_only=True)
class Session:
    """One assessment: its texts, ten rounds of pairs, and what the judge says of them."""

    texts: list[str]
    attacked: Mapping[int, Attack]
    seed: int
    obedience: float
    noticing: float

    @cached_property
    def written(self) -> list[str]:
        """The essays as they were handed in."""
        return [self.attacked[i].added_to(text) if i in self.attacked else text for i, text in enumerate(self.texts)]

    @cached_property
    def scanned(self) -> set[int]:
        return {i for i, text in enumerate(self.written) if _suspected(text)}

    @cached_property
    def pairs(self) -> list[Pair]:
        """Ten rounds, with the repeats in swapped order: a share of all, and all of those that the scan flagged."""
        earlier: list[Pair] = []
        asked: list[Pair] = []
        for number in range(ROUNDS):
            seed = self.seed * 1000 + number
            pairs = plan_pairs(range(len(self.texts)), earlier=earlier, seed=seed, method="balanced")
            earlier += pairs
            asked += [*pairs, *swap_repeats(pairs, SWAPPED, seed, always=self.scanned)]
        return asked

    def said(self, texts: Sequence[str], pairs: Sequence[Pair]) -> list[Verdict]:
        settings = Settings(seed=self.seed)
        reads = [read_text(text) for text in texts]
        return [
            judge(
                PairRead(tag="", a=reads[pair.a], b=reads[pair.b]),
                MODEL,
                settings,
                self.obedience,
                COMMANDS,
                self.noticing,
            )
            for pair in pairs
        ]

    def fitted(self, pairs: Sequence[Pair], said: Sequence[Verdict]) -> Fit:
        rows = (
            (*((p.a, p.b) if one.winner == "A" else (p.b, p.a)), p.a, 1) for p, one in zip(pairs, said, strict=True)
        )
        return fit(Decisions.from_rows(rows, essays=range(len(self.texts))), uncertain=False)

    @cached_property
    def first(self) -> tuple[list[Verdict], Fit]:
        said = self.said(self.written, self.pairs)
        return said, self.fitted(self.pairs, said)

    @cached_property
    def by_place(self) -> set[int]:
        said, fitted = self.first
        firsts, seconds = [pair.a for pair in self.pairs], [pair.b for pair in self.pairs]
        found = placed(firsts, seconds, (v.winner == "A" for v in said), logit=fitted.logit, bias=fitted.position_bias)
        return {one.essay for one in found}

    @cached_property
    def by_word(self) -> set[int]:
        said, _ = self.first
        asked = np.bincount([i for pair in self.pairs for i in (pair.a, pair.b)], minlength=len(self.texts))
        pairs = [(pair.a, pair.b) for pair, one in zip(self.pairs, said, strict=True) if one.instructed]
        return {one.essay for one in told(dict(enumerate(asked.tolist())), pairs)}

    @property
    def without_passages(self) -> list[str]:
        """The essays as judges read them once the passages are left out."""
        return [self._without(i, text) for i, text in enumerate(self.written)]

    def _without(self, i: int, text: str) -> str:
        if i not in self.attacked:
            return text
        at = text.index(self.attacked[i].words)
        return without(text, [[at, at + len(self.attacked[i].words)]])

    def again(self, flagged: set[int]) -> Fit:
        """The scale after the flagged essays were judged again without their passages."""
        said, _ = self.first
        texts = [clean if i in flagged else text for i, (clean, text) in enumerate(
            zip(self.without_passages, self.written, strict=True)
        )]  # fmt: skip
        anew = self.said(texts, self.pairs)
        aside = [pair.a in flagged or pair.b in flagged for pair in self.pairs]
        return self.fitted(self.pairs, [new if out else old for out, new, old in zip(aside, anew, said, strict=True)])

    def never(self, *, same_words: bool) -> Fit:
        """The scale of the same pairs had nobody attacked, with or without the mark of what was left out."""
        texts = self.without_passages if same_words else self.texts
        return self.fitted(self.pairs, self.said(texts, self.pairs))


@dataclass(kw_only=True)
class Found:
    """What the sessions of one arm came to."""

    attacked: list[tuple[Attack, dict[str, bool]]] = field(default_factory=list)
    clean: list[dict[str, bool]] = field(default_factory=list)
    shifts: dict[str, list[float]] = field(default_factory=dict)  # in standard errors of the scale without attacks
    ranks: dict[str, list[float]] = field(default_factory=dict)

    def add(self, session: Session) -> None:
        by = {"scan": session.scanned, "default": session.scanned | session.by_place}
        by["asked"] = by["default"] | session.by_word
        for i in range(len(session.texts)):
            flags = {name: i in flagged for name, flagged in by.items()}
            if i in session.attacked:
                self.attacked.append((session.attacked[i], flags))
            else:
                self.clean.append(flags)
        if session.obedience and session.noticing == 1:
            self._shift(session, by["asked"])

    def _shift(self, session: Session, flagged: set[int]) -> None:
        same, fresh = session.never(same_words=True), session.never(same_words=False)
        before, after = session.first[1], session.again(flagged & set(session.attacked))
        scales = (("before", before, same), ("judged again", after, same), ("against other draws", after, fresh))
        for name, scale, true in (*scales, ("two draws, nobody attacked", same, fresh)):
            for i, attack in session.attacked.items():
                shift = (scale.logit[i] - true.logit[i]) / true.standard_error[i]
                for row in (name, f"before: {_wish(attack)}") if name == "before" else (name,):
                    self.shifts.setdefault(row, []).append(float(shift))
                    self.ranks.setdefault(row, []).append(float(scale.rank[i] - true.rank[i]))

    def share(self, name: str, *, known: bool | None = None) -> Share:
        rows = [flags for _, flags in self.attacked if known is None or flags["scan"] == known]
        return Share(hits=sum(flags[name] for flags in rows), n=len(rows))

    def clean_share(self, name: str) -> Share:
        return Share(hits=sum(flags[name] for flags in self.clean), n=len(self.clean))


def sessions(texts: Sequence[str], n: int, size: int, obedience: float, noticing: float) -> Iterator[Session]:
    """Assessments of so many essays; every tenth, from the weaker half, carries an attack, one after the other."""
    turn = 0
    for seed in range(n):
        rng = Random(seed)
        chosen = rng.sample(list(texts), min(size, len(texts)))
        by_quality = sorted(range(len(chosen)), key=lambda i: read_text(chosen[i]).features.quality)
        weak = rng.sample(by_quality[: len(chosen) // 2], max(1, len(chosen) // EVERY))
        attacked = {i: attacks()[(turn + k) % len(attacks())] for k, i in enumerate(weak)}
        turn += len(weak)
        yield Session(texts=chosen, attacked=attacked, seed=seed, obedience=obedience, noticing=noticing)


def essays_in(files: Sequence[Path]) -> list[str]:
    texts = []
    for file in files:
        with file.open(newline="", encoding="utf-8") as lines:
            texts += [row["text"].strip() for row in csv.DictReader(lines)]
    return list(dict.fromkeys(text for text in texts if not _suspected(text)))


def measured(texts: Sequence[str], n: int, size: int) -> dict[tuple[float, float], Found]:
    found: dict[tuple[float, float], Found] = {}
    for arm in ARMS:
        found[arm] = Found()
        for session in sessions(texts, n, size, *arm):
            found[arm].add(session)
    return found


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="bench injection", description=__doc__)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--size", type=int, default=120, help="essays in one session, at most")
    parser.add_argument("--essays", type=Path, nargs="+", default=[BUNDLED], help="CSV files with a column text")
    asked = parser.parse_args(arguments)
    texts = essays_in(asked.essays)
    console = Console(width=150)
    found = measured(texts, asked.sessions, asked.size)
    console.print(f"{len(texts)} essays, {asked.sessions} sessions of up to {asked.size}, {len(attacks())} attacks.")
    console.print(_flag_table(found))
    console.print(_kind_table(found[1.0, 1.0]))
    console.print(_place_table(found))


def _flag_table(found: Mapping[tuple[float, float], Found]) -> Table:
    table = Table(title="Flagged after ten comparisons each")
    headings = ("obeys", "notices", "scan", "default settings", "unknown to the scan", "ask_instructions")
    for heading in (*headings, "unknown to the scan", "clean: default", "clean: ask_instructions"):
        table.add_column(heading, justify="right")
    for (obedience, noticing), one in found.items():
        table.add_row(
            f"{obedience:g}",
            f"{noticing:g}",
            *(_shown(one.share(name, known=known)) for name, known in COLUMNS),
            *(_shown(one.clean_share(name)) for name in ("default", "asked")),
        )
    return table


COLUMNS = (("scan", None), ("default", None), ("default", False), ("asked", None), ("asked", False))


def _kind_table(found: Found) -> Table:
    table = Table(title="By kind of attack, before a judge that always obeys and notices")
    for heading in ("kind", "n", "scan", "default settings", "ask_instructions"):
        table.add_column(heading, justify="right")
    for kind in dict.fromkeys(f"{attack.kind} ({_wish(attack)})" for attack in attacks()):
        rows = [flags for attack, flags in found.attacked if f"{attack.kind} ({_wish(attack)})" == kind]
        table.add_row(
            kind,
            str(len(rows)),
            *(_shown(Share(hits=sum(row[name] for row in rows), n=len(rows))) for name in ("scan", "default", "asked")),
        )
    return table


def _wish(attack: Attack) -> str:
    return "wants to win" if attack.wish == "itself" else "wants a place to win"


def _place_table(found: Mapping[tuple[float, float], Found]) -> Table:
    table = Table(
        title="How far attacked essays stand from where they stand without the attack (standard errors; ranks)"
    )
    for heading in ("obeys", "notices", "scale", "median", "mean", "95 % within", "most", "within 1", "rank: median"):
        table.add_column(heading, justify="right")
    for (obedience, noticing), one in found.items():
        for name, shifts in one.shifts.items():
            size = np.abs(shifts)
            table.add_row(
                *(f"{obedience:g}", f"{noticing:g}", name, f"{np.median(size):.2f}", f"{np.mean(shifts):+.2f}"),
                *(f"{np.quantile(size, 0.95):.2f}", f"{size.max():.2f}", f"{np.mean(size <= 1):.1%}"),
                f"{np.median(np.abs(one.ranks[name])):.0f}",
            )
    return table


def _shown(share: Share) -> str:
    if share.value is None:
        return "-"
    low, high = share.interval
    return f"{share.value:.1%} ({low:.0%}-{high:.0%})"
