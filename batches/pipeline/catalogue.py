"""The model manifest, and what the providers' own model endpoints say -> one list with every difference named."""

from dataclasses import dataclass

from django.utils import timezone

from batches.pipeline import account
from batches.pipeline.refused import Refused
from batches.providers import manifest
from batches.providers.base import Provider, ProviderError
from batches.providers.manifest import Model

CAN = ("structured_output", "tools", "vision", "batch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One model of the manifest beside what its provider says."""

    model: Model
    says: str  # in two words; "" where nobody was asked
    differs: str  # a sentence; "" where the two agree
    warning: str  # that it retires soon, or has

    def row(self) -> list[str]:
        """Its cells in a table."""
        model = self.model
        prices = (model.prices.input, model.prices.cache_read, model.prices.output)
        share = 1 - model.batch_discount
        return [
            model.id,
            model.provider,
            f"{model.context:,}",
            f"{model.max_output:,}",
            *(f"{price:f}" for price in prices),
            f"×{share:f}" if model.batch else "no",
            ", ".join(name for name in CAN if getattr(model, name)),
            model.retires_on.isoformat() if model.retires_on else "",
            self.says,
        ]

    def as_json(self) -> dict[str, object]:
        """The same for programs; prices in USD per million tokens."""
        model = self.model
        return {
            "id": model.id,
            "provider": model.provider,
            "context": model.context,
            "max_output": model.max_output,
            "can": [name for name in CAN if getattr(model, name)],
            "prices": {
                name: f"{getattr(model.prices, name):f}" for name in ("input", "cache_read", "cache_write", "output")
            },
            "priced_on": model.priced_on.isoformat(),
            "batch_discount": f"{model.batch_discount:f}",
            "retires_on": model.retires_on.isoformat() if model.retires_on else None,
            "successor": model.successor or None,
            "warning": self.warning,
            "provider_says": self.says,
            "differs": self.differs,
        }


def models(provider: str | None = None, *, ask: bool = True) -> list[Checked]:
    """Every model of the manifest, by provider and id; checked with those providers that can be reached with a key."""
    chosen = [model for model in manifest.load().values() if provider in (None, model.provider)]
    open_ = {name: _open(name) if ask else None for name in {model.provider for model in chosen}}
    return [_checked(model, open_[model.provider]) for model in sorted(chosen, key=lambda m: (m.provider, m.id))]


def _open(name: str) -> Provider | None:
    try:
        return account.provider_of(account.account_for(name))
    except Refused:
        return None


def _checked(model: Model, provider: Provider | None) -> Checked:
    says, differs = _ask(model, provider) if provider else ("", "")
    return Checked(model=model, says=says, differs=differs, warning=_warning(model))


def _warning(model: Model) -> str:
    today = timezone.localdate()
    try:
        manifest.check_usable(model, today)
    except manifest.RetiredModel as problem:
        return str(problem)
    return manifest.retirement_warning(model, today)


def _ask(model: Model, provider: Provider) -> tuple[str, str]:
    """(what it says, how that differs from the manifest)."""
    try:
        found = provider.check_model(model.id)
    except ProviderError as error:
        if error.code == "not_found":
            return "unknown", f"{model.id}: the provider does not know it, or this key may not use it."
        return "no answer", ""
    says = " ".join(filter(None, (found["lifecycle"], found["retires_on"])))
    return says, _difference(model, found)


def _difference(model: Model, found: dict) -> str:
    ours = model.retires_on.isoformat() if model.retires_on else ""
    if found["lifecycle"] == "retired":
        return f"{model.id}: the provider has retired it."
    if found["retires_on"] and found["retires_on"] != ours:
        return f"{model.id}: the provider retires it on {found['retires_on']}, the manifest says {ours or 'nothing'}."
    missing = [name for name, key in THEIR_NAMES.items() if getattr(model, name) and not _supported(found, key)]
    return f"{model.id}: the provider says it cannot do {', '.join(missing)}." if missing else ""


THEIR_NAMES = {"batch": "batch", "structured_output": "structured_outputs", "vision": "image_input"}


def _supported(found: dict, key: str) -> bool:
    """What a provider does not speak of is taken as it stands in the manifest."""
    capability = found["capabilities"].get(key)
    return not isinstance(capability, dict) or bool(capability.get("supported", True))
