"""Environment -> Django's settings. Everything that differs between places comes from the environment."""

from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy

from cjadmin import clean_logs, content_policy, var

env = environ.Env()
BASE_DIR = var.BASE_DIR
VAR = var.var_dir()


def secret_key() -> str:
    """SECRET_KEY, else one made once for this checkout and kept in its data folder."""
    if key := env.str("SECRET_KEY", ""):
        return key
    if not DEBUG:
        raise ImproperlyConfigured("Set SECRET_KEY: with DEBUG=0 no key is made for you.")
    from django.core.management.utils import get_random_secret_key

    path = VAR / "secret_key"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x") as file:
            path.chmod(0o600)
            file.write(get_random_secret_key())
    except FileExistsError:
        pass
    return path.read_text()


DEBUG = env.bool("DEBUG", True)
SECRET_KEY = secret_key()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]", "testserver"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django_rq",
    "cjadmin.local",
    "batches",
]

MIDDLEWARE = [
    "batches.api.problems.as_problems",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "cjadmin.content_policy.in_frame",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "cjadmin.viewing.Viewing",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "cjadmin.urls"
WSGI_APPLICATION = "cjadmin.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# One dialect in every mode: the embedded server is PostgreSQL too.
if env.str("DATABASE_URL", ""):
    DATABASES = {"default": env.db("DATABASE_URL")}
    if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL server (postgres://user:password@host/name).")
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "cjadmin",
            "USER": "postgres",
            "HOST": str(var.postgres_socket()),
        }
    }
DATABASES["default"].setdefault("CONN_HEALTH_CHECKS", True)
DATABASES["default"]["CONN_MAX_AGE"] = 60

REDIS_URL = env.str("REDIS_URL", "") or f"unix://{var.valkey_socket()}?db=0"
QUEUES = ("submit", "poll")
RQ_QUEUES = {
    name: {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 600, "SERIALIZER": "rq.serializers.JSONSerializer"} for name in QUEUES
}
RQ_QUEUES["default"] = RQ_QUEUES["submit"]
RQ = {"COMMIT_MODE": "on_db_commit", "WORKER_CLASS": "batches.worker.Worker", "JOB_CLASS": "rq.job.Job"}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

# CJ_* of the environment, read and checked by batches.conf.
CJ_SETTINGS: dict[str, object] = {}
LOCAL_PROVIDER = env.bool("CJ_LOCAL_PROVIDER", False)
METRICS_TOKEN = env.str("CJ_METRICS_TOKEN", "")  # without it there is no /metrics
LOCAL_PROVIDER_URL = env.str("CJ_LOCAL_PROVIDER_URL", "")
LOCAL_PROVIDER_URL_FILE = var.local_provider_url_file()

# Callbacks: where they go. How they go is cj_settings.callback_sink.
KAFKA_BOOTSTRAP_SERVERS = env.str("KAFKA_BOOTSTRAP_SERVERS", "")
KAFKA_OPTIONS = env.json("KAFKA_OPTIONS", {})  # more librdkafka properties, such as {"security.protocol": "SASL_SSL"}
WEBHOOK_URL = env.str("CJ_WEBHOOK_URL", "")
WEBHOOK_SECRET = env.str("CJ_WEBHOOK_SECRET", "")  # whsec_...; two, with a space between, while one replaces the other
OPENAI_WEBHOOK_SECRET = env.str("OPENAI_WEBHOOK_SECRET", "")  # of the webhooks that OpenAI sends here

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")

LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale", BASE_DIR / "locale" / "unfold"]
LANGUAGE_COOKIE_NAME = "cj_language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = not DEBUG
TIME_ZONE = env.str("TIME_ZONE", "Europe/London")
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000_000
DATA_UPLOAD_MAX_NUMBER_FILES = 5_000  # a folder of essays; essays/limits.py has the same figure

AUTHENTICATION_BACKENDS = ["cjadmin.throttling.Throttle", "django.contrib.auth.backends.ModelBackend"]
SESSION_COOKIE_AGE = 8 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", not DEBUG)
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # asked for within the machine, without TLS
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 0 if DEBUG else 31_536_000)
SECURE_CSP = content_policy.STRICT
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEBUG

UNFOLD = {
    "SITE_TITLE": "cjadmin",
    "SITE_HEADER": "cjadmin",
    "SITE_SUBHEADER": gettext_lazy("Comparative judgement"),
    "SITE_SYMBOL": "balance",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "batches.admin.appearance.icon"}],
    "SHOW_HISTORY": False,
    "STYLES": ["batches.admin.appearance.stylesheet"],
    "SCRIPTS": ["batches.admin.appearance.zone_script"],
    "SHOW_LANGUAGES": True,
    "LANGUAGES": {"navigation": [{"code": code, "name_local": name} for code, name in LANGUAGES]},
    "DASHBOARD_CALLBACK": "batches.admin.front_page.context",
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": "batches.admin.appearance.navigation",
    },
    "COLORS": {
        "primary": {
            "50": "oklch(97% .014 254.604)",
            "100": "oklch(93.2% .032 255.585)",
            "200": "oklch(88.2% .059 254.128)",
            "300": "oklch(80.9% .105 251.813)",
            "400": "oklch(70.7% .165 254.624)",
            "500": "oklch(62.3% .214 259.815)",
            "600": "oklch(54.6% .245 262.881)",
            "700": "oklch(48.8% .243 264.376)",
            "800": "oklch(42.4% .199 265.638)",
            "900": "oklch(37.9% .146 265.522)",
            "950": "oklch(28.2% .091 267.935)",
        }
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "WARNING")},
    "loggers": {"batches": {"level": env.str("LOG_LEVEL", "INFO")}},
}
clean_logs.install()  # before anything logs: SDK debug logs and tracebacks included
Path(VAR).mkdir(parents=True, exist_ok=True)
