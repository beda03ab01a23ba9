"""The pipeline's and the admin's own fixtures, and a relay that listens."""

from tests.admin.conftest import project, visit  # noqa: F401
from tests.commands.conftest import run  # noqa: F401
from tests.pipeline.conftest import cj, provider, running_provider  # noqa: F401
from tests.privacy.listening import listener  # noqa: F401
