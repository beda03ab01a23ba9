"""The fixtures that other tests rely on: a local provider that is new for each of them."""


def test_faults_are_switched_on_and_off(local_provider):
    local_provider.put_faults(rate_limited={"next": 1})
    assert local_provider.struck() == {}
    local_provider.delete_faults()
    assert local_provider.control("GET", "faults")["faults"] == {}


def test_one_test_leaves_its_faults_behind(local_provider):
    local_provider.put_faults(refusal=1)


def test_and_the_next_does_not_meet_them(local_provider):
    assert local_provider.control("GET", "faults")["faults"] == {}
    assert local_provider.ledger() == []
    assert local_provider.batches() == []


def test_the_pipeline_is_pointed_at_it(provider_env, settings):
    assert provider_env.url.startswith("http://127.0.0.1:")
    assert settings.LOCAL_PROVIDER
    assert settings.LOCAL_PROVIDER_URL == provider_env.url


def test_the_date_stands_still(settings):
    from django.utils import timezone

    assert timezone.now().isoformat().startswith("2026-11-22T12:00:0")
