"""A model's id -> what the real provider is known to allow it. A retirement date is told, never acted upon:
a local server must not turn a test red because a day has passed (`retired_models` in the settings does that)."""

import re
from dataclasses import dataclass, replace

OPUS_EFFORTS = ("low", "medium", "high")
ALL_EFFORTS = ("low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model of either provider."""

    id: str
    context_tokens: int
    most_output_tokens: int
    cache_from: int = 1_024  # tokens in the shortest prefix that is cached
    efforts: tuple[str, ...] = ()
    default_effort: str = ""  # "" when it does not think unless asked
    always_thinks: bool = False  # thinking cannot be switched off, and a tool cannot be forced
    sampling: bool = True  # takes temperature and top_p whatever the effort
    old_limit_name: bool = True  # takes max_tokens in a chat completion
    bills_cache_writes: bool = False
    flex: bool = True
    ends_on: str = ""  # ISO date


def _claude(
    name: str, context: int, output: int, cache_from: int, efforts: tuple[str, ...] = (), **more: object
) -> Model:
    return Model(
        id=name,
        context_tokens=context,
        most_output_tokens=output,
        cache_from=cache_from,
        efforts=efforts,
        **more,  # type: ignore[arg-type]
    )


_ALWAYS = {"always_thinks": True, "default_effort": "high"}
ANTHROPIC = {
    model.id: model
    for model in (
        _claude("claude-fable-5-2", 1_000_000, 128_000, 512, ALL_EFFORTS, **_ALWAYS),
        _claude("claude-mythos-5-2", 1_000_000, 128_000, 512, ALL_EFFORTS, **_ALWAYS),
        _claude("claude-haiku-5-5", 1_000_000, 128_000, 1_024, ALL_EFFORTS),
        _claude("claude-sonnet-5-5", 1_000_000, 128_000, 1_024, ALL_EFFORTS, **_ALWAYS),
        _claude("claude-fable-5-1", 1_000_000, 128_000, 512, ALL_EFFORTS, **_ALWAYS),
        _claude("claude-opus-5-5", 1_000_000, 128_000, 512, ALL_EFFORTS, **_ALWAYS),
        _claude("claude-mythos-5-1", 1_000_000, 128_000, 512, ALL_EFFORTS, **_ALWAYS),
        _claude("claude-sonnet-5", 1_000_000, 128_000, 1_024, ALL_EFFORTS),
        _claude("claude-fable-5", 1_000_000, 128_000, 512, ALL_EFFORTS),
        _claude("claude-mythos-5", 1_000_000, 128_000, 512, ALL_EFFORTS),
        _claude("claude-opus-5", 1_000_000, 128_000, 512, ALL_EFFORTS),
        _claude("claude-opus-4-8", 1_000_000, 128_000, 1_024, ALL_EFFORTS),
        _claude("claude-opus-4-7", 1_000_000, 128_000, 4_096, ALL_EFFORTS),
        _claude("claude-mythos-preview", 1_000_000, 128_000, 4_096, ALL_EFFORTS, ends_on="2026-06-30"),
        _claude("claude-opus-4-6", 1_000_000, 128_000, 4_096, ALL_EFFORTS),
        _claude("claude-sonnet-4-6", 1_000_000, 128_000, 2_048, OPUS_EFFORTS),
        _claude("claude-haiku-4-5", 200_000, 64_000, 4_096),
        _claude("claude-haiku-4-5-20251001", 200_000, 64_000, 4_096),
        _claude("claude-opus-4-5", 200_000, 64_000, 4_096, OPUS_EFFORTS),
        _claude("claude-opus-4-5-20251101", 200_000, 64_000, 4_096, OPUS_EFFORTS),
        _claude("claude-sonnet-4-5", 200_000, 64_000, 1_024, ends_on="2026-11-30"),
        _claude("claude-sonnet-4-5-20250929", 200_000, 64_000, 1_024, ends_on="2026-11-30"),
    )
}

_O_EFFORTS = ("low", "medium", "high")
_5_EFFORTS = ("minimal", "low", "medium", "high")
_51_EFFORTS = ("none", "low", "medium", "high", "xhigh")
_62_EFFORTS = ("low", "medium", "high", "xhigh")
# family, ids, context, output, efforts, default effort
_GPT = (
    ("6.2", ("gpt-6.2-astra", "gpt-6.2-sol"), 922_000, 128_000, _62_EFFORTS, "low"),
    (
        "6",
        ("gpt-6-astra", "gpt-6.1-sol", "gpt-6.1-terra", "gpt-6-sol", "gpt-6-luna"),
        922_000,
        128_000,
        _51_EFFORTS,
        "low",
    ),
    ("5.6", ("gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna"), 922_000, 128_000, _51_EFFORTS, "none"),
    ("5.5", ("gpt-5.5", "gpt-5.5-2026-04-23", "gpt-5.4"), 1_050_000, 128_000, _51_EFFORTS, "none"),
    (
        "5.4",
        ("gpt-5.4-mini", "gpt-5.4-mini-2026-03-17", "gpt-5.4-nano", "gpt-5.4-nano-2026-03-17"),
        272_000,
        128_000,
        _51_EFFORTS,
        "none",
    ),
    (
        "5.1",
        ("gpt-5.2", "gpt-5.2-2025-12-11", "gpt-5.1", "gpt-5.1-2025-11-13"),
        272_000,
        128_000,
        _51_EFFORTS,
        "none",
    ),
    (
        "5",
        ("gpt-5", "gpt-5-2025-08-07", "gpt-5-mini", "gpt-5-mini-2025-08-07", "gpt-5-nano", "gpt-5-nano-2025-08-07"),
        272_000,
        128_000,
        _5_EFFORTS,
        "medium",
    ),
    ("4.1", ("gpt-4.1", "gpt-4.1-2025-04-14", "gpt-4.1-mini", "gpt-4.1-mini-2025-04-14"), 1_047_576, 32_768, (), ""),
    (
        "4o",
        ("gpt-4o", "gpt-4o-2024-08-06", "gpt-4o-2024-11-20", "gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
        128_000,
        16_384,
        (),
        "",
    ),
    ("o3", ("o3", "o3-2025-04-16"), 200_000, 100_000, _O_EFFORTS, "medium"),
)
_SHUTDOWN = (
    (re.compile(r"gpt-5(-mini|-nano)?(-2025.*)?$|o3"), "2026-12-11"),
    (re.compile(r"gpt-4\.1|gpt-4o"), "2027-01-14"),
    (re.compile(r"gpt-5\.4-nano|gpt-5\.1"), "2027-04-01"),
)


def _shutdown(name: str) -> str:
    return next((day for pattern, day in _SHUTDOWN if pattern.match(name)), "")


OPENAI = {
    name: Model(
        id=name,
        context_tokens=context,
        most_output_tokens=output,
        efforts=efforts,
        default_effort=effort if effort != "none" else "",
        sampling=not efforts,
        old_limit_name=not efforts,
        bills_cache_writes=family in ("5.6", "6", "6.2"),
        flex=family != "6.2",
        ends_on=_shutdown(name),
    )
    for family, names, context, output, efforts, effort in _GPT
    for name in names
}
KNOWN = {"anthropic": ANTHROPIC, "openai": OPENAI}
_INVENTED = {
    "anthropic": Model(id="", context_tokens=200_000, most_output_tokens=64_000),
    "openai": Model(id="", context_tokens=400_000, most_output_tokens=128_000),
}


def catalogue(provider: str, extra: list[str], retired: list[str], contexts: dict[str, int]) -> dict[str, Model]:
    """Every model that answers, by id: the known ones and those that the settings invent, less the retired."""
    models = KNOWN[provider] | {name: replace(_INVENTED[provider], id=name) for name in extra}
    return {
        name: replace(model, context_tokens=contexts.get(name, model.context_tokens))
        for name, model in models.items()
        if name not in retired
    }
