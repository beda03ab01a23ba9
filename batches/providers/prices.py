"""Tokens -> USD, exactly; and how many tokens and dollars a request may take before it is sent."""

from collections.abc import Iterable
from decimal import Context, Decimal
from math import ceil

from batches.providers.base import Part, Usage
from batches.providers.manifest import Model, Prices

MILLION = Decimal(1_000_000)
BYTES_PER_TOKEN = 4  # the usual rule of thumb for English; newer tokenizers take up to 30 % more tokens
IMAGE_TOKENS = 1_600  # about what a page image costs at the size both providers scale it down to
INPUT_MARGIN = Decimal("1.5")  # an estimate may be this far below what is counted
_PLACES = Decimal(1).scaleb(-12)
_EXACT = Context(prec=50)  # its methods leave the thread's own context alone, which is dear to change and change back


def cost(model: Model, usage: Usage, *, batch: bool) -> Decimal:
    """What this usage costs in USD, exact to 12 decimal places."""
    prices = model.prices_at(usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens)
    return _usd(_per_million(prices, usage), model, batch=batch)


def reservation(
    model: Model, input_tokens_estimate: int, max_tokens: int, batch: bool, *, margin: Decimal = INPUT_MARGIN
) -> Decimal:
    """The most that one request may cost in USD: input at its dearest, output to the limit.

    `margin` covers what an estimate misses; pass 1 for counted tokens.
    """
    tokens = ceil(input_tokens_estimate * margin)
    prices = model.prices_at(tokens)
    dearest = max(prices.input, prices.cache_write, prices.cache_read)
    return _usd(_EXACT.fma(max_tokens, prices.output, _EXACT.multiply(tokens, dearest)), model, batch=batch)


def estimate_tokens(text: str) -> int:
    """An estimate, never a count: four UTF-8 bytes a token (characters, for plain English)."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def estimate_parts(parts: Iterable[Part]) -> int:
    """An estimate of the tokens of text and page images together."""
    return sum(IMAGE_TOKENS if part.image else estimate_tokens(part.text) for part in parts)


def _per_million(prices: Prices, usage: Usage) -> Decimal:
    total = _EXACT.multiply(usage.input_tokens, prices.input)
    if usage.cache_read_tokens or usage.cache_write_tokens:
        total = _EXACT.fma(usage.cache_read_tokens, prices.cache_read, total)
        total = _EXACT.fma(usage.cache_write_tokens, prices.cache_write, total)
    return _EXACT.fma(usage.output_tokens, prices.output, total)


def _usd(per_million: Decimal, model: Model, *, batch: bool) -> Decimal:
    share = 1 - model.batch_discount if batch else Decimal(1)
    usd = _EXACT.divide(_EXACT.multiply(per_million, share), MILLION)
    return _EXACT.quantize(usd, _PLACES) if usd.as_tuple().exponent < -12 else usd  # type: ignore[operator]
