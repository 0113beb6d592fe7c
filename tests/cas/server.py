"""A real CAS 3.0 server for the tests: PyPI `django-mama-cas`, on a port of this machine.

    python3 server.py FOLDER USERS

FOLDER holds the packages; USERS is JSON: for each name a password and attributes. The first line on
standard output is the server's address. Ends with its input.
"""

import json
import os
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

FOLDER, USERS = sys.argv[1], json.loads(sys.argv[2])
sys.path.insert(0, FOLDER)

import django  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "mama_cas",
    ],
    MAMA_CAS_SERVICES=[{"SERVICE": r"^https://", "CALLBACKS": ["__main__.attributes"]}],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ROOT_URLCONF="mama_cas.urls",
    SECRET_KEY="only for tests",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    USE_TZ=True,
)


def attributes(user, service):
    """What the server says of somebody beside their name."""
    return USERS[user.get_username()]["attributes"]


class Silent(WSGIRequestHandler):
    """Standard error is for what goes wrong."""

    def log_message(self, *_):
        pass


django.setup()
call_command("migrate", verbosity=0)

from django.contrib.auth.models import User  # noqa: E402

for name, user in USERS.items():
    User.objects.create_user(name, password=user["password"])

server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Silent)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
server.serve_forever()
