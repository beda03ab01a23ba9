"""Two essays -> the judgement of a noisy reader of surface features: weak on purpose, the same every time."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from types import MappingProxyType

from .draws import draw
from .features import Features
from .prompt_reading import EssayRead, PairRead
from .settings import Settings

CONFIDENCE_STEPS = (0.4, 0.9, 1.6, 2.6)  # logits apart that make it 2, 3, 4, 5 sure


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer before it is put into anyone's schema."""

    tag: str
    winner: str
    confidence: int
    justification: str
    instructed: bool  # an essay speaks to the judge


def _wishes(pair: PairRead, commands: Mapping[str, str]) -> set[str]:
    """The places that the essays tell the judge to choose."""
    seen = [(place, _wish(essay, commands)) for place, essay in (("A", pair.a), ("B", pair.b))]
    return {place if wish == "itself" else wish for place, wish in seen} - {""}


def _wish(essay: EssayRead, commands: Mapping[str, str]) -> str:
    """What the essay asks of the judge: in words that the judge knows as an order, or that were named as one."""
    return next((wish for words, wish in commands.items() if words in essay.text), essay.wish)


def judge(
    pair: PairRead,
    model: str,
    settings: Settings,
    obedience: float = 0.0,
    commands: Mapping[str, str] = MappingProxyType({}),
    noticing: float = 1.0,
) -> Verdict:
    """Draw the winner with logistic probability from the difference in quality, noise and a liking for place A.

    It does what exactly one place is ordered for with the probability `obedience`, and says that an essay spoke to it
    with the probability `noticing`.
    """
    names = (settings.seed, model, pair.a.key, pair.b.key)
    logit = (
        settings.sharpness * (_seen(pair.a, model, settings) - _seen(pair.b, model, settings)) + settings.position_bias
    )
    winner = "A" if draw("winner", *names) < 1.0 / (1.0 + exp(-logit)) else "B"
    wishes = _wishes(pair, commands)
    if len(wishes) == 1 and draw("obey", *names) < obedience:
        [winner] = wishes
    return Verdict(
        tag=pair.tag,
        winner=winner,
        confidence=1 + sum(abs(logit) > step for step in CONFIDENCE_STEPS),
        justification=justify(pair, winner, draw("words", *names)),
        instructed=bool(wishes) and draw("notice", *names) < noticing,
    )


def _seen(essay: EssayRead, model: str, settings: Settings) -> float:
    """The essay's quality as this model misreads it."""
    return essay.features.quality + settings.noise * 3.46 * (draw("noise", settings.seed, model, essay.key) - 0.5)


def _reasons(better: Features, worse: Features) -> list[str]:
    """What speaks for the better essay, the strongest first; what speaks for the other last."""
    reasons = (
        (
            worse.slips - better.slips,
            f"it slips less often ({better.slips:.1f} against {worse.slips:.1f} per hundred words)",
        ),
        (
            (better.different_words - worse.different_words) / 20,
            f"it draws on {better.different_words} different words",
        ),
        ((better.words - worse.words) / 80, f"it develops its points over {better.words} words"),
        (4 * (better.word_letters - worse.word_letters), "its words are more exact and less everyday"),
        ((better.paragraphs - worse.paragraphs) / 2, f"it is set out in {better.paragraphs} paragraphs"),
        ((worse.sentence_words - better.sentence_words) / 12, "its sentences are easier to follow"),
    )
    return [words for weight, words in sorted(reasons, reverse=True) if weight > 0.25]


def justify(pair: PairRead, winner: str, turn: float) -> str:
    """One to three sentences, their number and length drawn by `turn` and by how much there is to say."""
    better, worse = (pair.a, pair.b) if winner == "A" else (pair.b, pair.a)
    if better.features.page_image or worse.features.page_image:
        return f"Judged from the page image: essay {winner} looks the fuller and better kept of the two."
    reasons = _reasons(better.features, worse.features)[: 1 + int(turn * 3)]
    if not reasons:
        return f"The two are close on the surface; on balance essay {winner} reads slightly better."
    first = f"Essay {winner} is the better one because {' and '.join(reasons)}."
    return " ".join(filter(None, (first, _remark(worse.features, turn))))


def _remark(worse: Features, turn: float) -> str:
    if turn < 0.4 or not worse.commonest_slip:
        return ""
    remark = f"The other is held back most by this slip: {worse.commonest_slip}."
    if turn < 0.75:
        return remark
    return f"{remark} It runs to {worse.words} words in sentences of about {worse.sentence_words:.0f} words each."
