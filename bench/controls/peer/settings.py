"""django-appointment as its documents say, made for speed where Django offers it.

Connections are kept, templates are cached, mails go nowhere, and no layer guards forms or headers.
"""

import os

SECRET_KEY = "a-secret-of-benchmarks-that-guards-nothing"
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "appointment",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["PEER_NAME"],  # noqa: TID251  it is no part of Daybook
        "HOST": os.environ["PEER_HOST"],  # noqa: TID251
        "PORT": os.environ["PEER_PORT"],  # noqa: TID251
        "USER": os.environ["PEER_USER"],  # noqa: TID251
        "PASSWORD": os.environ["PEER_PASSWORD"],  # noqa: TID251
        "CONN_MAX_AGE": None,
    }
}
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
STATIC_URL = "/static/"
LOGGING = {"version": 1, "disable_existing_loggers": True}
